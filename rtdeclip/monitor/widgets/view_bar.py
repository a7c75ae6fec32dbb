"""Which picture is shown, of which channel, over which span of time."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from rtdeclip.monitor.widgets.cards import button, label

VIEWS = (
    ("wave", "Waveform", "1", "Input and output over time."),
    ("difference", "Difference", "D", "What the repair adds."),
    ("spectrogram", "Spectrogram", "S", "Frequencies of input and output."),
    ("bench", "Benchmark", "B", "What this machine can run live."),
)


class ViewBar(QWidget):
    """Segmented buttons over the picture.

    Signals:
        view_changed: one of ``VIEWS``.
        channel_changed: index of the channel that is drawn.
        zoomed: −1 shorter, +1 longer.
        frozen: the picture stands still.
    """

    view_changed = Signal(str)
    channel_changed = Signal(int)
    zoomed = Signal(int)
    frozen = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 6, 8, 0)
        line.setSpacing(4)
        self._views: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        for name, text, key, tip in VIEWS:
            one = button(text, tip=tip, key=key, checkable=True, style="flat")
            one.clicked.connect(lambda _, name=name: self.view_changed.emit(name))
            group.addButton(one)
            line.addWidget(one)
            self._views[name] = one
        self._views["wave"].setChecked(True)
        line.addStretch(1)
        self._channels = QHBoxLayout()
        self._channels.setSpacing(2)
        self._group = QButtonGroup(self)
        line.addLayout(self._channels)
        line.addSpacing(8)
        shorter = button("+", lambda: self.zoomed.emit(-1), tip="Zoom in.", key="+")
        longer = button("−", lambda: self.zoomed.emit(1), tip="Zoom out.", key="-")
        self._span = label("2 s")
        self._span.setFixedWidth(48)
        self._span.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.freeze = button(
            "Freeze",
            tip="The picture stands still, the sound goes on.",
            key="F",
            checkable=True,
        )
        self.freeze.clicked.connect(lambda on: self.frozen.emit(bool(on)))
        self._wave_only = (longer, self._span, shorter)
        for widget in (*self._wave_only, self.freeze):
            line.addWidget(widget)
        for one in (longer, shorter):
            one.setFixedWidth(30)

    def show_view(self, name: str) -> None:
        """Marks the view that is shown."""
        self._views[name].setChecked(True)
        for widget in self._wave_only:
            widget.setVisible(name in ("wave", "difference"))
        self.freeze.setVisible(name != "bench")

    def show_span(self, seconds: float) -> None:
        """The span of time in words."""
        text = f"{seconds:g} s" if seconds >= 1 else f"{1e3 * seconds:g} ms"
        self._span.setText(text)

    def show_channels(self, n: int, current: int) -> None:
        """One button a channel; none for mono."""
        if self._channels.count() == (n if n > 1 else 0):
            return
        while (item := self._channels.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        names = ("Left", "Right") if n == 2 else tuple(str(c + 1) for c in range(n))
        for c, name in enumerate(names if n > 1 else ()):
            one = button(name, tip=f"Draw channel {c + 1}.", checkable=True)
            one.setAccessibleName(f"Channel {name}")
            one.setChecked(c == current)
            one.clicked.connect(lambda _, c=c: self.channel_changed.emit(c))
            self._group.addButton(one)
            self._channels.addWidget(one)

    def show_channel(self, channel: int) -> None:
        """Marks the channel that is drawn."""
        buttons = self._group.buttons()
        if channel < len(buttons):
            buttons[channel].setChecked(True)
