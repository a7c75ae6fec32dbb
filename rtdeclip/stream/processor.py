"""The contracts: what a processor, an effect and a restorer are to their host.

A *processor* streams: one block in, one block out, at a constant latency. A
*restorer* takes the whole signal, for methods that need the future. An *effect*
is a processor that is told nothing about clipping. Each is announced by a
``Method``: its name, its settings and its factory, found through an entry point.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples, Signs

Value: TypeAlias = bool | int | float | str


@runtime_checkable
class Processor(Protocol):
    """Restores one channel (all channels, if its Method says ``joint``) as it streams.

    Attributes:
        hop: block length in samples, constant after construction.
        latency_samples: index delay, constant: the block that ``process`` returns
            restores the input from ``latency_samples`` earlier.
    """

    hop: int
    latency_samples: int

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The restored block, ``latency_samples`` late.

        Args:
            block: ``(hop,)`` float32, full scale ±1; not to be written to.
            clip: masks and levels of this block.

        Returns:
            ``(hop,)`` float32; a buffer of the processor's own that it may overwrite
            at the next call. The host replaces the reliable samples and holds the
            clipped ones at or beyond their bound.
        """
        ...

    def reset(self) -> None:
        """Forget all audio; the next block is the first of a stream."""
        ...


@runtime_checkable
class Frugal(Protocol):
    """A processor that can do with less time, as ``auto`` can.

    Only live hosts call these, by the clock; offline there is no hurry.
    """

    def ease(self) -> bool:
        """Costs less from now on; False if it cannot."""
        ...

    def recover(self) -> bool:
        """May cost one step more again; False if nothing was held back."""
        ...


@runtime_checkable
class Effect(Protocol):
    """Changes the sound before or after the declipper; told nothing about clipping."""

    hop: int
    latency_samples: int

    def process(self, block: Samples) -> Samples:
        """``(hop, n_channels)`` float32 in and out, ``latency_samples`` late."""
        ...

    def reset(self) -> None:
        """Forget all audio."""
        ...


@runtime_checkable
class Restorer(Protocol):
    """Restores a whole signal at once, for methods that need the future."""

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """The restored signal.

        Args:
            y: ``(n_samples, n_channels)`` float32, the clipped signal.
            sign: same shape, int8: 0 reliable, +1 clipped high, −1 clipped low.
            bound: same shape, float32 magnitude that ``sign · x`` must reach.
            sample_rate: Hz.

        Returns:
            ``(n_samples, n_channels)`` float32.
        """
        ...


@dataclass(frozen=True, slots=True)
class Setting:
    """One declared setting of a method, shown by the CLI, presets and the monitor.

    Args:
        name: keyword of the factory.
        default: value when nothing is said; its type is the setting's type.
        summary: what it does, one line.
        unit: ``"ms"``, ``"dB"``, ``"Hz"``, ``"samples"`` … or empty.
        low: smallest allowed number, inclusive; None for choices and booleans.
        high: largest allowed number, inclusive.
        choices: the allowed words, for a setting that is a word.
        applies: ``live``: taken up by ``set_setting`` while sound runs; ``rebuild``:
            the host makes a new processor and crossfades to it.
    """

    name: str
    default: Value
    summary: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    applies: Literal["live", "rebuild"] = "rebuild"

    def parse(self, given: Value) -> Value:
        """``given`` (perhaps text from a command line) as this setting's type.

        Raises:
            SettingError: not of the type, out of range or not a choice.
        """
        value = self._convert(given)
        if self.choices and value not in self.choices:
            raise SettingError(
                f"{self.name}={given!r} is not one of {', '.join(self.choices)}."
            )
        if isinstance(value, int | float) and not isinstance(value, bool):
            low = -np.inf if self.low is None else self.low
            high = np.inf if self.high is None else self.high
            if not low <= value <= high:
                raise SettingError(
                    f"{self.name}={given} is out of range: give {low:g} to {high:g}"
                    f"{' ' + self.unit if self.unit else ''}."
                )
        return value

    def _convert(self, given: Value) -> Value:
        kind = type(self.default)
        if kind is bool and isinstance(given, str):
            words = {"true": True, "on": True, "1": True, "yes": True}
            words |= {"false": False, "off": False, "0": False, "no": False}
            if given.lower() in words:
                return words[given.lower()]
        elif kind is not bool or isinstance(given, bool):
            try:
                if kind is int and float(given) != int(float(given)):
                    raise ValueError
                return kind(float(given)) if kind is int else kind(given)
            except (ValueError, OverflowError):
                pass
        raise SettingError(
            f"{self.name}={given!r} is not a {kind.__name__}; "
            f"the default is {self.default}."
        )


