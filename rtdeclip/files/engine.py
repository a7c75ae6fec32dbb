"""The sound's way from read blocks to restored blocks, latency included.

One engine for streaming processors (memory constant), one for whole-signal restorers
(memory grows with the file, they need the future).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rtdeclip.errors import PluginError, RtdeclipError
from rtdeclip.files.chain import Chain, build_effects
from rtdeclip.files.scan import through
from rtdeclip.stream.bank import Faults
from rtdeclip.stream.levels import LevelSchedule
from rtdeclip.stream.limiter import TruePeakLimiter
from rtdeclip.stream.offline import restore
from rtdeclip.stream.processor import Effect, Method
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples


class Engine(Protocol):
    """Restores blocks of any length.

    Attributes:
        latency_samples: what ``feed`` and ``flush`` give begins with this many
            samples that the file does not have.
        faults: what the processor did wrong.
    """

    latency_samples: int
    faults: Faults

    def feed(self, x: Samples) -> Samples:
        """``(n, n_channels)`` float32 in; what is ready out."""
        ...

    def flush(self) -> Samples:
        """The rest: in all as many samples as went in, and the latency."""
        ...


class StreamEngine:
    """A streaming processor; an ``Engine``.

    Args:
        chain: what to do.
        sample_rate: Hz.
        n_channels: 1 or more.
        levels: locked levels per channel; None detects as the sound comes.
    """

    def __init__(
        self,
        chain: Chain,
        sample_rate: int,
        n_channels: int,
        levels: Sequence[LevelSchedule] | None,
    ) -> None:
        self._stream = Stream(
            sample_rate,
            n_channels,
            chain.method(),
            chain.settings,
            levels=levels,
            pre=build_effects(chain.pre, sample_rate, n_channels),
            post=build_effects(chain.post, sample_rate, n_channels),
            wet=chain.wet,
            output="repair" if chain.repair_only else "full",
        )
        self.latency_samples = self._stream.latency_samples
        self.faults = self._stream.faults

    def feed(self, x: Samples) -> Samples:
        """See ``Engine``."""
        return self._stream.feed(x)

    def flush(self) -> Samples:
        """See ``Engine``."""
        return self._stream.flush()


class WholeEngine:
    """A whole-signal restorer; an ``Engine`` that gives everything at the end.

    Args:
        chain: what to do.
        sample_rate: Hz.
        n_channels: 1 or more.
        levels: locked levels per channel; a restorer needs them.
    """

    def __init__(
        self,
        chain: Chain,
        sample_rate: int,
        n_channels: int,
        levels: Sequence[LevelSchedule],
    ) -> None:
        self._chain, self._method = chain, chain.method()
        self._rate, self._levels = sample_rate, levels
        self._pre = build_effects(chain.pre, sample_rate, n_channels)
        self._post = build_effects(chain.post, sample_rate, n_channels)
        self._parts: list[Samples] = [np.zeros((0, n_channels), np.float32)]
        self.latency_samples = _late(self._pre) + _late(self._post)
        self.faults = Faults()

    def feed(self, x: Samples) -> Samples:
        """See ``Engine``; keeps ``x``, gives nothing yet."""
        self._parts.append(np.array(through(self._pre, x), np.float32))
        return self._parts[0]

    def flush(self) -> Samples:
        """See ``Engine``.

        Raises:
            PluginError: the restorer failed.
        """
        nothing = self._parts[0]
        for n in (_late(self._pre), _late(self._post)):
            self.feed(np.zeros((n, nothing.shape[1]), np.float32))
        dry = np.concatenate(self._parts)
        self._parts = [nothing]
        wet = self._restore(self._method, dry)
        share = np.float32(self._chain.wet)
        if self._chain.repair_only:
            wet = share * (wet - dry)
        elif share != 1.0:
            wet = dry + share * (wet - dry)
        return np.array(through(self._post, wet), np.float32)

    def _restore(self, method: Method, dry: Samples) -> Samples:
        try:
            return restore(dry, self._rate, method, self._levels, self._chain.settings)
        except RtdeclipError:
            raise
        except Exception as error:  # a plug-in may fail in any way
            raise PluginError(
                f"The restorer {method.name!r} failed on this file "
                f"({type(error).__name__}: {error}). "
                "Choose another: rtdeclip processors"
            ) from error


@dataclass(slots=True)
class Meter:
    """Extremes of the sound that passed, linear."""

    highest: float = 0.0
    lowest: float = 0.0

    @property
    def peak(self) -> float:
        """Largest magnitude."""
        return max(self.highest, -self.lowest)

    def watch(self, block: Samples) -> Samples:
        """Takes note of ``block`` and hands it on."""
        if block.size:
            self.highest = max(self.highest, float(block.max()))
            self.lowest = min(self.lowest, float(block.min()))
        return block


class Metered:
    """Another engine's output, its extremes noted; an ``Engine``.

    Args:
        engine: what restores.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.meter = Meter()
        self.latency_samples = engine.latency_samples
        self.faults = engine.faults

    def feed(self, x: Samples) -> Samples:
        """See ``Engine``."""
        return self.meter.watch(self._engine.feed(x))

    def flush(self) -> Samples:
        """See ``Engine``."""
        return self.meter.watch(self._engine.flush())


class Limited:
    """Another engine's output under a true-peak ceiling; an ``Engine``.

    Args:
        engine: what restores.
        limiter: new, of the same number of channels.
    """

    def __init__(self, engine: Engine, limiter: TruePeakLimiter) -> None:
        self._engine = engine
        self.limiter = limiter
        self.latency_samples = engine.latency_samples + limiter.latency_samples
        self.faults = engine.faults

    def feed(self, x: Samples) -> Samples:
        """See ``Engine``."""
        return self.limiter.process(self._engine.feed(x)).copy()

    def flush(self) -> Samples:
        """See ``Engine``."""
        rest = self._engine.flush()
        silence = np.zeros((self.limiter.latency_samples, rest.shape[1]), np.float32)
        return self.limiter.process(np.concatenate([rest, silence])).copy()


def build_engine(
    chain: Chain,
    sample_rate: int,
    n_channels: int,
    levels: Sequence[LevelSchedule] | None,
) -> Engine:
    """The engine that the chain's processor needs.

    Raises:
        PluginError: a restorer without levels (standard input cannot be read twice).
    """
    if chain.method().kind != "restorer":
        return StreamEngine(chain, sample_rate, n_channels, levels)
    if levels is None:
        raise PluginError(
            f"{chain.method().name!r} needs the whole file and its levels, a pipe is "
            "read once. Give --level, give a file, or choose a streaming processor: "
            "rtdeclip processors"
        )
    return WholeEngine(chain, sample_rate, n_channels, levels)


def run(engine: Engine, blocks: Iterable[Samples]) -> Iterator[Samples]:
    """The restored sound of ``blocks``, as long as they are together.

    Args:
        engine: new.
        blocks: ``(n, n_channels)`` float32 each.
    """
    skip = engine.latency_samples
    for block in blocks:
        out = engine.feed(block)
        yield out[skip:]
        skip = max(0, skip - len(out))
    yield engine.flush()[skip:]


def _late(effects: Sequence[Effect]) -> int:
    return sum(effect.latency_samples for effect in effects)
