"""The effect slots: what the sound passes before and after the repair."""

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from rtdeclip.monitor.catalog import Entry
from rtdeclip.monitor.effect_chain import EffectChain, Slot
from rtdeclip.monitor.widgets.cards import Card, button, empty, label, row
from rtdeclip.monitor.widgets.settings_form import SettingsForm

_SIDES = ((False, "Before the repair"), (True, "After the repair"))
_CAUTION = "A filter before the repair bends flat tops: less clipping is found."


class EffectsCard(Card):
    """One line per effect, its settings folded below; a menu to add more.

    Signals:
        changed: the ``EffectChain`` that the user wants.
    """

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__("Effects")
        self.chain = EffectChain()
        self._entries: Mapping[str, Entry] = {}
        self._shown: tuple[object, ...] = ()
        self._open: set[int] = set()
        self.add = button(
            "Add",
            self.show_menu,
            tip="Adds an effect before or after the repair.",
            key="E",
            style="small",
        )
        self.head.addWidget(self.add)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(4)
        self.body.addLayout(self._rows)
        self.forms: list[SettingsForm] = []
        self._rebuild()

    def show_chain(self, chain: EffectChain, entries: Mapping[str, Entry]) -> None:
        """What runs; rows that are the same stay as they are."""
        state = (chain.names(), {n: e.settings for n, e in entries.items()})
        values_differ = chain != self.chain and not self._same_values(chain)
        self.chain, self._entries = chain, entries
        if state != self._shown or values_differ:
            self._shown = state
            self._rebuild()

    def _same_values(self, chain: EffectChain) -> bool:
        """The forms show these settings already."""
        if len(self.forms) != len(chain.slots):
            return False
        pairs = zip(self.forms, chain.slots, strict=True)
        return all(
            form.values.get(name) == value
            for form, slot in pairs
            for name, value in slot.settings.items()
        )

    def _rebuild(self) -> None:
        empty(self._rows)
        self.forms = []
        if not self.chain.slots:
            self._rows.addWidget(label("None yet: equaliser, filter, gain …", "muted"))
            return
        index = 0
        for after, title in _SIDES:
            slots = self.chain.post if after else self.chain.pre
            if slots:
                caption = label(title, "caption")
                caption.setToolTip("" if after else _CAUTION)
                self._rows.addWidget(caption)
            for slot in slots:
                self._add_row(index, slot)
                index += 1

    def _add_row(self, index: int, slot: Slot) -> None:
        entry = self._entries.get(slot.name, Entry(slot.name))
        fold = button(
            slot.name, tip=entry.summary or slot.name, checkable=True, style="fold"
        )
        up = button(
            "↑", lambda: self._want(self.chain.earlier(index)), tip="Earlier in the row"
        )
        off = button(
            "×", lambda: self._want(self.chain.removed(index)), tip="Removes the effect"
        )
        for one, word in ((up, "earlier"), (off, "remove")):
            one.setObjectName("small")
            one.setFixedWidth(26)
            one.setAccessibleName(f"{slot.name}: {word}")
        form = SettingsForm()
        form.show_settings(entry.settings, slot.settings)
        form.changed.connect(
            lambda values: self._want(self.chain.with_settings(index, values))
        )
        self.forms.append(form)
        self._rows.addLayout(row(fold, up, off, stretch=0))
        self._rows.addWidget(form)
        unfolded = index in self._open and bool(entry.settings)
        form.setVisible(unfolded)
        fold.setChecked(unfolded)
        fold.setEnabled(bool(entry.settings))
        fold.toggled.connect(lambda on: self._fold(index, form, on=bool(on)))

    def _fold(self, index: int, form: QWidget, *, on: bool) -> None:
        form.setVisible(on)
        (self._open.add if on else self._open.discard)(index)

    def _want(self, chain: EffectChain) -> None:
        if len(chain.slots) != len(self.chain.slots):
            added = len(chain.slots) > len(self.chain.slots)
            self._open = {_newest(self.chain, chain)} if added else set()
        self.show_chain(chain, self._entries)
        self.changed.emit(chain)

    def menu(self) -> QMenu:
        """All effects, for both sides."""
        made = QMenu(self)
        made.setToolTipsVisible(True)
        for after, title in _SIDES:
            made.addSection(title)
            for entry in self._entries.values():
                action = made.addAction(f"{entry.name}  —  {entry.summary}")
                action.setEnabled(not entry.reason)
                caution = "" if after or entry.name == "gain" else f"  {_CAUTION}"
                action.setToolTip(entry.reason or f"{entry.summary}{caution}")
                action.triggered.connect(
                    lambda _=False, n=entry.name, a=after: self._want(
                        self.chain.added(n, after=a)
                    )
                )
        return made

    def show_menu(self) -> None:
        """Opens the menu below its button."""
        self.menu().popup(self.add.mapToGlobal(self.add.rect().bottomLeft()))


def _newest(before: EffectChain, now: EffectChain) -> int:
    """Index of the slot that was added."""
    if len(now.pre) > len(before.pre):
        return len(now.pre) - 1
    return len(now.slots) - 1
