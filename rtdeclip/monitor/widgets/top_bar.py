"""Source, start and stop, what is heard: the bar at the top."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSlider, QWidget

from rtdeclip.monitor.catalog import Choice
from rtdeclip.monitor.widgets.cards import SPACE, Menu, button, label

_MATCH_TIP = (
    "Bypass as loud as the restored sound, so that the louder one does not seem better "
    "for that alone."
)
SOURCES = (("live", "Live sound"), ("file", "Audio file"), ("demo", "Demo"))


class TopBar(QFrame):
    """Signals say what the user wants; the window does it.

    Signals:
        start_clicked: start, or stop while sound runs.
        parameter: a telemetry parameter and its new value.
        source_changed: ``live``, ``file`` or ``demo``.
        devices_changed: the input's and the output's name.
        record_clicked: begin or end a recording.
        match_changed: bypass as loud as the restored sound, or not.
    """

    start_clicked = Signal()
    parameter = Signal(str, float)
    source_changed = Signal(str)
    devices_changed = Signal(str, str)
    record_clicked = Signal()
    match_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.start = button(
            "Start",
            self.start_clicked.emit,
            tip="Starts or stops the sound.",
            key="Ctrl+Return",
            style="primary",
        )
        self.start.setMinimumWidth(72)
        self.source = Menu("Source", narrow=6)
        self.input = Menu("Input device", narrow=9)
        self.output = Menu("Output device", narrow=9)
        for box in (self.source, self.input, self.output):
            box.setToolTip(box.accessibleName())
        for name, text in SOURCES:
            self.source.addItem(text, name)
        self.file = button("Open…", tip="Chooses an audio file.", key="Ctrl+O")
        self._toggles()
        self._lay_out()
        self.source.activated.connect(
            lambda: self.source_changed.emit(self.source.currentData())
        )
        for box in (self.input, self.output):
            box.activated.connect(
                lambda: self.devices_changed.emit(
                    self.input.currentData(), self.output.currentData()
                )
            )
        self.show_devices([], "default", "default")
        self.show_source("live")

    def _toggles(self) -> None:
        self.bypass = button(
            "Bypass",
            tip="Hear the input, at the same delay and gain.",
            key="Space",
            checkable=True,
        )
        self.match = button("Match", tip=_MATCH_TIP, key="A", checkable=True)
        self.match.setFixedWidth(72)
        self.match.clicked.connect(lambda on: self.match_changed.emit(bool(on)))
        self.repair = button(
            "Repair only",
            tip="Hear only what the restoration adds.",
            key="P",
            checkable=True,
        )
        self.mute = button("Mute", tip="Silence.", key="M", checkable=True)
        names = (
            (self.bypass, "bypass"),
            (self.repair, "repair_only"),
            (self.mute, "mute"),
        )
        for one, name in names:
            one.clicked.connect(
                lambda on, name=name: self.parameter.emit(name, float(on))
            )
        self.wet = QSlider(Qt.Orientation.Horizontal)
        self.wet.setRange(0, 100)
        self.wet.setValue(100)
        self.wet.setFixedWidth(72)
        self.wet.setAccessibleName("Wet share in percent")
        self.wet.setToolTip("How much of the repair is heard.")
        self.wet_text = label("100 %")
        self.wet_text.setFixedWidth(40)
        self.wet.valueChanged.connect(self._wet_moved)
        self.record = button(
            "● Rec",
            self.record_clicked.emit,
            tip="Writes input and output to two float WAV files.",
            key="R",
            checkable=True,
        )
        self.record.setAccessibleName("Record")
        self.menu = button("Menu", tip="Theme, keys, attach …", key="F10")

    def _lay_out(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE, 6, SPACE, 6)
        line.setSpacing(6)
        self.arrow = label("→", "muted")
        boxes = (self.source, self.file, self.input, self.arrow, self.output)
        self._add(line, self.start, *boxes)
        line.addStretch(1)
        self._add(line, self.bypass, self.match, self.repair, self.mute)
        line.addWidget(label("Wet", "muted"))
        self._add(line, self.wet, self.wet_text, self.record, self.menu)

    @staticmethod
    def _add(line: QHBoxLayout, *widgets: QWidget) -> None:
        for widget in widgets:
            line.addWidget(widget)

    def _wet_moved(self, percent: int) -> None:
        self.wet_text.setText(f"{percent} %")
        self.parameter.emit("wet", percent / 100)

    def show_source(self, name: str) -> None:
        """Which of the boxes matter."""
        self.source.setCurrentIndex(self.source.findData(name))
        self.file.setVisible(name == "file")
        self.input.setVisible(name == "live")
        self.arrow.setVisible(name == "live")
        self.output.setVisible(name != "demo")

    def show_devices(self, devices: list[Choice], source: str, sink: str) -> None:
        """Fills the two menus; the system's default comes first."""
        ways = (
            (self.input, source, [d for d in devices if d.inputs]),
            (self.output, sink, [d for d in devices if d.outputs]),
        )
        for box, wanted, able in ways:
            box.clear()
            word = "input" if box is self.input else "output"
            box.addItem(f"Default {word}", "default")
            for device in able:
                box.addItem(device.name, device.name)
                tip = f"{device.name}, {device.system}"
                box.setItemData(box.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            if box.findData(wanted) < 0:  # unplugged: keep it in mind
                box.addItem(wanted, wanted)
            box.setCurrentIndex(box.findData(wanted))

    def show_parameters(self, parameters: dict[str, float]) -> None:
        """What is in force, also when another host has changed it."""
        self.bypass.setChecked(parameters.get("bypass", 0.0) > 0)
        self.repair.setChecked(parameters.get("repair_only", 0.0) > 0)
        self.mute.setChecked(parameters.get("mute", 0.0) > 0)
        if not self.wet.isSliderDown():
            self.wet.blockSignals(True)
            self.wet.setValue(round(100 * parameters.get("wet", 1.0)))
            self.wet.blockSignals(False)
            self.wet_text.setText(f"{self.wet.value()} %")

    def show_match(self, on: bool, gain_db: float, effects: bool) -> None:
        """Whether loudness is matched, and by how much."""
        on = on and not effects
        self.match.setChecked(on)
        self.match.setText(f"{gain_db:+.1f} dB".replace("-", "−") if on else "Match")
        self.match.setEnabled(not effects)
        self.match.setToolTip("Works without effects only." if effects else _MATCH_TIP)

    def show_running(self, *, running: bool, starting: bool) -> None:
        """Start or stop, and whether the switches do anything."""
        self.start.setText("Stop" if running or starting else "Start")
        for one in (self.bypass, self.repair, self.mute, self.wet, self.record):
            one.setEnabled(running)
        for box in (self.source, self.input, self.output, self.file):
            box.setEnabled(not starting)
