"""The monitor's parts; each is told what to show and signals what the user wants."""

import os

# pyqtgraph takes the binding named here, whatever else is installed.
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")
