"""Where the delay between microphone and loudspeaker comes from, as one bar."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from rtdeclip.monitor.theme import (
    BLUE,
    DARK,
    GREEN,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    YELLOW,
    Theme,
)
from rtdeclip.monitor.widgets.plots import small_font

_COLOURS = {
    "device in": BLUE,
    "hop": SKY_BLUE,
    "rings": GREEN,
    "processor": ORANGE,
    "limiter": PURPLE,
    "resampler": YELLOW,
    "device out": VERMILLION,
}
_ROW = 15.0


class LatencyBar(QWidget):
    """Segments in the order of the path; a legend with ms below."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Latency budget")
        self.setMinimumHeight(64)
        self._theme = DARK
        self._rows: list[tuple[str, float]] = []

    def sizeHint(self) -> QSize:
        """As high as the strip beside it."""
        return QSize(250, 84)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self.update()

    def show_rows(self, rows: list[tuple[str, int]], sample_rate: int) -> None:
        """Names and samples, in the order of the path."""
        self._rows = [(name, 1e3 * n / sample_rate) for name, n in rows]
        self.setAccessibleDescription(
            ", ".join(f"{name} {ms:.1f} ms" for name, ms in self._rows)
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws all of it."""
        painter = QPainter(self)
        painter.setFont(small_font())
        bar = QRectF(0, 4, self.width(), 14)
        painter.fillRect(bar, QColor(self._theme.plot))
        total = sum(ms for _, ms in self._rows)
        if total <= 0.0:
            return
        x = bar.left()
        for name, ms in self._rows:
            width = bar.width() * ms / total
            place = QRectF(x, bar.top(), max(1.0, width - 1), bar.height())
            painter.fillRect(place, self._colour(name))
            x += width
        self._legend(painter, bar.bottom() + 6)

    def _legend(self, painter: QPainter, top: float) -> None:
        metrics = QFontMetrics(painter.font())
        columns = 2
        width = self.width() / columns
        for i, (name, ms) in enumerate(self._rows):
            x, y = (i % columns) * width, top + (i // columns) * _ROW
            painter.fillRect(QRectF(x, y + 3, 8, 8), self._colour(name))
            number = f"{ms:.1f} ms"
            room = width - 20 - metrics.horizontalAdvance(number)
            short = metrics.elidedText(name, Qt.TextElideMode.ElideRight, round(room))
            painter.setPen(QColor(self._theme.muted))
            left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(x + 12, y, room, 14), left, short)
            painter.setPen(QColor(self._theme.text))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(x, y, width - 8, 14), right, number)

    def _colour(self, name: str) -> QColor:
        return QColor(_COLOURS.get(name.removesuffix(" (assumed)"), self._theme.muted))
