"""The window's helper processes: begun by name, heard a few times a second."""

from PySide6.QtCore import QObject, QTimer, Signal

from rtdeclip.monitor.child import JsonChild

_LOOK_MS = 100


class Children(QObject):
    """Helper processes by name; a new one replaces the old one of that name.

    Args:
        parent: whose end is theirs.

    Signals:
        heard: name of the process and an object that it printed.
        ended: name, exit code and the last line of its standard error.
    """

    heard = Signal(str, dict)
    ended = Signal(str, int, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._children: dict[str, JsonChild] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)

    @property
    def busy(self) -> set[str]:
        """Names of those that run."""
        return set(self._children)

    def begin(self, name: str, child: JsonChild) -> None:
        """Takes care of a new one."""
        self.end(name)
        self._children[name] = child
        self._timer.start()

    def end(self, name: str) -> bool:
        """Stops one; False if there was none."""
        child = self._children.pop(name, None)
        if child:
            child.end()
        return child is not None

    def stop(self) -> None:
        """Ends all of them."""
        self._timer.stop()
        for name in list(self._children):
            self.end(name)

    def look(self) -> None:
        """What they have said."""
        for name, child in list(self._children.items()):
            code = child.exit_code
            for line in child.said():
                self.heard.emit(name, line)
            if code is not None and self._children.get(name) is child:
                del self._children[name]
                self.ended.emit(name, code, child.last_words)
        if not self._children:
            self._timer.stop()
