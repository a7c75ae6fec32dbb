"""The monitor's window: every part in its place, two timers, what is drawn when."""

import time
from pathlib import Path

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from rtdeclip.monitor.catalog import Catalog
from rtdeclip.monitor.preferences import Preferences
from rtdeclip.monitor.session import Session, State
from rtdeclip.monitor.theme import Theme, style_sheet
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.widgets.bench_view import BenchView
from rtdeclip.monitor.widgets.cards import SPACE, Card, OneLine, label
from rtdeclip.monitor.widgets.meter_bridge import MeterBridge
from rtdeclip.monitor.widgets.scope_view import ScopeView
from rtdeclip.monitor.widgets.side_panel import SidePanel
from rtdeclip.monitor.widgets.spectrogram_view import SpectrogramView
from rtdeclip.monitor.widgets.start_page import StartPage
from rtdeclip.monitor.widgets.status_row import StatusRow
from rtdeclip.monitor.widgets.top_bar import TopBar
from rtdeclip.monitor.widgets.transport import Transport
from rtdeclip.monitor.widgets.view_bar import ViewBar

FRAME_MS, SLOW_MS = 33, 250
_BUSY_EVERY = 15
"""While the audio needs the core, one frame of so many is drawn."""
_NOTE_S = 8.0
_COUNTED = ("late:", "skip:")
"""Events that the counters tell already; they go to the log only."""


