"""The monitor's window: everything in its place, two timers, the keyboard."""

import time

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from rtdeclip.monitor.session import Session, State
from rtdeclip.monitor.theme import Theme, style_sheet
from rtdeclip.monitor.widgets.cards import SPACE, Card, label
from rtdeclip.monitor.widgets.counters import Counters
from rtdeclip.monitor.widgets.latency_bar import LatencyBar
from rtdeclip.monitor.widgets.load_strip import LoadStrip
from rtdeclip.monitor.widgets.meter_bridge import MeterBridge
from rtdeclip.monitor.widgets.scope_view import ScopeView

FRAME_MS, SLOW_MS, BUSY_MS = 33, 250, 200


class MonitorWindow(QMainWindow):
    """The window around one session."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self.setWindowTitle("rtdeclip monitor")
        self.session = session
        self.scope, self.meters = ScopeView(), MeterBridge()
        self.load, self.latency, self.counters = LoadStrip(), LatencyBar(), Counters()
        self.status_text = label("", "muted")
        self._build()
        self.set_theme(theme)
        self._frames = self._timer(FRAME_MS, self.draw)
        self._slow = self._timer(SLOW_MS, self.draw_slow)

    def _timer(self, ms: int, does: object) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(ms)
        timer.timeout.connect(does)
        timer.start()
        return timer

    def _build(self) -> None:
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(SPACE, SPACE, SPACE, SPACE)
        column.setSpacing(SPACE)
        top = QHBoxLayout()
        card = Card()
        card.body.setContentsMargins(0, 0, 0, 0)
        card.body.addWidget(self.scope)
        top.addWidget(card, 1)
        bridge = Card()
        bridge.body.addWidget(self.meters)
        top.addWidget(bridge)
        column.addLayout(top, 1)
        bottom = QHBoxLayout()
        for name, widget, share in (
            ("Real-time factor", self.load, 3),
            ("Latency", self.latency, 2),
            ("Counters", self.counters, 2),
        ):
            part = Card(name)
            part.body.addWidget(widget)
            bottom.addWidget(part, share)
        column.addLayout(bottom)
        column.addWidget(self.status_text)
        self.setCentralWidget(page)

    def set_theme(self, theme: Theme) -> None:
        """Dark or light."""
        self.theme = theme
        QApplication.instance().setStyleSheet(style_sheet(theme))  # type: ignore
        for part in (self.scope, self.meters, self.load, self.latency):
            part.set_theme(theme)

    def draw(self) -> None:
        """One frame."""
        self.session.tick()
        model = self.session.model
        if model is None:
            return
        model.update(time.monotonic())
        self.scope.refresh(model)
        self.meters.refresh(model)

    def draw_slow(self) -> None:
        """Text and numbers."""
        model = self.session.model
        if model is None:
            self.status_text.setText(self.session.problem or self.session.state.value)
            return
        model.update_slow()
        self.load.refresh(model, time.monotonic())
        self.latency.show_rows(model.latency_rows, model.sample_rate)
        self.counters.show_status(model.status)
        self.status_text.setText(model.sentence)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ends what the window started."""
        self._frames.stop()
        self._slow.stop()
        self.session.stop()
        event.accept()
