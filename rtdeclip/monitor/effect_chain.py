"""The effects before and after the repair as the user arranges them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rtdeclip.stream.processor import Value


@dataclass(frozen=True, slots=True)
class Slot:
    """One effect.

    Args:
        name: of the effect.
        settings: by name; what is left out takes its default.
    """

    name: str
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EffectChain:
    """All effects in the order of the sound; immutable, each change is a new one.

    Slots are counted through: first those before the repair, then those after it.

    Args:
        pre: before the repair.
        post: after it.
    """

    pre: tuple[Slot, ...] = ()
    post: tuple[Slot, ...] = ()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All of them."""
        return self.pre + self.post

    def added(self, name: str, *, after: bool) -> "EffectChain":
        """With one more at the end of its side."""
        if after:
            return replace(self, post=(*self.post, Slot(name)))
        return replace(self, pre=(*self.pre, Slot(name)))

    def removed(self, index: int) -> "EffectChain":
        """Without the one at ``index``."""
        kept = [slot for i, slot in enumerate(self.slots) if i != index]
        return self._split(kept, len(self.pre) - (index < len(self.pre)))

    def earlier(self, index: int) -> "EffectChain":
        """The one at ``index`` one place earlier; the first after the repair goes
        before it, the very first stays.
        """
        if index == len(self.pre):
            return self._split(list(self.slots), index + (index < len(self.slots)))
        if index == 0:
            return self
        slots = list(self.slots)
        slots[index - 1], slots[index] = slots[index], slots[index - 1]
        return self._split(slots, len(self.pre))

    def with_settings(self, index: int, settings: Mapping[str, Value]) -> "EffectChain":
        """With other settings of the one at ``index``."""
        slots = list(self.slots)
        slots[index] = replace(slots[index], settings=dict(settings))
        return self._split(slots, len(self.pre))

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The effects' names on both sides."""
        before = tuple(slot.name for slot in self.pre)
        return before, tuple(slot.name for slot in self.post)

    def rows(self) -> dict[str, list[Any]]:
        """For a request: ``pre`` and ``post``, [name, settings] each."""
        sides = (("pre", self.pre), ("post", self.post))
        return {
            side: [[slot.name, dict(slot.settings)] for slot in slots]
            for side, slots in sides
        }

    @classmethod
    def of(cls, pre: Sequence[Any], post: Sequence[Any]) -> "EffectChain":
        """From what ``rows`` gave; what is not of that form is left out."""
        return cls(_slots(pre), _slots(post))

    @staticmethod
    def _split(slots: Sequence[Slot], n_before: int) -> "EffectChain":
        return EffectChain(tuple(slots[:n_before]), tuple(slots[n_before:]))


def _slots(rows: Sequence[Any]) -> tuple[Slot, ...]:
    made = []
    for row in rows:
        match row:
            case [str(name), dict(settings)]:
                made.append(Slot(name, settings))
    return tuple(made)