@dataclass(frozen=True, slots=True)
class Rung:
    """How a method joins the ladder of ``auto``: what it costs and what it gives.

    Args:
        settings: the method's settings on this rung, by name.
        cost: worst-case RTF of one channel on the reference machine, > 0; only the
            order and rough ratios matter.
        gain_db: mean ΔSDR on training audio at each of ``SEVERITIES``, dB.
        low_hz: lowest sample rate the rung is offered at.
        high_hz: highest.
    """

    settings: tuple[tuple[str, Value], ...]
    cost: float
    gain_db: tuple[float, ...]
    low_hz: int = 8000
    high_hz: int = 192000


SEVERITIES = (0.02, 0.05, 0.12, 0.3, 0.6)
"""Severities at which a ``Rung`` states its gain: the share of clipped samples in the
block of a clipped sample, averaged over clipped samples (Σ n² / (hop · Σ n) over blocks
with n clipped samples of about 5 ms). Unlike the share in the whole recording it does
not depend on pauses."""


@dataclass(frozen=True, slots=True)
class Method:
    """A processor, effect or restorer as it is announced to the host.

    Args:
        name: what the user types.
        summary: what it does and where it wins, one line.
        make: the factory, ``make(sample_rate, **settings)``; joint processors and
            effects also get ``n_channels``. Slow work (JIT, weights) happens here.
        kind: ``processor``, ``effect`` or ``restorer``.
        settings: what the factory accepts.
        scope: ``clipped``: only clipped samples change, the host keeps the rest
            bit-exact; ``all``: undoes soft distortion, every sample may change.
        channels: ``each``: one instance per channel; ``joint``: one for all.
        source: paper and DOI, or where the method comes from.
        rates: native sample rates in Hz; empty means any.
        note: what it is for when it is not for daily use (``experimental``,
            ``the papers' baseline``); empty otherwise.
        rungs: how it joins ``auto``; empty: it does not.
    """

    name: str
    summary: str
    make: Callable[..., Any]
    kind: Literal["processor", "effect", "restorer"] = "processor"
    settings: tuple[Setting, ...] = ()
    scope: Literal["clipped", "all"] = "clipped"
    channels: Literal["each", "joint"] = "each"
    source: str = ""
    rates: tuple[int, ...] = ()
    note: str = field(default="")
    rungs: tuple[Rung, ...] = ()

    def check(self, given: dict[str, Value]) -> dict[str, Value]:
        """All settings, defaults filled in, each checked.

        Raises:
            SettingError: an unknown name, or a value out of range.
        """
        known = {s.name: s for s in self.settings}
        for name in given:
            if name not in known:
                have = ", ".join(known) or "none"
                raise SettingError(
                    f"{self.name} has no setting {name!r}; it has: {have}."
                )
        return {s.name: s.parse(given.get(s.name, s.default)) for s in self.settings}

    def build(self, sample_rate: int, n_channels: int = 1, **settings: Value) -> Any:
        """A new instance, its settings checked.

        Args:
            sample_rate: Hz.
            n_channels: how many channels one instance sees; only told to joint
                processors and effects.
            settings: by name; what is left out takes its default.

        Raises:
            SettingError: a setting is unknown or out of range.
        """
        chosen = self.check(settings)
        if self.kind == "effect" or self.channels == "joint":
            return self.make(sample_rate, n_channels=n_channels, **chosen)
        return self.make(sample_rate, **chosen)


def as_columns(x: NDArray[np.generic]) -> NDArray[np.generic]:
    """``(n,)`` or ``(n, c)`` seen as ``(n, c)``."""
    return x[:, None] if x.ndim == 1 else x
