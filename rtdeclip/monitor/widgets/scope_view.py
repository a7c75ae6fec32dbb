"""The oscilloscope: input above, output below, each with its histogram at the side.

Time runs to the right, newest at the right edge. Clipped samples are capped by thick
marks at the clip level; what the restoration adds beyond it is filled in another
colour. The clip levels are lines through both the curve and the histogram; those at
the input's histogram can be dragged.
"""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QGraphicsPathItem, QVBoxLayout, QWidget

from rtdeclip.monitor.density import amplitudes
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.view_model import Trace, ViewModel
from rtdeclip.monitor.widgets import plots
from rtdeclip.monitor.words import signed

WINDOWS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
RANGES = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
_HISTOGRAM_WIDTH = 112
_CALM_FRAMES = 60
"""So many frames must fit a smaller range before the scale shrinks."""


class Lane:
    """One curve with its histogram and its pair of clip levels."""

    def __init__(self, layout: Any, row: int, *, movable: bool) -> None:
        self.wave = layout.addPlot(row, 0)
        self.histogram = layout.addPlot(row, 1)
        for plot in (self.wave, self.histogram):
            plots.prepare(plot)
        self.histogram.hideAxis("left")
        self.histogram.setXRange(0.0, 1.02, padding=0)
        self.label = plots.CornerLabel(self.wave)
        self.curve = _curve(self.wave, "all")
        self.repaired = _curve(self.wave, "pairs")
        self.caps = _curve(self.wave, "pairs")
        self.bars = QGraphicsPathItem()
        self.histogram.addItem(self.bars)
        self.lines = [self._line(self.wave, movable=False) for _ in range(2)]
        self.handles = [self._line(self.histogram, movable=movable) for _ in range(2)]

    @staticmethod
    def _line(plot: Any, *, movable: bool) -> Any:
        line = pg.InfiniteLine(angle=0, movable=movable)
        line.setZValue(20)
        line.hide()
        plot.addItem(line, ignoreBounds=True)
        return line

    def paint(self, theme: Theme, colour: str) -> None:
        """Colours of the theme; ``colour`` is the curve's own."""
        for plot in (self.wave, self.histogram):
            plots.paint(plot, theme)
        self.curve.setPen(plots.pen(colour))
        self.repaired.setPen(plots.pen(theme.repaired))
        self.caps.setPen(plots.pen(theme.clip, 3))
        self.bars.setPen(plots.pen(colour))
        self.bars.setBrush(plots.clear(colour, 110))
        for line in self.lines:
            line.setPen(plots.pen(theme.clip, dashed=True))
        for line in self.handles:
            line.setPen(plots.pen(theme.clip, 2))
            line.setHoverPen(plots.pen(theme.text, 3))

    def show_trace(self, trace: Trace, high: float, low: float) -> None:
        """Draws the curve with what lies beyond the clip levels."""
        self.curve.setData(*zigzag(trace), skipFiniteCheck=True)
        self.repaired.setData(*beyond(trace, high, low), skipFiniteCheck=True)

    def show_caps(self, trace: Trace, high: float, low: float) -> None:
        """Marks the clipped bins at the clip levels."""
        self.caps.setData(*cap_lines(trace, high, low), skipFiniteCheck=True)

    def show_density(self, shares: NDArray[np.float64]) -> None:
        """Draws the histogram; ``shares`` as ``Density.shares`` gives them."""
        y = np.repeat(amplitudes(), 2)
        y[0::2] -= 0.005
        y[1::2] += 0.005
        used = np.flatnonzero(np.repeat(shares, 2))
        if not len(used):
            return
        span = slice(used[0], used[-1] + 1)
        x = np.concatenate([[0.0], np.repeat(shares, 2)[span], [0.0]])
        y = np.concatenate([[y[span][0]], y[span], [y[span][-1]]])
        self.bars.setPath(pg.arrayToQPath(x, y))

    def show_levels(self, high: float, low: float) -> None:
        """Moves the level lines; 0 hides one."""
        for lines in (self.lines, self.handles):
            for line, magnitude, sign in zip(lines, (high, low), (1, -1), strict=True):
                line.setVisible(magnitude > 0.0)
                if not line.moving:
                    line.setValue(sign * magnitude)

    def set_range(self, magnitude: float, window_s: float) -> None:
        """Amplitude ±``magnitude`` and the time span."""
        self.wave.setXRange(-window_s, 0.0, padding=0)
        for plot in (self.wave, self.histogram):
            plot.setYRange(-1.04 * magnitude, 1.04 * magnitude, padding=0)


