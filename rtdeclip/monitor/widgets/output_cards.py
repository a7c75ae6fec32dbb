"""Cards of the side panel: headroom of the output, and presets."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox

from rtdeclip.monitor.widgets.cards import Card, Menu, button, label, plain, row

_MODES = (("limit", "Gain, then limiter"), ("off", "As it is (may exceed 0 dB)"))


class HeadroomCard(Card):
    """Where peaks above full scale go; a change restarts the sound.

    Signals:
        changed: mode (``limit``, ``off``) and gain in dB.
    """

    changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__("Headroom")
        self._mode, self._gain = Menu("Headroom mode"), QDoubleSpinBox()
        for name, text in _MODES:
            self._mode.addItem(text, name)
        self._mode.setToolTip("Restored peaks are louder than the clipped ones.")
        plain(self._gain)
        self._gain.setRange(-24.0, 0.0)
        self._gain.setSuffix(" dB")
        self._gain.setDecimals(1)
        self._gain.setKeyboardTracking(False)
        self._gain.setAccessibleName("Headroom gain")
        self._gain.setToolTip("Constant gain before the limiter; the sound restarts.")
        self.body.addWidget(self._mode)
        self.body.addLayout(row(label("Gain", "muted"), self._gain, stretch=1))
        self._mode.activated.connect(self._tell)
        self._gain.editingFinished.connect(self._tell)
        self._shown = ("limit", -6.0)

    def show_headroom(self, mode: str, gain_db: float) -> None:
        """What is in force."""
        self._shown = (mode, gain_db)
        self._mode.setCurrentIndex(max(0, self._mode.findData(mode)))
        self._gain.setValue(gain_db)
        self._gain.setEnabled(mode == "limit")

    def _tell(self) -> None:
        now = (str(self._mode.currentData()), self._gain.value())
        if now != self._shown:
            self.show_headroom(*now)
            self.changed.emit(*now)


class PresetCard(Card):
    """Saved chains by name.

    Signals:
        chosen: a preset's name.
        save: keep what runs now.
    """

    chosen = Signal(str)
    save = Signal()

    def __init__(self) -> None:
        super().__init__("Preset")
        self._box = Menu("Preset", narrow=6)
        self._box.setPlaceholderText("none chosen")
        keep = button(
            "Save…", self.save.emit, tip="Keeps processor and settings.", key="Ctrl+S"
        )
        self.body.addLayout(row(self._box, keep, stretch=0))
        self._box.activated.connect(lambda: self.chosen.emit(self._box.currentText()))

    def show_names(self, names: list[str], current: str = "") -> None:
        """Fills the menu."""
        self._box.clear()
        self._box.addItems(names)
        self._box.setCurrentIndex(self._box.findText(current) if current else -1)
        self._box.setEnabled(bool(names))
        self._box.setPlaceholderText("none chosen" if names else "none saved yet")
