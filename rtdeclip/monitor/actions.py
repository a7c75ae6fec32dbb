"""What the user can do, and how it is done: the window's hands."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu, QMessageBox

from rtdeclip.errors import RtdeclipError
from rtdeclip.live.config import LiveConfig
from rtdeclip.monitor.chain_actions import ChainActions
from rtdeclip.monitor.effect_chain import EffectChain
from rtdeclip.monitor.file_work import FileWork
from rtdeclip.monitor.keyboard import help_text
from rtdeclip.monitor.session import Plan, State
from rtdeclip.monitor.theme import THEMES
from rtdeclip.monitor.window import MonitorWindow

_AUDIO = "Audio (*.wav *.flac *.aiff *.aif *.caf *.ogg *.opus *.mp3 *.w64);;All (*)"


class Actions(QObject):
    """Connects the window's signals to the session.

    Args:
        window: whose signals.
    """

    def __init__(self, window: MonitorWindow) -> None:
        super().__init__(window)
        self.window, self.session = window, window.session
        self.preferences = window.preferences
        self.files = FileWork(window)
        self.chain = ChainActions(window, self._guard)
        self.chain.restart.connect(self.restart)
        self._connect()
        self._show_preferences()

    def _connect(self) -> None:
        w = self.window
        w.top.start_clicked.connect(self.start_or_stop)
        w.top.parameter.connect(self.set_parameter)
        w.top.source_changed.connect(self.set_source)
        w.top.devices_changed.connect(self.set_devices)
        w.top.record_clicked.connect(self.record)
        w.top.match_changed.connect(self.set_match)
        w.top.file.clicked.connect(self.open_file)
        w.top.menu.clicked.connect(self.show_menu)
        w.start_page.start.connect(self.start_or_stop)
        w.start_page.demo.connect(self.start_demo)
        w.start_page.open.connect(self.open_file)
        w.below.restart.clicked.connect(self.restart)
        w.view_bar.view_changed.connect(w.show_view)
        w.view_bar.channel_changed.connect(self.set_channel)
        w.view_bar.zoomed.connect(w.scope.zoom)
        w.view_bar.frozen.connect(self.freeze)
        w.scope.window_changed.connect(self._window_changed)
        w.transport.pause.clicked.connect(
            lambda on: self.set_parameter("pause", float(on))
        )
        w.transport.export.clicked.connect(self.files.export)
        w.transport.bar.seek.connect(self.seek)
        w.transport.bar.loop.connect(self.loop)

    def _show_preferences(self) -> None:
        p, w = self.preferences, self.window
        w.top.show_source(p.source)
        w.scope.set_window(p.window_s)
        self.session.match = p.match
        w.top.show_match(p.match, 0.0, False)
        w.panel.setVisible(p.panel)
        if p.file:
            w.top.file.setText(_short(p.file))

    # Starting and stopping.

    def plan(self) -> Plan:
        """What Start would start."""
        p = self.preferences
        # Without headroom it is ``open``, so that it can be switched on again.
        mode: Literal["limit", "open"] = "limit" if p.headroom == "limit" else "open"
        effects = EffectChain.of(p.pre, p.post)
        config = LiveConfig(
            input=p.input,
            output=p.output,
            file=p.file if p.source == "file" else "",
            loop=p.source == "file",  # until Stop: who tunes wants to hear it again
            scan=p.source == "file",
            processor=p.processor,
            settings=p.settings.get(p.processor, {}),
            pre=tuple((slot.name, dict(slot.settings)) for slot in effects.pre),
            post=tuple((slot.name, dict(slot.settings)) for slot in effects.post),
            headroom=mode,
            gain_db=p.gain_db,
        )
        return Plan(config, demo=p.source == "demo")

    def start_or_stop(self) -> None:
        """The button at the left: starts, or stops what runs."""
        if self.session.state in (State.IDLE, State.FAILED):
            if self.preferences.source == "file" and not self.preferences.file:
                self.open_file()
                return
            self._guard(lambda: self.session.start(self.plan()))
        else:
            self.session.stop()
            self.session.problem = ""
        self.window.show_state()

    def start_demo(self) -> None:
        """The embedded audio, whatever the source was."""
        self.set_source("demo")
        if self.session.state in (State.IDLE, State.FAILED):
            self.start_or_stop()

    def restart(self) -> None:
        """Ends the audio process and begins again, as it stands."""
        if self.session.owns_process:
            self._guard(lambda: self.session.start(self._current_plan()))
            self.window.show_state()

    def _current_plan(self) -> Plan:
        plan, model = self.plan(), self.session.model
        if model is None:
            return plan
        names = ("bypass", "repair_only", "wet", "mute")
        kept = {n: model.parameters[n] for n in names}
        return replace(plan, config=replace(plan.config, parameters=kept))

    def attach(self) -> None:
        """Looks at an engine that runs already."""
        self._guard(self.session.attach)
        self.window.show_state()

    def set_source(self, name: str) -> None:
        """``live``, ``file`` or ``demo``; what runs is replaced."""
        self.preferences.source = name
        self.window.top.show_source(name)
        self.window.show_view(self.window.view)
        if name == "file" and not self.preferences.file:
            self.open_file()
        elif self.session.owns_process:
            self.restart()

    def set_devices(self, source: str, sink: str) -> None:
        """Other devices; what runs is restarted on them."""
        self.preferences.input, self.preferences.output = source, sink
        if self.session.owns_process:
            self.restart()

    def open_file(self) -> None:
        """Asks for a file, scans and plays it."""
        name, _ = QFileDialog.getOpenFileName(
            self.window, "Open audio", self.preferences.file, _AUDIO
        )
        if name:
            self.play(Path(name))

    def play(self, path: Path) -> None:
        """Scans and plays a file."""
        self.preferences.file, self.preferences.source = str(path), "file"
        self.window.top.show_source("file")
        self.window.top.file.setText(_short(path.name))
        self.files.read(path)
        self._guard(lambda: self.session.start(self.plan()))
        self.window.show_state()

    # While it runs.

    def set_parameter(self, name: str, value: float) -> None:
        """A switch or the wet slider."""
        if self.session.controls:
            self.session.controls.set(name, value)

    def toggle(self, name: str) -> None:
        """The same by key."""
        if self.session.controls:
            on = self.session.controls.get(name) > 0
            self.set_parameter(name, 0.0 if on else 1.0)
            self.window.top.show_parameters(
                self.session.model.reader.parameters() if self.session.model else {}
            )

    def set_match(self, on: bool) -> None:
        """The bypass as loud as the restored sound, or bit-exact."""
        self.preferences.match = self.session.match = on

    def seek(self, seconds: float) -> None:
        """To another place of the file."""
        self.session.ask(seek_s=seconds)

    def loop(self, start_s: float, end_s: float) -> None:
        """A region that repeats; none when it is empty."""
        if end_s > start_s:
            self.seek(start_s)

    def set_channel(self, channel: int) -> None:
        """Draws another channel."""
        if self.session.model:
            self.session.model.channel = channel
            self.window.spectrogram.start(self.session.model.sample_rate)

    def freeze(self, on: bool) -> None:
        """The picture stands still."""
        if self.session.model:
            self.session.model.frozen = on

    def _window_changed(self, seconds: float) -> None:
        self.preferences.window_s = seconds
        self.window.view_bar.show_span(seconds)

    def record(self) -> None:
        """Begins or ends a recording beside the home folder's other music."""
        if self.session.model is None:
            return
        if self.session.recording:
            take = self.session.stop_recording()
            if take:
                self.window.note(f"Recorded {take.wet.name} and {take.dry.name}.")
        else:
            name = f"rtdeclip-{datetime.now():%Y%m%d-%H%M%S}"
            folder = Path.home() / "Music"
            path = (folder if folder.is_dir() else Path.home()) / name
            self._guard(lambda: self.session.record(path))
            self.window.note(f"Recording to {path}.wet.wav …")
        self.window.top.record.setChecked(self.session.recording)

    # The rest.

    def set_theme(self, name: str) -> None:
        """``dark`` or ``light``."""
        self.preferences.theme = name
        self.window.set_theme(THEMES[name])

    def toggle_panel(self) -> None:
        """Shows or hides the side panel."""
        self.preferences.panel = not self.preferences.panel
        self.window.panel.setVisible(self.preferences.panel)

    def reset_counters(self) -> None:
        """All counters and highest levels to zero."""
        if self.session.controls and self.session.model:
            self.session.controls.bump("reset")
            for meter in (*self.session.model.inputs, *self.session.model.outputs):
                meter.reset()

    def show_menu(self) -> None:
        """The rest, by name."""
        menu = QMenu(self.window)
        other = "light" if self.window.theme.name == "dark" else "dark"
        entries: tuple[tuple[str, Callable[[], object]], ...] = (
            (f"{other.capitalize()} theme\tT", lambda: self.set_theme(other)),
            ("Side panel\tF9", self.toggle_panel),
            ("Reset counters and peaks\t0", self.reset_counters),
            ("Attach to a running engine", self.attach),
            ("Keys…\tF1", self.show_keys),
        )
        for text, does in entries:
            menu.addAction(text).triggered.connect(lambda _=False, d=does: d())
        button = self.window.top.menu
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def show_keys(self) -> None:
        """All keys in a window of their own."""
        box = QMessageBox(self.window)
        box.setWindowTitle("Keys")
        box.setText(help_text())
        box.open()

    def _guard(self, does: Callable[[], object]) -> None:
        """Runs it; a known error becomes a sentence on the page."""
        try:
            does()
        except (RtdeclipError, ValueError) as error:
            self.session.problem = str(error)
            self.window.note(str(error))


def _short(name: str) -> str:
    base = Path(name).name
    return base if len(base) <= 22 else f"{base[:10]}…{base[-10:]}"