def _curve(plot: Any, connect: str) -> Any:
    item = pg.PlotCurveItem(connect=connect, antialias=False)
    plot.addItem(item, ignoreBounds=True)
    return item


def zigzag(t: Trace) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """x and y of a line through the lowest and highest sample of every bin."""
    if t.low is t.high:
        return t.age_s, t.high
    y = np.empty(2 * len(t.low), np.float32)
    y[0::2], y[1::2] = t.low, t.high
    return np.repeat(t.age_s, 2), y


def _pairs(
    parts: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Separate lines (x0, y0) – (x1, y1) as pyqtgraph's ``connect="pairs"``."""
    x0, y0, x1, y1 = (
        np.concatenate([np.atleast_1d(p[i]) for p in parts]) for i in range(4)
    )
    x, y = np.empty(2 * len(x0)), np.empty(2 * len(x0))
    x[0::2], x[1::2], y[0::2], y[1::2] = x0, x1, y0, y1
    return x, y


def beyond(
    t: Trace, high: float, low: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upright lines from the clip level to what was restored beyond it."""
    up = t.clipped_high & (t.high > high)
    down = t.clipped_low & (t.low < -low)
    top, bottom = t.age_s[up], t.age_s[down]
    return _pairs(
        [
            (top, np.full(len(top), high), top, t.high[up]),
            (bottom, np.full(len(bottom), -low), bottom, t.low[down]),
        ]
    )


def cap_lines(
    t: Trace, high: float, low: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Level lines over the bins that hold clipped samples."""
    half = 0.5 * t.bin_s
    top, bottom = t.age_s[t.clipped_high], t.age_s[t.clipped_low]
    return _pairs(
        [
            (top - half, np.full(len(top), high), top + half, np.full(len(top), high)),
            (
                bottom - half,
                np.full(len(bottom), -low),
                bottom + half,
                np.full(len(bottom), -low),
            ),
        ]
    )


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
        self.source.wave.getAxis("bottom").setStyle(showValues=False)
        self.source.wave.getAxis("bottom").setHeight(6)
        for lane in (self.source, self.output):
            lane.histogram.getAxis("bottom").setStyle(showValues=False)
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
        self._range, self._calm = 1.0, 0
        self._ranged: tuple[float, float] = (0.0, 0.0)
        self.set_theme(DARK)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self._plots.setBackground(theme.panel)
        self.source.paint(theme, theme.source)
        self.output.paint(theme, theme.output)
        self._write_labels()

    def set_difference(self, on: bool) -> None:
        """Shows what was added instead of the output."""
        self.difference = on
        self._write_labels()

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
        self.output.show_trace(shown, *((0.0, 0.0) if self.difference else (high, low)))
        for lane in (self.source, self.output):
            lane.show_levels(high, low)
        if self.difference:
            self.output.show_levels(0.0, 0.0)
        self.source.show_density(model.densities[model.channel].shares())
        self.output.show_density(model.out_densities[model.channel].shares())
        self._scale(source, output)

    def _scale(self, *traces: Trace) -> None:
        peak = max(
            (float(max(-t.low.min(), t.high.max())) for t in traces if len(t.low)),
            default=0.0,
        )
        fitting = next((r for r in RANGES if r >= peak), RANGES[-1])
        self._calm = self._calm + 1 if fitting < self._range else 0
        if fitting > self._range or self._calm > _CALM_FRAMES:
            self._range, self._calm = fitting, 0
        wanted = (self._range, self.window_s)
        if wanted != self._ranged:
            self._ranged = wanted
            for lane in (self.source, self.output):
                lane.set_range(*wanted)
            self._ticks()

    def _ticks(self) -> None:
        step = self.window_s / 4
        unit, digits = (1.0, "s") if self.window_s > 0.5 else (1e3, "ms")
        ticks = [
            (-i * step, f"{signed(-i * step * unit, 1)} {digits}") for i in (1, 2, 3)
        ]
        self.output.wave.getAxis("bottom").setTicks([ticks])
        dbs = (0.0, -6.0, -12.0) if self._range >= 1.0 else (-12.0, -20.0, -30.0)
        marks = [(0.0, "0")]
        for sign in (1, -1):
            marks += [(sign * 10 ** (d / 20), f"{signed(d, 0)}") for d in dbs]
        if self._range > 1.5:
            marks += [(s * 10 ** (6 / 20), "+6") for s in (1, -1)]
        marks[0] = (0.0, "−∞ dB")
        for lane in (self.source, self.output):
            lane.wave.getAxis("left").setTicks([marks])
