"""The one path of a block, live and offline.

    pre effects → detect → processor → delay + consistency + mix → post effects

``process`` takes exactly one hop; ``feed`` and ``flush`` cut any length into hops, so
any split of the same signal gives the same bits.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.errors import SettingError
from rtdeclip.stream import registry
from rtdeclip.stream.bank import Bank, Chooser
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.consistency import Combiner
from rtdeclip.stream.detection import Detection
from rtdeclip.stream.ftz import flush_denormals, restore_denormals
from rtdeclip.stream.hops import Hops
from rtdeclip.stream.levels import LevelSchedule
from rtdeclip.stream.processor import Effect, Method, Value
from rtdeclip.stream.switcher import Switcher
from rtdeclip.types import Samples

FADE_MS = 15.0
Output = Literal["full", "repair"]


class Resettable(Protocol):
    """Anything with a memory."""

    def reset(self) -> None:
        """Forgets all audio."""
        ...


def _take(block: NDArray[np.float32], channel: int, out: NDArray[np.float32]) -> int:
    """Copies one channel, non-finite samples as 0; returns how many there were."""
    bad = 0
    for i in range(len(out)):
        x = block[i, channel]
        if np.isfinite(x):
            out[i] = x
        else:
            out[i] = 0.0
            bad += 1
    return bad


_take_jit = njit(nogil=True, cache=True)(_take)


class Stream:
    """A declipper that audio flows through.

    Args:
        sample_rate: Hz, 8000 to 192000.
        n_channels: 1 or more; levels and masks are per channel.
        processor: name of a processor (``rtdeclip processors``), or a ``Method``.
        settings: the processor's settings by name.
        levels: locked clip levels per channel, from a scan; None detects causally.
        linked: channels were recorded alike: a level found in one holds in all that
            stay below it. Without effect where ``levels`` are given.
        pre: effects before the declipper, in order.
        post: effects after it (headroom is the last of them).
        consistency: False hands out the processor's raw output (the papers' rows).
        wet: 0 dry … 1 restored.
        output: ``full``, or ``repair`` for what was added only.
        hop: block length of ``process``; None takes the processor's own.
        latency_samples: reserve this much for the processor, so that a slower one can
            be switched to later; None reserves what the processor needs.

    Attributes:
        hop: samples per block.
        latency_samples: index delay of the whole path; constant.
        pre: effects before the declipper.
        post: effects after it.
        faults: what the processor did wrong; those blocks were played dry.
        nonfinite_samples: NaN and Inf samples taken as 0.
        clips: per channel, the masks and levels of the last block.

    Raises:
        SettingError: a setting is unknown or out of range.
        PluginError: the processor is unknown, broken or not a streaming one.

    Example:
        >>> import numpy as np
        >>> stream = Stream(48000, processor="bypass")
        >>> y = stream.feed(np.zeros((1000, 1), np.float32))
        >>> y.shape[0] % stream.hop
        0
    """

    def __init__(
        self,
        sample_rate: int,
        n_channels: int = 1,
        processor: str | Method = "cubic",
        settings: Mapping[str, Value] | None = None,
        *,
        levels: Sequence[LevelSchedule] | None = None,
        linked: bool = False,
        pre: Sequence[Effect] = (),
        post: Sequence[Effect] = (),
        consistency: bool = True,
        wet: float = 1.0,
        output: Output = "full",
        hop: int | None = None,
        latency_samples: int | None = None,
    ) -> None:
        _check(sample_rate, n_channels, wet, levels)
        self.sample_rate = sample_rate
        self.n_channels = n_channels
        bank = Bank(
            _method(processor),
            sample_rate,
            n_channels,
            settings,
            hop=hop,
            latency_samples=latency_samples,
        )
        self.hop = bank.hop
        self._reserved = bank.latency_samples
        self.set_effects(pre, post)
        self.nonfinite_samples = 0
        self._fade_samples = max(1, round(FADE_MS * 1e-3 * sample_rate))
        self._switcher = Switcher(bank, n_channels, self._fade_samples)
        self.faults = self._switcher.faults
        self._bypass, self._wet, self._output = False, float(wet), output
        self._bypass_gain = 1.0
        self._detection = Detection(sample_rate, self.hop, n_channels, levels, linked)
        self._combiners = [self._combiner(consistency) for _ in range(n_channels)]
        self._hops = Hops(self.hop, n_channels)
        self._buffers()
        self._mix(glide=False)

    def set_effects(self, pre: Sequence[Effect], post: Sequence[Effect]) -> None:
        """Takes these effects from the start on; not while sound runs."""
        self.pre, self.post = list(pre), list(post)
        self.latency_samples = self._reserved + sum(
            effect.latency_samples for effect in (*self.pre, *self.post)
        )

    @property
    def processor(self) -> str:
        """Name of the processor in force."""
        return self._switcher.bank.method.name

    @property
    def choosers(self) -> Sequence[Chooser]:
        """Per channel the processor in force, if it chooses among methods itself."""
        return self._switcher.bank.choosers

    def process(self, block: Samples) -> Samples:
        """One hop in, one hop out.

        Args:
            block: ``(hop, n_channels)`` float32, full scale ±1.

        Returns:
            ``(hop, n_channels)`` float32, ``latency_samples`` late; this buffer is
            overwritten at the next call.
        """
        state = flush_denormals()
        try:
            return self._process(block)
        finally:
            restore_denormals(state)

    def feed(self, x: Samples) -> Samples:
        """Any number of samples in, the hops that are complete out.

        Args:
            x: ``(n_samples, n_channels)`` or, mono, ``(n_samples,)`` float32.

        Returns:
            ``(m, n_channels)`` (or ``(m,)``) float32, new. Over the stream's life the
            first ``latency_samples`` are zeros that the latency puts there.

        Raises:
            InputError: another number of channels.
        """
        return self._hops.feed(x, self.process)

    def flush(self) -> Samples:
        """The rest: with all that ``feed`` gave, input length + ``latency_samples``.

        Returns:
            ``(m, n_channels)`` float32. The stream is reset afterwards.
        """
        owed = self._hops.n_pending + self.latency_samples
        rest = self._hops.drain(owed, self.process)
        self.reset()
        return rest

    def reset(self) -> None:
        """Forgets all audio; settings, mix and counters stay."""
        stages: list[Resettable] = [self._detection, *self._combiners, self._switcher]
        for stage in [*stages, *self.pre, *self.post, self._hops]:
            stage.reset()

    def set_bypass(self, on: bool, gain: float = 1.0) -> None:
        """Plays the delayed input (True) or the restoration, gliding over 15 ms.

        Args:
            on: the input is played.
            gain: linear, of the input while it is played; 1 leaves it bit-exact. Other
                gains match the loudness of the two for a fair comparison.
        """
        self._bypass, self._bypass_gain = on, gain
        self._mix()

    def set_wet(self, wet: float) -> None:
        """Share of the repair that is heard, 0 … 1, gliding over 15 ms."""
        _check_wet(wet)
        self._wet = float(wet)
        self._mix()

    def set_output(self, output: Output) -> None:
        """``full``, or ``repair`` for what was added only; glides over 15 ms."""
        self._output = output
        self._mix()

    def lock_levels(
        self, levels: Sequence[tuple[Plateau | None, Plateau | None]] | None
    ) -> None:
        """Takes these clip levels from the next block on; None: detect again.

        Args:
            levels: per channel the high and the low plateau, None where that polarity
                is not clipped.

        Raises:
            SettingError: another number of channels, or the levels are those of a
                scanned recording and change within it: its positions would be lost.
        """
        self._detection.lock(levels)

    def ease(self) -> bool:
        """Asks the processor to cost less (``auto`` can); False if it cannot.

        For live hosts whose hops come late; offline there is no hurry.
        """
        return self._switcher.bank.ease()

    def recover(self) -> bool:
        """Lets it cost one step more again; False if nothing was held back."""
        return self._switcher.bank.recover()

    def prepare(
        self, processor: str | Method, settings: Mapping[str, Value] | None = None
    ) -> Bank:
        """Builds another processor for ``switch``; slow, call it off the audio path.

        Raises:
            SettingError: bad settings, or its latency is above what was reserved.
            PluginError: unknown or unfit processor, or one of another scope.
        """
        method = _method(processor)
        running = self._switcher.bank.method
        if method.scope != running.scope:
            raise SettingError(
                f"{method.name!r} changes {method.scope} samples, the running "
                f"{running.name!r} {running.scope}. "
                "Stop and start again with the other processor."
            )
        return Bank(
            method,
            self.sample_rate,
            self.n_channels,
            settings,
            hop=self.hop,
            latency_samples=self._reserved,
        )

    def switch(self, bank: Bank) -> None:
        """Crossfades to a prepared processor without a click.

        It runs silently until its delay is filled, then fades in over 15 ms.
        """
        self._switcher.switch(bank)

    # The rest is private: one hop, step by step.

    def _process(self, block: Samples) -> Samples:
        assert block.shape == self._out.shape, "process takes exactly one hop"
        for effect in self.pre:
            block = effect.process(block)
        for c in range(self.n_channels):
            self.nonfinite_samples += _take_jit(block, c, self._dry[c])
        self._detection.process(self._dry, self.clips)
        wets = self._switcher.process(self._dry, self.clips)
        for c, wet in enumerate(wets):
            if not self._combiners[c].process(
                self._dry[c], self.clips[c], wet, self._mixed[c]
            ):
                self._switcher.fault(c, "samples not finite or 40 dB over")
        self._out[:] = self._mixed.T
        out = self._out
        for effect in self.post:
            out = effect.process(out)
        return out

    def _mix(self, *, glide: bool = True) -> None:
        wet = 0.0 if self._bypass else self._wet
        dry = 1.0 if self._output == "full" else 0.0
        if self._bypass:
            dry = self._bypass_gain
        for combiner in self._combiners:
            combiner.set_mix(dry, wet, glide=glide)

    def _combiner(self, consistency: bool) -> Combiner:
        return Combiner(
            self.hop,
            self._reserved,
            self._fade_samples,
            consistent=consistency,
            everywhere=self._switcher.bank.method.scope == "all",
        )

    def _buffers(self) -> None:
        shape = (self.n_channels, self.hop)
        self._dry = np.zeros(shape, np.float32)
        self._mixed = np.zeros(shape, np.float32)
        self._out = np.zeros((self.hop, self.n_channels), np.float32)
        self.clips = [Clip(self.hop) for _ in range(self.n_channels)]


def _method(processor: str | Method) -> Method:
    return registry.find(processor) if isinstance(processor, str) else processor


def _check(
    sample_rate: int,
    n_channels: int,
    wet: float,
    levels: Sequence[LevelSchedule] | None,
) -> None:
    if not 8000 <= sample_rate <= 192000:
        raise SettingError(
            f"The sample rate is {sample_rate} Hz; 8000 to 192000 Hz can be processed. "
            "Resample the audio first."
        )
    if n_channels < 1:
        raise SettingError(f"n_channels is {n_channels}; it must be at least 1.")
    if levels is not None and len(levels) != n_channels:
        raise SettingError(
            f"Levels are given for {len(levels)} channels, the stream has "
            f"{n_channels}; give one schedule per channel."
        )
    _check_wet(wet)


def _check_wet(wet: float) -> None:
    if not 0.0 <= wet <= 1.0:
        raise SettingError(f"wet is {wet}; give 0 (dry) to 1 (restored).")
