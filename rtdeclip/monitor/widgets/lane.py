"""One curve of the oscilloscope, its histogram, and the clip levels through both."""

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QGraphicsPathItem

from rtdeclip.monitor.density import BIN, amplitudes
from rtdeclip.monitor.meters import to_db
from rtdeclip.monitor.scale import Scale, decibel_marks
from rtdeclip.monitor.theme import Theme
from rtdeclip.monitor.view_model import Trace
from rtdeclip.monitor.widgets import plots
from rtdeclip.monitor.words import signed


class Lane:
    """One curve with its histogram and its pair of clip levels."""

    def __init__(self, layout: Any, row: int, *, movable: bool) -> None:
        self.wave = layout.addPlot(row, 0, enableMenu=False)
        self.histogram = layout.addPlot(row, 1, enableMenu=False)
        for plot in (self.wave, self.histogram):
            plots.prepare(plot)
        self.histogram.hideAxis("left")
        # All of our few marks are shown, however low the plot is.
        self.wave.getAxis("left").setStyle(textFillLimits=[(0, 1.0)])
        self.histogram.setXRange(0.0, 1.02, padding=0)
        self.label = plots.CornerLabel(self.wave)
        self.scale = Scale()
        self._range = (0.0, 0.0)
        self.curve = _curve(self.wave, "all")
        self.repaired = _curve(self.wave, "pairs")
        self.caps = _curve(self.wave, "pairs")
        self.bars = QGraphicsPathItem()
        self.histogram.addItem(self.bars)
        self.lines = [self._line(self.wave, movable=False) for _ in range(2)]
        self.handles = [self._line(self.histogram, movable=movable) for _ in range(2)]
        self.words = [plots.side_text(self.histogram, top=top) for top in (True, False)]

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
        for words in self.words:
            words.setColor(theme.text)
        for line in self.lines:
            line.setPen(plots.pen(theme.clip, dashed=True))
        for line in self.handles:
            line.setPen(plots.pen(theme.clip))
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
        y[0::2] -= 0.5 * BIN
        y[1::2] += 0.5 * BIN
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
        for words, line, sign in zip(self.words, self.handles, (1, -1), strict=True):
            words.setVisible(line.isVisible())
            if line.isVisible():
                words.setText(f"{signed(to_db(sign * line.value()))} dB")
                words.setPos(1.02, line.value())

    def set_range(self, peak: float, window_s: float) -> bool:
        """Amplitude so that ``peak`` fits, and the time span; True if it changed."""
        wanted = (self.scale.fit(peak), window_s)
        if wanted == self._range:
            return False
        self._range = wanted
        self.wave.setXRange(-window_s, 0.0, padding=0)
        for plot in (self.wave, self.histogram):
            plot.setYRange(-1.04 * wanted[0], 1.04 * wanted[0], padding=0)
        self.wave.getAxis("left").setTicks([decibel_marks(wanted[0])])
        return True


def _curve(plot: Any, connect: str) -> Any:
    item = pg.PlotCurveItem(connect=connect, antialias=False)
    plot.addItem(item, ignoreBounds=True)
    return item


def peak_of(*traces: Trace) -> float:
    """The highest magnitude in them, 0 when they are empty."""
    peaks = (max(-t.low.min(), t.high.max()) for t in traces if len(t.low))
    return float(max(peaks, default=0.0))


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
