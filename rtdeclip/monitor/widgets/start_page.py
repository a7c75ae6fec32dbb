"""What is shown while nothing plays: one obvious button, or what went wrong."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from rtdeclip.monitor.widgets.cards import button, label

_WELCOME = (
    "Clipped sound in, restored sound out. Choose the source above, then press Start."
)
_OFFLINE = "The file can be restored all the same: Restore…, at the lower right."


class StartPage(QWidget):
    """Title, a sentence, one big button and two quiet ones.

    Signals:
        start: the big button.
        demo: the embedded audio was asked for.
        open: a file was asked for.
    """

    start = Signal()
    demo = Signal()
    open = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._title = label("", "title")
        self._text = label("", "muted", wrap=True)
        self._big = button("Start", self.start.emit, style="big")
        self._wait = QProgressBar()
        self._wait.setRange(0, 0)
        self._wait.setTextVisible(False)
        self._wait.setFixedWidth(260)
        self._wait.setAccessibleName("Starting")
        quiet = QHBoxLayout()
        quiet.addStretch()
        self._quiet = [
            button("Try the demo", self.demo.emit, tip="Embedded audio, no device."),
            button("Open a file…", self.open.emit, tip="Play and restore a file."),
        ]
        for one in self._quiet:
            quiet.addWidget(one)
        quiet.addStretch()
        column = QVBoxLayout(self)
        column.setSpacing(14)
        column.addStretch(2)
        centre = Qt.AlignmentFlag.AlignHCenter
        column.setContentsMargins(60, 0, 60, 0)
        column.addWidget(self._title)
        column.addWidget(self._text)  # unaligned: only so it may wrap
        for widget in (self._big, self._wait):
            column.addWidget(widget, 0, centre)
        column.addLayout(quiet)
        column.addStretch(3)
        self._title.setAlignment(centre)
        self._text.setAlignment(centre)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def show_idle(self, *, first: bool, note: str = "") -> None:
        """Nothing runs; ``note`` says why if it is no matter of course."""
        self._fill(
            "Welcome to rtdeclip" if first else "Ready", note or _WELCOME, "Start"
        )

    def show_starting(self, text: str) -> None:
        """Work is being done before the first sound."""
        self._fill("One moment", text, "")

    def show_problem(self, problem: str, *, offline: bool = False) -> None:
        """It could not start; the sentence says what to do.

        Args:
            problem: what went wrong.
            offline: a file is open, which needs no sound to be restored.
        """
        title = "No sound, but the file is here" if offline else "That did not work"
        more = f" {_OFFLINE}" if offline else ""
        self._fill(title, f"{problem}{more}", "Try again")

    def _fill(self, title: str, text: str, big: str) -> None:
        self._title.setText(title)
        self._text.setText(text)
        self._big.setText(big)
        self._big.setAccessibleName(big)
        self._big.setVisible(bool(big))
        self._wait.setVisible(not big)
        for one in self._quiet:
            one.setVisible(bool(big))
