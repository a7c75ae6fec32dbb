"""Which processor restores, what it costs, and its settings."""

from collections.abc import Mapping

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from rtdeclip.monitor.catalog import Entry
from rtdeclip.monitor.widgets.cards import Card, Menu, button, label
from rtdeclip.monitor.widgets.settings_form import SettingsForm
from rtdeclip.stream.processor import Value

_LINE = Qt.ItemDataRole.UserRole + 1


class ProcessorCard(Card):
    """A menu with latency and cost per entry; settings below it.

    Signals:
        chosen: name and settings of what shall run.
    """

    chosen = Signal(str, dict)

    def __init__(self) -> None:
        super().__init__("Processor")
        self._box = Menu("Processor")
        self._summary = label("", "muted", wrap=True)
        self.form = SettingsForm()
        self._more = button(
            "Settings", tip="Shows the processor's settings.", checkable=True
        )
        self._more.setObjectName("small")
        self._more.toggled.connect(self._unfold)
        self.head.addWidget(self._more)
        self._box.setItemDelegate(_Explained(self._box))
        self.body.addWidget(self._box)
        self.body.addWidget(self._summary)
        self.body.addWidget(self.form)
        self._entries: list[Entry] = []
        self._remembered: dict[str, dict[str, Value]] = {}
        self._box.activated.connect(self._activated)
        self.form.changed.connect(lambda values: self.chosen.emit(self.name, values))
        self.form.hide()

    def unfold(self) -> None:
        """Shows the settings: there is room."""
        self._more.setChecked(True)

    @property
    def name(self) -> str:
        """Of the processor that is chosen."""
        return str(self._box.currentData() or "")

    def show_entries(
        self,
        entries: list[Entry],
        name: str,
        remembered: Mapping[str, dict[str, Value]],
    ) -> None:
        """Fills the menu; ``name`` is selected, ``remembered`` are settings by name."""
        self._remembered = dict(remembered)
        if entries == self._entries:
            self.select(name)
            return
        rebuilt = [e.settings for e in entries] != [e.settings for e in self._entries]
        self._entries = entries
        self._box.clear()
        for entry in entries:
            self._box.addItem(entry.name, entry.name)
            self._box.setItemData(self._box.count() - 1, _line(entry), _LINE)
        self._explain()
        self._box.setCurrentIndex(max(0, self._box.findData(name)))
        self._show(rebuild=rebuilt)

    def _explain(self) -> None:
        model = self._box.model()
        for i, entry in enumerate(self._entries):
            self._box.setItemData(
                i, entry.reason or entry.summary, Qt.ItemDataRole.ToolTipRole
            )
            if entry.reason and isinstance(model, QStandardItemModel):
                model.item(i).setEnabled(False)
        self._box.view().setMinimumWidth(
            self._box.view().sizeHintForColumn(0) + 24  # the popup may be wider
        )

    def select(self, name: str) -> None:
        """Shows what runs; nothing is asked for."""
        at = self._box.findData(name)
        if at >= 0 and at != self._box.currentIndex():
            self._box.setCurrentIndex(at)
            self._show(rebuild=True)

    def _activated(self) -> None:
        self._show(rebuild=True)
        self.chosen.emit(self.name, self.form.values)

    def _show(self, *, rebuild: bool) -> None:
        at = self._box.currentIndex()
        if not 0 <= at < len(self._entries):
            return
        entry = self._entries[at]
        price = f"<br>{entry.price}" if entry.price else ""
        self._summary.setText(f"{entry.reason or entry.summary}{price}")
        if rebuild:
            remembered = self._remembered.get(entry.name, {})
            self.form.show_settings(entry.settings, remembered)
            self._more.setEnabled(bool(entry.settings))
            self._unfold(self._more.isChecked())

    def _unfold(self, on: bool) -> None:
        self.form.setVisible(on and bool(self.form.values))


class _Explained(QStyledItemDelegate):
    """The open menu says what each entry costs; the closed one only its name."""

    def initStyleOption(
        self,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """The longer text."""
        super().initStyleOption(option, index)
        option.text = index.data(_LINE) or option.text


def _line(entry: Entry) -> str:
    price = entry.reason or entry.price or entry.note
    return f"{entry.name}  —  {price}" if price else entry.name
