"""Clip levels in numbers: automatic or locked, linked, and how sure they are."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QProgressBar

from rtdeclip.monitor.meters import to_db
from rtdeclip.monitor.thresholds import HIGHEST, LOWEST, Thresholds
from rtdeclip.monitor.view_model import Levels
from rtdeclip.monitor.widgets.cards import Card, button, label, plain
from rtdeclip.monitor.words import signed

_POLARITIES = ((1, "High"), (-1, "Low"))


class LevelCard(Card):
    """Two levels with their evidence.

    Signals:
        moved: polarity (+1, −1) and magnitude, typed by the user.
        lock_changed: hold the levels or detect them.
        link_changed: they move together.
    """

    moved = Signal(int, float)
    lock_changed = Signal(bool)
    link_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__("Clip levels")
        self.lock = button(
            "Auto",
            tip="Automatic: the detector finds the clip levels. "
            "Locked: they stay as they are.",
            key="L",
            checkable=True,
            style="small",
        )
        self.link = button(
            "Link",
            tip="High and low level, and all channels, move together.",
            key="K",
            checkable=True,
            style="small",
        )
        self.head.addWidget(self.link)
        self.head.addWidget(self.lock)
        self.lock.clicked.connect(lambda on: self.lock_changed.emit(bool(on)))
        self.link.clicked.connect(lambda on: self.link_changed.emit(bool(on)))
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        self._spins: dict[int, QDoubleSpinBox] = {}
        self._dbs, self._sure = {}, {}
        for i, (polarity, name) in enumerate(_POLARITIES):
            spin = self._spin(polarity, name)
            db = label("–", "muted")
            db.setFixedWidth(58)
            db.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            sure = QProgressBar()
            sure.setTextVisible(False)
            sure.setRange(0, 100)
            sure.setToolTip("How much the sound itself speaks for this level.")
            sure.setAccessibleName(f"Confidence of the {name.lower()} level")
            grid.addWidget(label(name, "muted"), 2 * i, 0)
            grid.addWidget(spin, 2 * i, 1)
            grid.addWidget(db, 2 * i, 2)
            grid.addWidget(sure, 2 * i + 1, 1, 1, 2)
            self._spins[polarity], self._dbs[polarity] = spin, db
            self._sure[polarity] = sure
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self._evidence = label("", "muted", wrap=True)
        self.body.addWidget(self._evidence)

    def _spin(self, polarity: int, name: str) -> QDoubleSpinBox:
        spin = QDoubleSpinBox()
        plain(spin)
        spin.setDecimals(3)
        spin.setRange(0.0, HIGHEST)
        spin.setSingleStep(LOWEST)
        spin.setSpecialValueText("none")
        spin.setKeyboardTracking(False)
        spin.setAccessibleName(f"{name} clip level")
        spin.setToolTip("Magnitude, full scale 1; typing one locks the levels.")
        spin.valueChanged.connect(lambda v: self.moved.emit(polarity, float(v)))
        return spin

    def show_levels(self, levels: Levels, thresholds: Thresholds) -> None:
        """Some four times a second; leaves alone what is being typed."""
        self.lock.setChecked(thresholds.locked)
        self.lock.setText("Locked" if thresholds.locked else "Auto")
        self.link.setChecked(thresholds.linked)
        both = {
            1: (levels.high, levels.high_confidence),
            -1: (levels.low, levels.low_confidence),
        }
        for polarity, (magnitude, sure) in both.items():
            spin = self._spins[polarity]
            if not spin.hasFocus():
                spin.blockSignals(True)
                spin.setValue(magnitude)
                spin.blockSignals(False)
            db = f"{signed(to_db(magnitude))} dB" if magnitude > 0 else "–"
            self._dbs[polarity].setText(db)
            self._sure[polarity].setValue(round(100 * sure))
        self._evidence.setText(_evidence(levels, locked=thresholds.locked))


def _evidence(levels: Levels, *, locked: bool) -> str:
    if levels.high <= 0.0 and levels.low <= 0.0:
        return "No clipping found yet."
    sure = max(levels.high_confidence, levels.low_confidence)
    if sure > 0.9:
        return f"{100 * sure:.0f} % sure: a clear plateau."
    if sure > 0.5:
        return f"{100 * sure:.0f} % sure: a blurred plateau."
    if locked:
        return "The sound shows no plateau there."
    return "Quiet now: the last levels still hold."
