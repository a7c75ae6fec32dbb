"""Spectrograms of input and output, one above the other."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rtdeclip.monitor.spectra import SPAN_S, Spectra
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.widgets import plots

TOP_DB = -15.0
BOTTOM_DB = -85.0
_TICKS_KHZ = (5, 10, 15, 20)


class SpectrogramView(QWidget):
    """Two images of the last seconds; frequency is linear, so clipping's fan shows."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Spectrograms of input and output")
        self._plots = pg.GraphicsLayoutWidget()
        self._plots.ci.layout.setContentsMargins(0, 4, 6, 2)
        self._plots.ci.layout.setSpacing(4)
        self._images, self._views, self._labels = [], [], []
        colours = pg.colormap.get("inferno")
        for row in range(2):
            view = self._plots.addPlot(row, 0, enableMenu=False)
            plots.prepare(view)
            image = pg.ImageItem(axisOrder="col-major")
            image.setColorMap(colours)
            image.setLevels((BOTTOM_DB, TOP_DB))
            view.addItem(image, ignoreBounds=True)
            self._images.append(image)
            self._views.append(view)
            self._labels.append(plots.CornerLabel(view))
        self._views[0].getAxis("bottom").setStyle(showValues=False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plots)
        self._spectra: tuple[Spectra, Spectra] | None = None
        self.set_theme(DARK)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._plots.setBackground(theme.panel)
        for view in self._views:
            plots.paint(view, theme)
        # On the dark end of the colour map in both themes.
        for label, name in zip(self._labels, ("Input", "Output"), strict=True):
            label.set(f'<span style="color:#ffffff"><b>{name}</b></span>')

    def start(self, sample_rate: int) -> None:
        """An empty picture for sound of this rate."""
        self._spectra = (Spectra(sample_rate), Spectra(sample_rate))
        for view, image in zip(self._views, self._images, strict=True):
            view.setXRange(-SPAN_S, 0.0, padding=0)
            view.setYRange(0.0, sample_rate / 2, padding=0)
            marks: list[Any] = [(1e3 * k, f"{k} k") for k in _TICKS_KHZ]
            view.getAxis("left").setTicks([[(0.0, "0 Hz"), *marks]])
            image.setImage(self._spectra[0].image, autoLevels=False)
            image.setRect(QRectF(-SPAN_S, 0.0, SPAN_S, sample_rate / 2))
        seconds = (-6.0, -4.0, -2.0)
        ticks = [(s, f"−{-s:.0f} s") for s in seconds]
        self._views[1].getAxis("bottom").setTicks([ticks])

    def feed(self, dry: Any, wet: Any) -> None:
        """New sound of the drawn channel, ``(n,)`` float32 each."""
        if self._spectra is None:
            return
        for spectra, image, x in zip(
            self._spectra, self._images, (dry, wet), strict=True
        ):
            if spectra.feed(x) and self.isVisible():
                image.setImage(spectra.image, autoLevels=False)
