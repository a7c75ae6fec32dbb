"""The file's transport: pause, overview, clock, restore."""

from PySide6.QtWidgets import QHBoxLayout, QWidget

from rtdeclip.monitor.widgets.cards import button, label
from rtdeclip.monitor.widgets.file_bar import FileBar, Overview


class Transport(QWidget):
    """One line below the picture, shown while the source is a file."""

    def __init__(self) -> None:
        super().__init__()
        self.pause = button(
            "Pause", tip="The file stands still.", key="Ctrl+P", checkable=True
        )
        self.export = button(
            "Restore…", tip="Writes the whole file, restored.", key="Ctrl+E"
        )
        self.bar = FileBar()
        self.clock = label("", "muted")
        self.clock.setMinimumWidth(84)
        line = QHBoxLayout(self)
        line.setContentsMargins(8, 0, 8, 6)
        line.addWidget(self.pause)
        line.addWidget(self.bar, 1)
        line.addWidget(self.clock)
        line.addWidget(self.export)
        self.hide()

    def show_time(self, at_s: float, end_s: float) -> None:
        """Where the file plays."""
        self.bar.show_position(at_s)
        self.clock.setText(f"{clock(at_s)} / {clock(end_s)}")

    def show_overview(self, overview: Overview | None, length_s: float) -> None:
        """A new file, or None while it is read."""
        self.bar.show_overview(overview, length_s)
        self.show_time(0.0, length_s)

    @property
    def jump_s(self) -> float | None:
        """Where the loop begins, when its end has been reached."""
        start, stop = self.bar.region
        return start if stop > start and self.bar.position_s >= stop else None


def clock(seconds: float) -> str:
    """Minutes and seconds.

    Example:
        >>> clock(75.4)
        '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
