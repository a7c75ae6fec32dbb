"""The last minute of processing load on a logarithmic scale, with its budget."""

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from rtdeclip.monitor.load import SPAN_S, LoadTrace
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.widgets.plots import small_font

LOWEST, HIGHEST = 1e-3, 3.0
_DECADES = math.log(HIGHEST / LOWEST)
_LEFT = 34.0


class LoadStrip(QWidget):
    """Load as a curve, 1.0 as the budget line, late hops as triangles on it."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Processing load of the last minute")
        self.setMinimumHeight(64)
        self._theme = DARK
        self._trace: LoadTrace | None = None
        self._marks: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(320, 84)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self.update()

    def refresh(self, model: ViewModel, now_s: float) -> None:
        """The newest state, some four times a second."""
        s = model.status
        self._trace = model.load.trace(now_s)
        self._marks = (s.rtf_p50, s.rtf_p99, s.rtf_max)
        self.setAccessibleDescription(
            f"Real-time factor: median {s.rtf_p50:.3f}, p99 {s.rtf_p99:.3f}, "
            f"largest {s.rtf_max:.3f}; {s.late_hops} late hops"
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws all of it."""
        painter = QPainter(self)
        painter.setFont(small_font())
        t = self._theme
        body = QRectF(_LEFT, 4, self.width() - _LEFT - 2, self.height() - 8)
        painter.fillRect(body, QColor(t.plot))
        for value in (1e-3, 1e-2, 1e-1):
            self._rule(painter, body, value, QPen(QColor(t.grid)))
        budget = QPen(QColor(t.clip), 1, Qt.PenStyle.DashLine)
        self._rule(painter, body, 1.0, budget)
        if self._trace is not None:
            self._draw(painter, body, self._trace)
        painter.setPen(QColor(t.muted))
        place = QRectF(body.left() + 4, self._y(body, 1.0) + 1, 80, 12)
        painter.drawText(place, Qt.AlignmentFlag.AlignLeft, "real time")

    def _draw(self, painter: QPainter, body: QRectF, trace: LoadTrace) -> None:
        t = self._theme
        p50, p99, largest = self._marks
        if largest > 0.0:
            top, bottom = self._y(body, max(p99, p50)), self._y(body, p50)
            band = QColor(t.source)
            band.setAlpha(45)
            painter.fillRect(QRectF(body.left(), top, body.width(), bottom - top), band)
            self._line(painter, body, largest, QPen(QColor(t.repaired)))
        painter.setPen(QPen(QColor(t.source), 1.5))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(trace.age_s):  # pyqtgraph makes no empty polygon
            painter.drawPolyline(self._curve(body, trace))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.clip))
        for age in trace.late_age_s:
            x, y = self._x(body, age), self._y(body, 1.0)
            mark = [QPointF(x - 4, y - 8), QPointF(x + 4, y - 8), QPointF(x, y)]
            painter.drawPolygon(QPolygonF(mark))

    @staticmethod
    def _curve(body: QRectF, trace: LoadTrace) -> QPolygonF:
        x = body.right() + body.width() * np.maximum(trace.age_s, -SPAN_S) / SPAN_S
        share = np.log(np.clip(trace.load, LOWEST, HIGHEST) / LOWEST) / _DECADES
        made: QPolygonF = pg.functions.arrayToQPolygonF(
            x, body.bottom() - share * body.height()
        )
        return made

    def _x(self, body: QRectF, age_s: float) -> float:
        return body.right() + body.width() * max(age_s, -SPAN_S) / SPAN_S

    def _y(self, body: QRectF, load: float) -> float:
        held = min(max(load, LOWEST), HIGHEST)
        share = math.log(held / LOWEST) / _DECADES
        return body.bottom() - share * body.height()

    def _rule(self, painter: QPainter, body: QRectF, value: float, pen: QPen) -> None:
        self._line(painter, body, value, pen)
        painter.setPen(QColor(self._theme.muted))
        y = self._y(body, value)
        y = min(max(y, body.top() + 6), body.bottom() - 6)
        place = QRectF(0, y - 6, _LEFT - 4, 12)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(place, flags, f"{value:g}")

    def _line(self, painter: QPainter, body: QRectF, value: float, pen: QPen) -> None:
        painter.setPen(pen)
        y = self._y(body, value)
        painter.drawLine(QPointF(body.left(), y), QPointF(body.right(), y))
