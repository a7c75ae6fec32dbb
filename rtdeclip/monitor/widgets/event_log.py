"""What happened to the sound, newest first."""

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from rtdeclip.live.telemetry import Event
from rtdeclip.monitor.widgets.cards import Card

_KEPT = 100


class EventLog(Card):
    """A list of times and sentences."""

    def __init__(self) -> None:
        super().__init__("Log")
        self._list = QListWidget()
        self._list.setAccessibleName("Log")
        self._list.setWordWrap(True)
        self._list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setMinimumHeight(60)
        self._list.addItem("Nothing to report.")
        self._empty = True
        self.body.addWidget(self._list, 1)

    def add(self, events: list[Event]) -> None:
        """More of them."""
        if self._empty:
            self._list.clear()
            self._empty = False
        for event in events:
            clock = time.strftime("%H:%M:%S", time.localtime(event.time_s))
            self._list.insertItem(0, QListWidgetItem(f"{clock}  {event.text}"))
        while self._list.count() > _KEPT:
            self._list.takeItem(_KEPT)

    @property
    def texts(self) -> list[str]:
        """What is shown, newest first."""
        return [self._list.item(i).text() for i in range(self._list.count())]
