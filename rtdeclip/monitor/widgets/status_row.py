"""The row below the picture: load, latency and counters."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from rtdeclip.monitor.theme import Theme
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.widgets.cards import SPACE, Card, button, label
from rtdeclip.monitor.widgets.counters import Counters
from rtdeclip.monitor.widgets.latency_bar import LatencyBar
from rtdeclip.monitor.widgets.load_strip import LoadStrip

_HEIGHT = 122


class StatusRow(QWidget):
    """Three cards; call ``refresh`` some four times a second."""

    def __init__(self) -> None:
        super().__init__()
        self.load, self.latency, self.counters = LoadStrip(), LatencyBar(), Counters()
        self._load_text, self._latency_text = label(""), label("")
        self.restart = button(
            "Restart", tip="Ends the audio process, begins again.", style="small"
        )
        line = QHBoxLayout(self)
        line.setContentsMargins(SPACE, 0, SPACE, 0)
        line.setSpacing(SPACE)
        parts = (
            ("Real-time factor", self.load, self._load_text, 5),
            ("Latency", self.latency, self._latency_text, 4),
            ("Counters", self.counters, self.restart, 4),
        )
        for name, widget, head, share in parts:
            card = Card(name)
            card.setFixedHeight(_HEIGHT)
            card.head.addWidget(head)
            card.body.addWidget(widget, 1)
            line.addWidget(card, share)

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self.load.set_theme(theme)
        self.latency.set_theme(theme)

    def refresh(self, model: ViewModel, now_s: float) -> None:
        """The newest state."""
        s = model.status
        self.load.refresh(model, now_s)
        self._load_text.setText(
            f"p50 {s.rtf_p50:.2f}   p99 {s.rtf_p99:.2f}   max {s.rtf_max:.2f}"
        )
        self.latency.show_rows(model.latency_rows, model.sample_rate)
        self._latency_text.setText(f"{model.latency_ms:.1f} ms")
        self.counters.show_status(s)
