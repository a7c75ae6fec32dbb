"""The whole file at a glance: where it is clipped, where it plays, what is looped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from rtdeclip.monitor.theme import DARK, Theme

_STEP_S = 5.0
_DRAG = 6.0
"""Pixels after which a click is a drag (a loop region)."""


@dataclass(frozen=True, slots=True)
class Overview:
    """A file in columns: extremes and clipped share, ``(n,)`` each."""

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    clipped: NDArray[np.float64]


class FileBar(QWidget):
    """Click to seek, drag to loop a region, Escape to play on.

    Signals:
        seek: to this time in s.
        loop: this region in s; (0, 0) for none.
    """

    seek = Signal(float)
    loop = Signal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Overview of the file")
        self.setAccessibleDescription(
            "Click to play from there, drag to loop a region; left and right arrow "
            "move by 5 s, Escape ends the loop."
        )
        self.setToolTip("Click to play from there. Drag to loop a region.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(58)
        self._theme = DARK
        self._overview: Overview | None = None
        self._length_s = self._at_s = 0.0
        self._region = (0.0, 0.0)
        self._pressed: float | None = None

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(400, 58)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self.update()

    def show_overview(self, overview: Overview | None, length_s: float) -> None:
        """A new file, or None while it is read."""
        self._overview, self._length_s = overview, length_s
        self._region = (0.0, 0.0)
        self.update()

    def show_position(self, seconds: float) -> None:
        """Where it plays."""
        self._at_s = seconds
        self.update()

    @property
    def position_s(self) -> float:
        """Where it plays."""
        return self._at_s

    @property
    def region(self) -> tuple[float, float]:
        """The loop in s; (0, 0) for none."""
        return self._region

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Perhaps a click, perhaps a drag."""
        self._pressed = event.position().x()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Shows the region while it is dragged."""
        if self._pressed is None or abs(event.position().x() - self._pressed) < _DRAG:
            return
        ends = sorted((self._second(self._pressed), self._second(event.position().x())))
        self._region = (ends[0], ends[1])
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click seeks, a drag loops."""
        if self._pressed is None:
            return
        dragged = abs(event.position().x() - self._pressed) >= _DRAG
        if dragged:
            self.loop.emit(*self._region)
        else:
            self.seek.emit(self._second(self._pressed))
        self._pressed = None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move, Escape ends the loop."""
        steps = {Qt.Key.Key_Left: -_STEP_S, Qt.Key.Key_Right: _STEP_S}
        key = Qt.Key(event.key())
        if key in steps:
            self.seek.emit(min(max(self._at_s + steps[key], 0.0), self._length_s))
        elif key == Qt.Key.Key_Escape:
            self._region = (0.0, 0.0)
            self.loop.emit(0.0, 0.0)
            self.update()
        else:
            super().keyPressEvent(event)

    def _second(self, x: float) -> float:
        return min(max(x / max(1, self.width()), 0.0), 1.0) * self._length_s

    def _x(self, seconds: float) -> float:
        return self.width() * seconds / self._length_s if self._length_s else 0.0

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws all of it."""
        painter = QPainter(self)
        t = self._theme
        painter.fillRect(self.rect(), QColor(t.plot))
        if self._overview is None:
            painter.setPen(QColor(t.muted))
            text = "Reading the file …" if self._length_s == 0.0 else ""
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
        else:
            self._draw(painter, self._overview)
        start, end = self._region
        if end > start:
            region = QColor(t.focus)
            region.setAlpha(60)
            width = self._x(end) - self._x(start)
            painter.fillRect(QRectF(self._x(start), 0, width, self.height()), region)
        if self._length_s:
            painter.setPen(QPen(QColor(t.text), 2))
            x = self._x(self._at_s)
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))
        if self.hasFocus():
            painter.setPen(QColor(t.focus))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def _draw(self, painter: QPainter, o: Overview) -> None:
        t = self._theme
        n, width = len(o.low), self.width()
        middle, half = 0.44 * self.height(), 0.42 * self.height()
        loudest = max(float(o.high.max()), -float(o.low.min()), 1e-6)
        column = max(1.0, width / n)
        for i in range(n):
            x = width * i / n
            top, bottom = (middle - half * v / loudest for v in (o.high[i], o.low[i]))
            painter.fillRect(
                QRectF(x, top, column, max(1.0, bottom - top)), QColor(t.source)
            )
            if o.clipped[i] > 0.0:
                tall = 3.0 + 5.0 * min(1.0, 10.0 * o.clipped[i])
                place = QRectF(x, self.height() - tall, column, tall)
                painter.fillRect(place, QColor(t.clip))
