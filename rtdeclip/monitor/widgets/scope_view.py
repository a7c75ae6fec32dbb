"""The oscilloscope: input above, output below, each with its histogram at the side.

Time runs to the right, newest at the right edge. Clipped samples are capped by thick
marks at the clip level; what the restoration adds beyond it is filled in another
colour. The clip levels are lines through both the curve and the histogram; those at
the input's histogram can be dragged.
"""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from rtdeclip.monitor.scale import Scale, time_marks
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.widgets import plots
from rtdeclip.monitor.widgets.lane import Lane, peak_of

WINDOWS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_HISTOGRAM_WIDTH = 112
_AXIS = 12.0
_DENSITY_EVERY = 3
"""Frames; the histograms change slowly (they forget within seconds)."""


class ScopeView(QWidget):
    """Both lanes; call ``refresh`` for every frame.

    Signals:
        level_dragged: polarity (+1, −1) and the new magnitude.
        window_changed: the time span in s, after the wheel was turned.
    """

    level_dragged = Signal(int, float)
    window_changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Waveforms of input and output")
        self._plots = pg.GraphicsLayoutWidget()
        self._plots.ci.layout.setContentsMargins(0, 4, 6, 2)
        self._plots.ci.layout.setSpacing(4)
        self._plots.ci.layout.setColumnFixedWidth(1, _HISTOGRAM_WIDTH)
        self.source = Lane(self._plots, 0, movable=True)
        self.output = Lane(self._plots, 1, movable=False)
        self.source.wave.getAxis("bottom").setStyle(showValues=False, tickLength=0)
        self.source.wave.getAxis("bottom").setHeight(6)
        for lane in (self.source, self.output):
            lane.histogram.getAxis("bottom").setStyle(showValues=False, tickLength=0)
        self.source.histogram.getAxis("bottom").setHeight(6)
        for line, polarity in zip(self.source.handles, (1, -1), strict=True):
            line.sigDragged.connect(
                lambda moved, p=polarity: self.level_dragged.emit(
                    p, max(0.01, p * moved.value())
                )
            )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plots)
        self._plots.wheelEvent = self._wheel
        self.window_s = 2.0
        self.difference = False
        self._frame = 0
        self.set_theme(DARK)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self._plots.setBackground(theme.panel)
        self.source.paint(theme, theme.source)
        self.output.paint(theme, theme.repaired if self.difference else theme.output)
        self._write_labels()

    def set_difference(self, on: bool) -> None:
        """Shows what was added instead of the output."""
        self.difference = on
        self.output.histogram.setVisible(not on)
        self.set_theme(self._theme)
        self.output.scale = Scale()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Both lanes stay equally high; the lower one also has the time axis."""
        super().resizeEvent(event)
        room = self.height() - 4 - 2 - 4
        self._plots.ci.layout.setRowFixedHeight(0, (room - _AXIS) / 2)
        self._plots.ci.layout.setRowFixedHeight(1, (room + _AXIS) / 2)

    def set_window(self, seconds: float) -> None:
        """The time span that is drawn."""
        self.window_s = seconds
        self.window_changed.emit(seconds)

    def zoom(self, steps: int) -> None:
        """Shorter spans for negative ``steps``, longer for positive ones."""
        nearest = int(np.argmin(np.abs(np.log(np.array(WINDOWS_S) / self.window_s))))
        at = min(max(nearest + steps, 0), len(WINDOWS_S) - 1)
        self.set_window(WINDOWS_S[at])

    def _wheel(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned:
            self.zoom(-1 if turned > 0 else 1)
        event.accept()

    def _write_labels(self) -> None:
        t = self._theme
        self.source.label.set(
            plots.swatch(t.source, "Input", t) + plots.swatch(t.clip, "clipped", t)
        )
        if self.difference:
            text = plots.swatch(t.repaired, "Difference: what the repair adds", t)
        else:
            text = plots.swatch(t.output, "Output", t)
            text += plots.swatch(t.repaired, "restored beyond the clip level", t)
        self.output.label.set(text)

    def refresh(self, model: ViewModel) -> None:
        """One frame."""
        pixels = max(64, int(self.source.wave.getViewBox().width()))
        source, output, added = model.traces(self.window_s, pixels)
        high, low = model.levels.high, model.levels.low
        self.source.show_trace(source, np.inf, np.inf)
        self.source.show_caps(source, high, low)
        shown = added if self.difference else output
        beyond_levels = (np.inf, np.inf) if self.difference else (high, low)
        self.output.show_trace(shown, *beyond_levels)
        for lane in (self.source, self.output):
            lane.show_levels(high, low)
        if self.difference:
            self.output.show_levels(0.0, 0.0)
        if self._frame % _DENSITY_EVERY == 0:
            self.source.show_density(model.densities[model.channel].shares())
            self.output.show_density(model.out_densities[model.channel].shares())
        self._frame += 1
        both = peak_of(source, output)  # on one scale, so that they compare
        changed = self.source.set_range(both, self.window_s)
        peak = peak_of(added) if self.difference else both
        if self.output.set_range(peak, self.window_s) or changed:
            ticks = time_marks(self.window_s)
            self.output.wave.getAxis("bottom").setTicks([ticks])
