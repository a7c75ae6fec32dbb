"""Effects that can be exchanged while sound runs, without a click.

New effects run silently until their filters have settled, then fade in while the old
ones fade out. Allocates nothing per block; about 1 µs per hop while nothing changes.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Effect, Value
from rtdeclip.stream.registry import build_effect, listings
from rtdeclip.types import Samples

FADE_MS = 15.0
SETTLE_MS = 50.0


@runtime_checkable
class Adjustable(Protocol):
    """An effect whose ``live`` settings can be changed while sound runs."""

    def set_setting(self, name: str, value: Value) -> None:
        """Glides to another value."""
        ...


class EffectSlots:
    """Effects in a row, as one effect.

    Args:
        effects: in order; none at all passes the sound on.
        sample_rate: Hz.
        n_channels: of the sound.
        hop: longest block that ``process`` gets, samples.

    Attributes:
        latency_samples: of the effects; constant, so others of another latency are
            refused.
    """

    hop = 0

    def __init__(
        self, effects: Sequence[Effect], sample_rate: int, n_channels: int, hop: int
    ) -> None:
        self._effects = self._coming = tuple(effects)
        self.latency_samples = latency(effects)
        self._fade = max(1, round(FADE_MS * 1e-3 * sample_rate))
        self._settle = round(SETTLE_MS * 1e-3 * sample_rate)
        self._heard = 0
        self._steps = np.arange(1, hop + 1, dtype=np.float32)[:, None] / self._fade
        self._ramp: Samples = np.zeros((hop, 1), np.float32)
        self._out: Samples = np.zeros((hop, n_channels), np.float32)
        self._old: Samples = np.zeros((hop, n_channels), np.float32)

    @property
    def changing(self) -> bool:
        """New effects are on their way in."""
        return self._coming is not self._effects

    def process(self, block: Samples) -> Samples:
        """``(n, n_channels)`` float32, n up to ``hop``."""
        if not self.changing:
            return _run(self._effects, block)
        n = len(block)
        old, out, ramp = self._old[:n], self._out[:n], self._ramp[:n]
        old[:] = _run(self._effects, block)
        out[:] = _run(self._coming, block)
        np.add(self._steps[:n], (self._heard - self._settle) / self._fade, out=ramp)
        np.clip(ramp, 0.0, 1.0, out=ramp)
        out -= old
        out *= ramp
        out += old
        self._heard += n
        if self._heard >= self._settle + self._fade:
            self._effects = self._coming
        return out

    def reset(self) -> None:
        """Forgets all audio; a change that is under way is done at once."""
        self._effects = self._coming
        for effect in self._effects:
            effect.reset()

    def exchange(self, effects: Sequence[Effect]) -> None:
        """Fades over to ``effects``; call it on the thread that calls ``process``.

        A change that is still under way jumps to its end.
        """
        self._effects = self._coming
        self._coming, self._heard = tuple(effects), 0

    def check(self, effects: Sequence[Effect]) -> None:
        """Raises SettingError when ``effects`` would move the sound in time."""
        if latency(effects) != self.latency_samples:
            raise SettingError(
                f"These effects are {latency(effects)} samples late, those that run "
                f"{self.latency_samples}; a running sound keeps its latency. "
                "Stop and start again with the other effects."
            )

    @property
    def adjustable(self) -> bool:
        """All of them take settings while sound runs."""
        return all(isinstance(effect, Adjustable) for effect in self._coming)

    def set_setting(self, index: int, name: str, value: Value) -> None:
        """Changes one setting of the effect at ``index``, which glides there."""
        effect = self._coming[index]
        if isinstance(effect, Adjustable):
            effect.set_setting(name, value)


def warm_effects(sample_rate: int, n_channels: int) -> None:
    """Loads the kernels of our own effects, so that they can be slotted in at once."""
    for name in own_effects():
        build_effect(name, sample_rate, n_channels, {})


def own_effects() -> list[str]:
    """Effects that come with the package; a plug-in's may take long to compile."""
    found = listings("effects").values()
    return [
        entry.name for entry in found if entry.method and entry.origin == "rtdeclip"
    ]


def latency(effects: Sequence[Effect]) -> int:
    """Index delay of effects in a row, samples."""
    return sum(effect.latency_samples for effect in effects)


def _run(effects: tuple[Effect, ...], block: Samples) -> Samples:
    for effect in effects:
        block = effect.process(block)
    return block
