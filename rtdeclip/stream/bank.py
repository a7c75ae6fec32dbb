"""The processors of all channels behind one call, guarded.

A processor that raises or returns nonsense never reaches the output: the host plays
dry, counts the fault and starts the processor anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from rtdeclip.errors import PluginError, SettingError
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Frugal, Method, Processor, Value
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.types import Samples

_REASONS_KEPT = 20


@runtime_checkable
class Chooser(Protocol):
    """A processor that is several (``auto``) and says which it is now."""

    @property
    def active(self) -> str:
        """Name of the method in force; during a change, of the coming one."""
        ...


@dataclass(slots=True)
class Faults:
    """What a processor did wrong, counted.

    Attributes:
        count: blocks of a channel that were played dry for a fault.
        reasons: the first of them in words, by kind.
    """

    count: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def add(self, reason: str) -> None:
        """Counts one fault."""
        self.count += 1
        if reason in self.reasons or len(self.reasons) < _REASONS_KEPT:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1


class Bank:
    """One method on all channels, at the host's hop and latency.

    Args:
        method: what to run; must be a streaming processor.
        sample_rate: Hz.
        n_channels: number of channels.
        settings: the method's settings by name.
        hop: the host's block length; None takes the processor's own.
        latency_samples: pad to this; None takes the processor's own.

    Attributes:
        choosers: the processors that choose for themselves, per channel; else empty.

    Raises:
        PluginError: the method works on whole signals only, or breaks the contract.
        SettingError: bad settings, or its latency is above ``latency_samples``.
    """

    def __init__(
        self,
        method: Method,
        sample_rate: int,
        n_channels: int,
        settings: Mapping[str, Value] | None = None,
        *,
        hop: int | None = None,
        latency_samples: int | None = None,
    ) -> None:
        if method.kind != "processor":
            raise PluginError(
                f"{method.name!r} is a {method.kind}: it needs the whole signal. "
                "Use it with `rtdeclip file`, or choose a streaming processor here: "
                "rtdeclip processors"
            )
        self.method = method
        self.joint = method.channels == "joint"
        count = 1 if self.joint else n_channels
        made = [
            _make(method, sample_rate, n_channels, settings or {}) for _ in range(count)
        ]
        self._made = made
        self.choosers = [p for p in made if isinstance(p, Chooser)]
        self.hop = hop or made[0].hop
        self.processors = [
            fit_processor(p, self.hop, latency_samples or 0) for p in made
        ]
        self.latency_samples = self.processors[0].latency_samples
        if latency_samples is not None and self.latency_samples > latency_samples:
            raise SettingError(
                f"{method.name!r} needs {self.latency_samples} samples "
                f"({1e3 * self.latency_samples / sample_rate:.1f} ms) of look-ahead; "
                f"this stream was opened with {latency_samples}. Open it with a "
                "larger --max-latency, or choose a faster processor."
            )
        # After a fault the processor starts from silence: play dry until it has
        # filled its delay again.
        self._hold = -(-self.latency_samples // self.hop)
        self._holding = [0] * count

    def process(
        self, channel: int, block: Samples, clip: Clip, faults: Faults
    ) -> Samples | None:
        """The restored block of one channel (of all, for a joint method, channel 0).

        Returns:
            the wet block, or None when dry must be played.
        """
        processor = self.processors[channel]
        hold = self._holding[channel]
        self._holding[channel] = max(0, hold - 1)
        try:
            wet = processor.process(block, clip)
            if wet.shape != block.shape or wet.dtype != np.float32:
                raise PluginError(
                    f"returned {wet.dtype}{wet.shape}, not float32{block.shape}"
                )
        # A plug-in may fail in any way; the sound must go on.
        except Exception as error:
            self.fault(channel, faults, f"{type(error).__name__}: {error}")
            return None
        return None if hold else wet

    def fault(self, channel: int, faults: Faults, reason: str) -> None:
        """Counts a fault and starts the processor anew."""
        faults.add(f"{self.method.name}: {reason}")
        self.processors[channel].reset()
        self._holding[channel] = self._hold

    def ease(self) -> bool:
        """Tells processors that can be cheaper (``auto``) to be so; False: none can."""
        frugal = [p for p in self._made if isinstance(p, Frugal)]
        answers = [p.ease() for p in frugal]  # all are asked
        return any(answers)

    def recover(self) -> bool:
        """Lets them cost one step more again; False: nothing was held back."""
        frugal = [p for p in self._made if isinstance(p, Frugal)]
        answers = [p.recover() for p in frugal]
        return any(answers)

    def reset(self) -> None:
        """Forgets all audio."""
        for processor in self.processors:
            processor.reset()
        self._holding = [0] * len(self._holding)


def _make(
    method: Method,
    sample_rate: int,
    n_channels: int,
    settings: Mapping[str, Value],
) -> Processor:
    if method.rates and sample_rate not in method.rates:
        rates = " or ".join(str(rate) for rate in method.rates)
        raise SettingError(
            f"{method.name!r} works at {rates} Hz, the sound is at {sample_rate} Hz. "
            "Choose another processor (rtdeclip processors) or another rate."
        )
    processor: Processor = method.build(sample_rate, n_channels, **dict(settings))
    if processor.hop < 1 or processor.latency_samples < 0:
        raise PluginError(
            f"{method.name!r} declares hop {processor.hop} and latency "
            f"{processor.latency_samples}; hop must be ≥ 1 and latency ≥ 0."
        )
    return processor
