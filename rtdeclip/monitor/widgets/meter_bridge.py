"""Level meters of input and output: bars with peak hold, true peak in numbers."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from rtdeclip.monitor.meters import FLOOR_DB, Meter, to_db
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.widgets.plots import small_font
from rtdeclip.monitor.words import signed

TOP_DB = 6.0
_TICKS = (6, 0, -6, -12, -18, -24, -36, -48, -60)
_BAR, _GAP, _SCALE = 13.0, 3.0, 32.0
_SHOWN = 2
"""So many channels a side; of more the loudest are shown."""


class MeterBridge(QWidget):
    """Meters of the first channels, input left, output right, scale between."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Level meters")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._theme = DARK
        self._model: ViewModel | None = None

    def sizeHint(self) -> QSize:
        """Two sides of two bars and the scale."""
        side = _SHOWN * _BAR + (_SHOWN - 1) * _GAP
        return QSize(round(2 * side + _SCALE + 4 * _GAP + 8), 200)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self.update()

    def refresh(self, model: ViewModel | None) -> None:
        """One frame; None: nothing runs."""
        self._model = model
        self.setAccessibleDescription(self.description())
        self.update()

    def description(self) -> str:
        """The levels in words."""
        if self._model is None:
            return "no sound"
        sides = (("input", self._model.inputs), ("output", self._model.outputs))
        return ", ".join(
            f"{name} peak {max(m.peak_db for m in meters):.0f} dB"
            for name, meters in sides
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draws all of it."""
        painter = QPainter(self)
        painter.setFont(small_font())
        body = QRectF(4, 18, self.width() - 8, self.height() - 38)
        self._scale(painter, body)
        self._unit(painter, body)
        if self._model is None:
            return
        t, model = self._theme, self._model
        sides = (
            (model.inputs, QColor(t.source), body.left(), "IN"),
            (model.outputs, QColor(t.output), body.right(), "OUT"),
        )
        for meters, colour, edge, name in sides:
            shown = meters[:_SHOWN]
            width = len(shown) * _BAR + (len(shown) - 1) * _GAP
            left = edge if name == "IN" else edge - width
            for i, meter in enumerate(shown):
                x = left + i * (_BAR + _GAP)
                self._bar(
                    painter, QRectF(x, body.top(), _BAR, body.height()), meter, colour
                )
                if name == "IN":
                    self._clip_mark(painter, body, x, i, model)
            self._words(painter, body, left, width, name, meters)

    def _y(self, body: QRectF, db: float) -> float:
        # Twice as much room above −24 dB, where it matters.
        def place(v: float) -> float:
            v = min(max(v, FLOOR_DB), TOP_DB)
            return 0.3 * (v + 60) / 36 if v < -24 else 0.3 + 0.7 * (v + 24) / 30

        return body.bottom() - place(db) * body.height()

    def _scale(self, painter: QPainter, body: QRectF) -> None:
        painter.setPen(QColor(self._theme.muted))
        middle = body.center().x()
        for db in _TICKS:
            y = self._y(body, db)
            place = QRectF(middle - 14, y - 7, 28, 14)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, signed(db, 0))

    def _unit(self, painter: QPainter, body: QRectF) -> None:
        painter.setPen(QColor(self._theme.muted))
        place = QRectF(body.center().x() - 16, body.bottom() + 4, 32, 14)
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, "dBTP")

    def _bar(
        self, painter: QPainter, place: QRectF, meter: Meter, colour: QColor
    ) -> None:
        t = self._theme
        painter.fillRect(place, QColor(t.plot))
        top = self._y(place, meter.peak_db)
        full = self._y(place, 0.0)
        dim = QColor(colour)
        dim.setAlpha(120)
        painter.fillRect(
            QRectF(
                place.left(),
                max(top, full),
                place.width(),
                place.bottom() - max(top, full),
            ),
            dim,
        )
        rms = max(self._y(place, meter.rms_db), full)
        painter.fillRect(
            QRectF(place.left(), rms, place.width(), place.bottom() - rms), colour
        )
        if top < full:  # over full scale: another colour and a notch at the side
            painter.fillRect(
                QRectF(place.left(), top, place.width(), full - top), QColor(t.clip)
            )
        if meter.hold_db > FLOOR_DB:
            y = self._y(place, meter.hold_db)
            over = meter.hold_db > 0.0
            painter.fillRect(
                QRectF(place.left(), y - 1, place.width(), 2),
                QColor(t.clip if over else t.text),
            )

    def _clip_mark(
        self, painter: QPainter, body: QRectF, x: float, channel: int, model: ViewModel
    ) -> None:
        level = max(model.status.clip_high[channel], model.status.clip_low[channel])
        if level > 0.0:
            y = self._y(body, to_db(level))
            painter.fillRect(
                QRectF(x - 2, y - 1, _BAR + 4, 2), QColor(self._theme.clip)
            )

    def _words(
        self,
        painter: QPainter,
        body: QRectF,
        left: float,
        width: float,
        name: str,
        meters: list[Meter],
    ) -> None:
        painter.setPen(QColor(self._theme.muted))
        centre = Qt.AlignmentFlag.AlignCenter
        heading = QRectF(left + 0.5 * width - 16, 2, 32, 14)
        heading.moveLeft(min(max(heading.left(), 0.0), self.width() - 32.0))
        painter.drawText(heading, centre, name)
        peak = max(m.true_peak_db for m in meters)
        text = signed(peak) if peak > FLOOR_DB else "–"
        painter.setPen(QColor(self._theme.clip if peak > 0.0 else self._theme.text))
        place = QRectF(left + 0.5 * width - 20, body.bottom() + 4, 40, 14)
        place.moveLeft(min(max(place.left(), 0.0), self.width() - 40.0))
        painter.drawText(place, centre, text)
