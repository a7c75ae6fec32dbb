"""The monitor's window: every part in its place, two timers, what is drawn when."""

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
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
from rtdeclip.monitor.widgets.cards import SPACE, Card, button, label
from rtdeclip.monitor.widgets.counters import Counters
from rtdeclip.monitor.widgets.event_log import EventLog
from rtdeclip.monitor.widgets.file_bar import FileBar
from rtdeclip.monitor.widgets.latency_bar import LatencyBar
from rtdeclip.monitor.widgets.level_card import LevelCard
from rtdeclip.monitor.widgets.load_strip import LoadStrip
from rtdeclip.monitor.widgets.meter_bridge import MeterBridge
from rtdeclip.monitor.widgets.output_cards import HeadroomCard, PresetCard
from rtdeclip.monitor.widgets.processor_card import ProcessorCard
from rtdeclip.monitor.widgets.scope_view import ScopeView
from rtdeclip.monitor.widgets.spectrogram_view import SpectrogramView
from rtdeclip.monitor.widgets.start_page import StartPage
from rtdeclip.monitor.widgets.top_bar import TopBar
from rtdeclip.monitor.widgets.view_bar import ViewBar

FRAME_MS, SLOW_MS = 33, 250
_BUSY_EVERY = 15
"""While the audio needs the core, one frame of so many is drawn."""
_PANEL_WIDTH = 246
_NOTE_S = 8.0
_COUNTED = ("late:", "skip:")
"""Events that the counters tell already; they go to the log only."""
_TALL_PANEL = 640
"""Pixels from which the processor's settings are unfolded at the start."""


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
        self.bench, self.meters, self.file_bar = BenchView(), MeterBridge(), FileBar()
        self.load, self.latency, self.counters = LoadStrip(), LatencyBar(), Counters()
        self.processor, self.levels = ProcessorCard(), LevelCard()
        self.log = EventLog()
        self.headroom, self.presets = HeadroomCard(), PresetCard()
        self.pictures = QStackedWidget()
        self.view = "wave"
        self.frames_drawn = 0
        self.draw_s = 0.0
        self._shown: tuple[object, ...] = ()
        self._note, self._note_until = "", 0.0
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
        middle = _margins(QHBoxLayout())
        middle.addWidget(self._picture_card(), 1)
        self.bridge = Card()
        self.bridge.body.addWidget(self.meters)
        middle.addWidget(self.bridge)
        middle.addWidget(self._side_panel())
        column.addLayout(middle, 1)
        column.addLayout(self._bottom())
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
        card.body.addWidget(self._transport())
        return card

    def _transport(self) -> QWidget:
        self.transport = QWidget()
        line = QHBoxLayout(self.transport)
        line.setContentsMargins(8, 0, 8, 6)
        self.pause = button(
            "Pause", tip="The file stands still.", key="Ctrl+P", checkable=True
        )
        self.export = button(
            "Restore…", tip="Writes the whole file, restored.", key="Ctrl+E"
        )
        self.file_text = label("", "muted")
        self.file_text.setMinimumWidth(84)
        line.addWidget(self.pause)
        line.addWidget(self.file_bar, 1)
        line.addWidget(self.file_text)
        line.addWidget(self.export)
        self.transport.hide()
        return self.transport

    def _side_panel(self) -> QScrollArea:
        inside = QWidget()
        inside.setObjectName("inside")
        inside.setFixedWidth(_PANEL_WIDTH - 11)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        for card in (self.processor, self.levels, self.presets, self.headroom):
            column.addWidget(card)
        column.addWidget(self.log, 1)
        self.panel = QScrollArea()
        self.panel.setWidget(inside)
        self.panel.setWidgetResizable(True)
        self.panel.setFrameShape(QFrame.Shape.NoFrame)
        self.panel.setFixedWidth(_PANEL_WIDTH)
        self.panel.setHorizontalScrollBarPolicy(
            self.panel.horizontalScrollBarPolicy().ScrollBarAlwaysOff
        )
        return self.panel

    def _bottom(self) -> QHBoxLayout:
        line = _margins(QHBoxLayout())
        parts = (
            ("Real-time factor", self.load, 5),
            ("Latency", self.latency, 4),
            ("Counters", self.counters, 4),
        )
        self.load_text, self.latency_text = label(""), label("")
        self.restart = button(
            "Restart", tip="Ends the audio process, begins again.", style="small"
        )
        heads = {0: self.load_text, 1: self.latency_text, 2: self.restart}
        for i, (name, widget, share) in enumerate(parts):
            card = Card(name)
            card.setFixedHeight(122)
            card.head.addWidget(heads[i])
            card.body.addWidget(widget, 1)
            line.addWidget(card, share)
        return line

    def _foot(self) -> QFrame:
        foot = QFrame()
        foot.setObjectName("foot")
        line = QHBoxLayout(foot)
        line.setContentsMargins(10, 4, 10, 4)
        self.status_text, self.source_text = label(""), label("", "muted")
        self.status_text.setAccessibleName("Status")
        line.addWidget(self.status_text, 1)
        line.addWidget(self.source_text)
        return foot

    def set_theme(self, theme: Theme) -> None:
        """Dark or light."""
        self.theme = theme
        if self.styleSheet() != style_sheet(theme):
            self.setStyleSheet(style_sheet(theme))
        for part in (self.scope, self.spectrogram, self.bench, self.meters):
            part.set_theme(theme)
        for bar in (self.load, self.latency, self.file_bar):
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
            self.status_text.setText(self._idle_text())
            return
        model.update_slow()
        s, now = model.status, time.monotonic()
        self.load.refresh(model, now)
        self.load_text.setText(
            f"p50 {s.rtf_p50:.2f}   p99 {s.rtf_p99:.2f}   max {s.rtf_max:.2f}"
        )
        self.latency.show_rows(model.latency_rows, model.sample_rate)
        self.latency_text.setText(f"{model.latency_ms:.1f} ms")
        self.counters.show_status(s)
        self.top.show_parameters(model.parameters)
        self.levels.show_levels(model.levels, model.thresholds)
        self.processor.select(model.processor)
        self._show_file(model)
        events = model.new_events()
        if events:
            self.log.add(events)
            told = [e.text for e in events if not e.text.startswith(_COUNTED)]
            if told:
                self.note(told[-1])
        # That the engine hangs is more urgent than anything that happened before.
        noted = now < self._note_until and not model.stale
        self.status_text.setText(self._note if noted else model.sentence)

    def _show_file(self, model: ViewModel) -> None:
        s, rate = model.status, model.sample_rate
        if s.recording_end > 0:
            at, end = s.file_position / rate, s.recording_end / rate
            self.file_bar.show_position(at)
            self.file_text.setText(f"{_clock(at)} / {_clock(end)}")
            start, stop = self.file_bar.region
            if stop > start and at >= stop and self.session.controls:
                self.session.controls.request(seek_s=start)

    def _idle_text(self) -> str:
        return self.session.problem or "Nothing plays."

    def note(self, text: str) -> None:
        """A sentence in the status line for some seconds."""
        self._note, self._note_until = text, time.monotonic() + _NOTE_S
        self.status_text.setText(text)

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
        before, self._shown = self._shown, now
        starting = session.state in (State.STARTING, State.WAITING)
        self.top.show_running(running=running, starting=starting)
        self.restart.setVisible(session.owns_process)
        self._show_picture(running=running)
        if session.model and before[1:2] != now[1:2]:
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
            self.start_page.show_problem(session.problem)
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
        self.transport.setVisible(played and shown is not self.bench)

    def _welcome(self, model: ViewModel) -> None:
        """A new engine: what depends on its rate and channels."""
        self.preferences.started = True
        self.spectrogram.start(model.sample_rate)
        self.view_bar.show_channels(model.n_channels, model.channel)
        self.view_bar.freeze.setChecked(False)
        config = model.info.get("config", {})
        if config:
            self.headroom.show_headroom(config["headroom"], config["gain_db"])
        self.headroom.setEnabled(self.session.owns_process)
        model.thresholds = model.thresholds.with_link(self.preferences.linked)
        kilohertz = f"{model.sample_rate / 1e3:g} kHz"
        self.source_text.setText(
            f"{model.info.get('input', '')}  ·  {kilohertz}, {model.n_channels} ch"
        )
        self.draw_slow()

    # Life.

    def showEvent(self, event: QShowEvent) -> None:
        """Drawing begins."""
        if self.panel.height() > _TALL_PANEL:
            self.processor.unfold()
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

    def changeEvent(self, event: object) -> None:
        """Back from being minimised."""
        if self.isVisible():
            self._frames.setInterval(FRAME_MS)
        super().changeEvent(event)  # type: ignore[arg-type]

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ends what the window started, and nothing else."""
        self.stop_drawing()
        self.session.stop()
        event.accept()


def _margins(layout: QHBoxLayout) -> QHBoxLayout:
    layout.setContentsMargins(SPACE, 0, SPACE, 0)
    layout.setSpacing(SPACE)
    return layout


def _clock(seconds: float) -> str:
    """Minutes and seconds.

    Example:
        >>> _clock(75.4)
        '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