class MonitorWindow(QMainWindow):
    """Shows a session; what the user wants is done by ``Actions``.

    Args:
        session: what is shown.
        preferences: read at the start, written by the actions.
        theme: colours to begin with.

    Signals:
        catalog_changed: the probe has said something new.
    """

    catalog_changed = Signal()

    def __init__(
        self, session: Session, preferences: Preferences, theme: Theme
    ) -> None:
        super().__init__()
        self.setWindowTitle("rtdeclip monitor")
        # Before there are children: each would be polished twice.
        self.setStyleSheet(style_sheet(theme))
        self.session, self.preferences = session, preferences
        self.catalog = Catalog()
        self.top, self.view_bar, self.start_page = TopBar(), ViewBar(), StartPage()
        self.scope, self.spectrogram = ScopeView(), SpectrogramView()
        self.bench, self.meters = BenchView(), MeterBridge()
        self.transport, self.below, self.panel = Transport(), StatusRow(), SidePanel()
        self.processor, self.levels = self.panel.processor, self.panel.levels
        self.effects, self.headroom = self.panel.effects, self.panel.headroom
        self.presets, self.log = self.panel.presets, self.panel.log
        self.pictures = QStackedWidget()
        self.view = "wave"
        self.frames_drawn = 0
        self.draw_s = 0.0
        self._shown: tuple[object, ...] = ()
        self._welcomed = 0
        self._note, self._note_until = "", 0.0
        self._scan = ""
        self._build()
        self.set_theme(theme)
        self._frames = self._timer(FRAME_MS, self.tick)
        self._slow = self._timer(SLOW_MS, self.draw_slow)
        self.show_state()

    def _timer(self, ms: int, does: object) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(ms)
        timer.timeout.connect(does)
        return timer

    # Layout.

    def _build(self) -> None:
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.top)
        middle = QHBoxLayout()
        middle.setContentsMargins(SPACE, 0, SPACE, 0)
        middle.setSpacing(SPACE)
        middle.addWidget(self._picture_card(), 1)
        self.bridge = Card()
        self.bridge.body.addWidget(self.meters)
        middle.addWidget(self.bridge)
        middle.addWidget(self.panel)
        column.addLayout(middle, 1)
        column.addWidget(self.below)
        column.addWidget(self._foot())
        self.setCentralWidget(page)
        self.setMinimumSize(960, 560)

    def _picture_card(self) -> Card:
        card = Card()
        card.body.setContentsMargins(1, 1, 1, 1)
        card.body.addWidget(self.view_bar)
        for part in (self.start_page, self.scope, self.spectrogram, self.bench):
            self.pictures.addWidget(part)
        card.body.addWidget(self.pictures, 1)
        card.body.addWidget(self.transport)
        return card

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setObjectName("foot")
        line = QHBoxLayout(foot)
        line.setContentsMargins(10, 4, 10, 4)
        self.status_text, self.source_text = OneLine(), label("", "muted")
        self.status_text.setAccessibleName("Status")
        line.addWidget(self.status_text, 1)
        line.addWidget(self.source_text)
        return foot

    def set_theme(self, theme: Theme) -> None:
        """Dark or light."""
        self.theme = theme
        if self.styleSheet() != style_sheet(theme):
            self.setStyleSheet(style_sheet(theme))
        for picture in (self.scope, self.spectrogram, self.bench):
            picture.set_theme(theme)
        for bar in (self.meters, self.below, self.transport.bar):
            bar.set_theme(theme)

    # Drawing.

    def tick(self) -> None:
        """The fast timer: a look at the session, and a frame."""
        self.session.tick()
        self.show_state()
        model = self.session.model
        if model is None:
            return
        start = time.perf_counter()
        scope = model.update(time.monotonic())
        if not model.frozen and len(scope.dry):
            c = model.channel
            self.spectrogram.feed(scope.dry[:, c], scope.wet[:, c])
        self.frames_drawn += 1
        if model.busy and self.frames_drawn % _BUSY_EVERY:
            return  # the audio comes first
        self.draw(model)
        self.draw_s = time.perf_counter() - start

    def draw(self, model: ViewModel) -> None:
        """One frame."""
        self.meters.refresh(model)
        if self.scope.isVisible() and not model.frozen:
            self.scope.refresh(model)

    def draw_slow(self) -> None:
        """Text and numbers."""
        model = self.session.model
        if model is None:
            self.status_text.tell(self._idle_text())
            return
        model.update_slow()
        now = time.monotonic()
        self.below.refresh(model, now)
        self.top.show_parameters(model.parameters)
        self.top.show_match(
            self.session.match, model.match_db, bool(model.effects.slots)
        )
        self.levels.show_levels(model.levels, model.thresholds)
        if self.session.settled:
            self.show_chain(model)
        self._show_file(model)
        events = model.new_events()
        if events:
            self.log.add(events)
            told = [e.text for e in events if not e.text.startswith(_COUNTED)]
            if told:
                self.note(told[-1])
        # That the engine hangs is more urgent than anything that happened before.
        noted = now < self._note_until and not model.stale
        self.status_text.tell(self._note if noted else model.sentence)

    def show_chain(self, model: ViewModel) -> None:
        """Processor, effects and headroom as the engine has them."""
        self.processor.select(model.processor)
        self.effects.show_chain(model.effects, self.catalog.effects)
        config = model.info.get("config", {})
        mode = config.get("headroom", "off")
        self.headroom.show_headroom(
            mode, float(config.get("gain_db", 0.0)), fixed=mode == "off"
        )

    def _show_file(self, model: ViewModel) -> None:
        s, rate = model.status, model.sample_rate
        if s.recording_end > 0:
            self.transport.show_time(s.file_position / rate, s.recording_end / rate)
            if self.transport.jump_s is not None:
                self.session.ask(seek_s=self.transport.jump_s)

    def _idle_text(self) -> str:
        if time.monotonic() < self._note_until:
            return self._note
        scanned = self._scan if self.preferences.source == "file" else ""
        return scanned or self.session.problem or "Nothing plays."

    def show_scan(self, text: str) -> None:
        """What is known about the file that was opened."""
        self._scan = text
        if text:
            self.note(text)

    def note(self, text: str) -> None:
        """A sentence in the status line for some seconds."""
        self._note, self._note_until = text, time.monotonic() + _NOTE_S
        self.status_text.tell(text)

    def show_view(self, name: str) -> None:
        """``wave``, ``difference``, ``spectrogram`` or ``bench``."""
        self.view = name
        self.scope.set_difference(name == "difference")
        self.view_bar.show_view(name)
        self._shown = ()
        self.show_state()

    def show_state(self) -> None:
        """Brings all parts in line with the session; cheap when nothing changed."""
        session = self.session
        running = session.model is not None
        now = (session.state, session.generation, session.problem, self.view, running)
        if now == self._shown:
            return
        self._shown = now
        starting = session.state in (State.STARTING, State.WAITING)
        self.top.show_running(running=running, starting=starting)
        self.below.restart.setVisible(session.owns_process)
        self._show_picture(running=running)
        if not running:
            self.meters.refresh(None)
        if session.model and session.generation != self._welcomed:
            self._welcomed = session.generation
            self._welcome(session.model)

    def _show_picture(self, *, running: bool) -> None:
        session = self.session
        parts = {
            "wave": self.scope,
            "difference": self.scope,
            "spectrogram": self.spectrogram,
            "bench": self.bench,
        }
        shown = parts[self.view]
        if shown is not self.bench and not running:
            shown = self.start_page
        if session.state is State.FAILED:
            offline = self.preferences.source == "file"
            self.start_page.show_problem(session.problem, offline=offline)
        elif session.state is State.WAITING:
            self.start_page.show_starting("Waiting for the sound device to come back.")
        elif session.state is State.STARTING:
            self.start_page.show_starting("Preparing the processor and the sound …")
        else:
            first = not self.preferences.started
            self.start_page.show_idle(first=first, note=session.problem)
        self.pictures.setCurrentWidget(shown)
        self.bridge.setVisible(shown is not self.bench)
        self.panel.setVisible(shown is not self.bench and self.preferences.panel)
        played = self.preferences.source == "file" and bool(self.preferences.file)
        self.below.setVisible(running or shown is not self.bench)
        self.transport.setVisible(played and shown is not self.bench)

    def _welcome(self, model: ViewModel) -> None:
        """A new engine: what depends on its rate and channels."""
        self.preferences.started = True
        self.spectrogram.start(model.sample_rate)
        self.view_bar.show_channels(model.n_channels, model.channel)
        self.view_bar.freeze.setChecked(False)
        model.thresholds = model.thresholds.with_link(self.preferences.linked)
        kilohertz = f"{model.sample_rate / 1e3:g} kHz"
        source = str(model.info.get("input", ""))
        if model.status.recording_end > 0 or self.preferences.source == "file":
            source = Path(source).name
        self.source_text.setText(f"{source}  ·  {kilohertz}, {model.n_channels} ch")
        self.draw_slow()

    # Life.

    def showEvent(self, event: QShowEvent) -> None:
        """Drawing begins."""
        self.panel.unfold()
        self.start_drawing()
        super().showEvent(event)

    def start_drawing(self, ms: int = FRAME_MS) -> None:
        """A frame every so many milliseconds."""
        self._frames.start(ms)
        self._slow.start()

    def stop_drawing(self) -> None:
        """No more frames, nor looks at the session."""
        self._frames.stop()
        self._slow.stop()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is drawn while nobody looks (minimised, other desktop)."""
        self._frames.setInterval(SLOW_MS)
        super().hideEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Back from being minimised."""
        if self.isVisible():
            self._frames.setInterval(FRAME_MS)
        super().changeEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ends what the window started, and nothing else."""
        self.stop_drawing()
        self.session.stop()
        event.accept()
