"""The pyqtgraph window and its Qt-free view model."""
