"""Cards of one line in the side panel: headroom of the output, and presets."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox

from rtdeclip.monitor.widgets.cards import Card, Menu, button, label, plain, row

_MODES = (("limit", "Limit"), ("open", "None"))


class HeadroomCard(Card):
    """Where peaks above full scale go; changes while the sound runs.

    Signals:
        changed: mode (``limit``, ``open``) and gain in dB.
    """

    changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Headroom")
        self.mode, self.gain = Menu("Headroom mode", narrow=5), QDoubleSpinBox()
        for name, text in _MODES:
            self.mode.addItem(text, name)
        self.mode.setToolTip(
            "Restored peaks are louder than the clipped ones. Limit: a constant "
            "gain, then a true-peak limiter at −1 dB. None: peaks may pass 0 dB."
        )
        plain(self.gain)
        self.gain.setRange(-24.0, 0.0)
        self.gain.setSingleStep(0.5)
        self.gain.setSuffix(" dB")
        self.gain.setDecimals(1)
        self.gain.setFixedWidth(64)
        self.gain.setAccessibleName("Headroom gain")
        self.gain.setToolTip("Constant gain before the limiter.")
        heading = label("OUTPUT", "heading")
        self.body.addLayout(row(heading, self.mode, self.gain, stretch=1))
        self.mode.activated.connect(self._tell)
        self.gain.valueChanged.connect(self._tell)
        self._shown = ("", 0.0)

    def show_headroom(self, mode: str, gain_db: float, *, fixed: bool = False) -> None:
        """What is in force.

        Args:
            mode: ``limit``, or anything else for none.
            gain_db: of ``limit``.
            fixed: the engine was started without a headroom stage.
        """
        mode = mode if mode == "limit" else "open"
        self.mode.setEnabled(not fixed)
        self.gain.setEnabled(mode == "limit" and not fixed)
        if (mode, gain_db) == self._shown or self.gain.hasFocus():
            return
        self._shown = (mode, gain_db)
        for part in (self.mode, self.gain):
            part.blockSignals(True)
        self.mode.setCurrentIndex(self.mode.findData(mode))
        self.gain.setValue(gain_db)
        for part in (self.mode, self.gain):
            part.blockSignals(False)

    def _tell(self) -> None:
        now = (str(self.mode.currentData()), self.gain.value())
        if now != self._shown:
            self._shown = now
            self.gain.setEnabled(now[0] == "limit")
            self.changed.emit(*now)


class PresetCard(Card):
    """Saved chains by name, in one line.

    Signals:
        chosen: a preset's name.
        save: keep what runs now.
    """

    chosen = Signal(str)
    save = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Preset")
        self._box = Menu("Preset", narrow=4)
        self._box.setToolTip("Processor, settings, effects, wet share and gain.")
        keep = button(
            "Save…", self.save.emit, tip="Keeps the whole chain by name.", key="Ctrl+S"
        )
        heading = label("PRESET", "heading")
        self.body.addLayout(row(heading, self._box, keep, stretch=1))
        self._box.activated.connect(lambda: self.chosen.emit(self._box.currentText()))
        self.show_names([])

    def show_names(self, names: list[str], current: str = "") -> None:
        """Fills the menu."""
        self._box.clear()
        self._box.addItems(names)
        self._box.setCurrentIndex(self._box.findText(current) if current else -1)
        self._box.setEnabled(bool(names))
        self._box.setPlaceholderText("choose" if names else "none")
