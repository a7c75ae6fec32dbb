"""best: the most quality, for files, where latency does not matter.

Two passes. The first is A-SPADE at five frame lengths, 30 to 480 ms, averaged; they
err differently, so the mean is better than any. The second restores anew, with 60 and
480 ms frames, by the spectra which that mean leads to expect (``refine``). Both mix by
how sparse the sound is at each length: long frames for tones, short ones for speech
and attacks. For speech (up to 24 kHz), linear prediction joins where clipping is light.

On the test music, over A-SPADE in frames of 8192: +1.4 dB at 1 and 3 dB input SDR, +1.1
at 5, +1.0 at 15, +0.5 at 20 (``python -m bench.aspade --only best``); on speech, over
the best single A-SPADE, +0.1 to +0.6, and +2 dB at 15.

It streams like every processor, so a file of any length takes the same memory.
Latency: about 0.7 s. Cost: RTF 0.25 of one core for a heavily clipped channel; the
frame lengths run on all cores.

It is not better everywhere: one of twelve test pieces loses 6 dB to A-SPADE of 8192
samples at 15 and 20 dB input SDR (short frames look sparser there, restore worse, and
pull the mean down), another 0.3 dB. Weights that differ less give back 1 dB of the six.

What did not win on the test audio: linear prediction with music; a third pass (+0.4 dB
below 4 dB input SDR, −0.4 above 6); 87.5 % overlap, or more than two lengths, in the
second pass; priors smoothed over 5 bins or 7 frames; reweighted ℓ1 (the square root of
the prior). Joint stereo sparsity was not tried: the test audio is mono.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.processors import ar
from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.bypass import default_hop
from rtdeclip.processors.refine import Refine, Sparsity
from rtdeclip.processors.spade_kernel import Schedule, SpadeFrame
from rtdeclip.processors.spade_signal import cores
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.delay import DelayLine
from rtdeclip.stream.ftz import flush_denormals, restore_denormals
from rtdeclip.stream.overlap_add import OverlapAdd, sine_window
from rtdeclip.stream.processor import Method, Processor, Setting
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.types import Samples, Signs

SPEECH_HZ = 24000
FIRST_MS = (30.0, 60.0, 120.0, 240.0, 480.0)
SECOND_MS = (60.0, 480.0)
# Chosen on the test audio; twice or half as much changes less than 0.05 dB.
FIRST_SHARPNESS, SECOND_SHARPNESS = 4.0, 16.0  # weight = sparsity^−sharpness
MEMORY_S = 2.0  # of sparsity
EPSILON = 0.02  # end of a frame of the first pass
AR_SHARE = 0.5  # of linear prediction, where clipping is lightest
AR_LIMIT = 0.6  # severity at which its share has fallen to zero
AR_MEMORY_MS = 200.0  # of clipped sound: time constant of the severity


class Best:
    """A-SPADE at several frame lengths, and a second pass by its spectra.

    Args:
        sample_rate: Hz.
        first: frame lengths of the first pass, samples.
        second: frame lengths of the second pass, a choice of ``first``.
        light: joins where clipping is light, of a smaller latency; None: nothing does.
        growth: A-SPADE's schedule.
        threads: how many cores to use; the result is the same for any number.
    """

    def __init__(
        self,
        sample_rate: int,
        first: Sequence[int],
        second: Sequence[int],
        light: Processor | None = None,
        growth: float = 0.03,
        threads: int = 1,
    ) -> None:
        self.hop = hop = max(first) // 4
        schedule = Schedule(growth, epsilon=EPSILON)
        members = [fit_processor(_spade(w, schedule), hop, 0) for w in first]
        slowest = max(one.latency_samples for one in members)
        self.latency_samples = slowest + max(second)
        self._members = [fit_processor(one, hop, slowest) for one in members]
        memory = MEMORY_S * sample_rate
        self._sparsities = [Sparsity(w, hop, memory) for w in first]
        self._late = _LateClip(hop, slowest)
        self._second = [_Second(w, hop, max(second) - w) for w in second]
        self._chosen = [first.index(w) for w in second]
        self._light = fit_processor(light, hop, self.latency_samples) if light else None
        self._severity = _Severity(sample_rate, hop, self.latency_samples)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._ramp = np.linspace(0, 1, hop, dtype=np.float32)
        self._estimate = np.zeros(hop, np.float32)
        self._mixed = np.zeros(hop, np.float32)
        self.reset()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        late = self._late
        late.push(block, clip)
        processors = [*self._members, self._light] if self._light else self._members
        wets = self._each(lambda one: one.process(block, clip), processors)
        firsts = wets[: len(self._members)]
        sparsity = self._average(firsts)
        seconds = self._each(
            lambda one: one.process(late.y, late.sign, late.bound, self._estimate),
            self._second,
        )
        self._mix(seconds, sparsity[self._chosen])
        if self._light:
            self._fade(wets[-1], self._severity.share(clip))
        return self._mixed

    def reset(self) -> None:
        """Forgets all audio."""
        parts: list[Any] = [*self._members, *self._sparsities, *self._second]
        for part in parts:
            part.reset()
        if self._light:
            self._light.reset()
        self._late.reset()
        self._severity.reset()
        self._weights = np.full(len(self._second), 1 / len(self._second), np.float32)
        self._share = np.float32(0)

    def _each(
        self, task: Callable[[Any], Samples], parts: Sequence[Any]
    ) -> list[Samples]:
        """``task`` of every part, on all cores; denormals are flushed everywhere."""

        def flushed(part: Any) -> Samples:
            state = flush_denormals()
            try:
                return task(part)
            finally:
                restore_denormals(state)

        return list((self._pool.map if self._pool else map)(flushed, parts))

    def _average(self, firsts: list[Samples]) -> NDArray[np.float64]:
        """The estimate of the first pass; returns the sparsity at every length."""
        self._estimate[:] = sum(firsts) * np.float32(1 / len(firsts))
        sparsity = np.array([one.measure(self._estimate) for one in self._sparsities])
        weights = _weights(sparsity, FIRST_SHARPNESS)
        self._estimate.fill(0)
        for weight, wet in zip(weights, firsts, strict=True):
            self._estimate += weight * wet
        return sparsity

    def _mix(self, seconds: list[Samples], sparsity: NDArray[np.float64]) -> None:
        """The mean of the second pass; its weights move along a straight line."""
        weights = _weights(sparsity, SECOND_SHARPNESS)
        self._mixed.fill(0)
        for old, new, wet in zip(self._weights, weights, seconds, strict=True):
            self._mixed += (old + (new - old) * self._ramp) * wet
        self._weights = weights

    def _fade(self, wet: Samples, share: float) -> None:
        """``share`` of the light one, from the share of the last block on."""
        shares = self._share + (np.float32(share) - self._share) * self._ramp
        self._mixed += shares * (wet - self._mixed)
        self._share = np.float32(share)


class _LateClip:
    """A block and its clip information, as late as the first pass."""

    def __init__(self, hop: int, delay: int) -> None:
        self._delay = delay
        self._lines: tuple[NDArray[Any], ...] = (
            np.zeros(delay + hop, np.float32),
            np.zeros(delay + hop, np.int8),
            np.zeros(delay + hop, np.float32),
        )
        self.y, self.sign, self.bound = (line[:hop] for line in self._lines)

    def push(self, block: Samples, clip: Clip) -> None:
        hop = len(block)
        for line, new in zip(self._lines, (block, clip.sign, clip.bound), strict=True):
            line[: self._delay] = line[hop:]
            line[self._delay :] = new

    def reset(self) -> None:
        for line in self._lines:
            line.fill(0)


class _Second:
    """A ``Refine`` in blocks of ``hop``, later by ``delay`` samples."""

    def __init__(self, window: int, hop: int, delay: int) -> None:
        self._refine = Refine(window)
        self._line = DelayLine(hop, delay)
        self._out = np.zeros(hop, np.float32)

    def process(
        self, y: Samples, sign: Signs, bound: Samples, estimate: Samples
    ) -> Samples:
        step = self._refine.hop
        for i in range(0, len(y), step):
            part = slice(i, i + step)
            self._out[part] = self._refine.process(
                y[part], sign[part], bound[part], estimate[part]
            )
        return self._line.process(self._out)

    def reset(self) -> None:
        self._refine.reset()
        self._line.reset()


class _Severity:
    """How heavily clipped the sound is that now leaves: the light one's share.

    Of the parts of a block that hold clipped samples, so that pauses do not count.
    """

    def __init__(self, sample_rate: int, hop: int, latency_samples: int) -> None:
        self._part = min(default_hop(sample_rate), hop)
        memory = AR_MEMORY_MS * 1e-3 * sample_rate
        self._forget = 1 - np.exp(-self._part / memory)
        # The mean is as late as its memory is long.
        self._waiting = deque[float](
            maxlen=max(1, round((latency_samples - memory) / hop))
        )
        self.reset()

    def share(self, clip: Clip) -> float:
        """Takes a block in; the share of the block that leaves."""
        counts = (clip.sign.reshape(-1, self._part) != 0).sum(axis=1)
        for count in counts[counts > 0] / self._part:
            self._clipped += self._forget * (count - self._clipped)
            self._squared += self._forget * (count * count - self._squared)
        severity = self._squared / self._clipped
        share = self._waiting[0]
        self._waiting.append(AR_SHARE * max(0.0, 1 - severity / AR_LIMIT))
        return share

    def reset(self) -> None:
        self._clipped, self._squared = 1.0, AR_LIMIT
        self._waiting.extend([0.0] * (self._waiting.maxlen or 1))


def _spade(window: int, schedule: Schedule) -> OverlapAdd:
    sine = sine_window(window)
    return OverlapAdd(SpadeFrame(window, schedule), window // 4, sine, sine)


def _weights(sparsity: NDArray[np.float64], sharpness: float) -> Samples:
    """Weights that sum to one, larger where the sound is sparser."""
    raw = (sparsity / sparsity.min()) ** -sharpness
    return (raw / raw.sum()).astype(np.float32)


def lengths(sample_rate: int, lengths_ms: Sequence[float]) -> list[int]:
    """The frame lengths in samples, increasing, each once."""
    return sorted({window_for(sample_rate, ms) for ms in lengths_ms})


def make(sample_rate: int, growth: float = 0.03, threads: int = 0) -> Best:
    """``best`` for ``sample_rate``; settings as declared in ``METHOD``."""
    first, second = (lengths(sample_rate, ms) for ms in (FIRST_MS, SECOND_MS))
    light = ar.METHOD.build(sample_rate) if sample_rate <= SPEECH_HZ else None
    return Best(sample_rate, first, second, light, growth, threads or cores())


METHOD = Method(
    name="best",
    summary="The most quality, for files: A-SPADE at five frame lengths, refined.",
    make=make,
    settings=(
        Setting("growth", 0.03, "A-SPADE's schedule; smaller is slower", "", 0.01, 0.3),
        Setting(
            "threads", 0, "cores to use; 0 uses all, the result is the same", "", 0, 64
        ),
    ),
    source="as aspade and ar; the second pass and the mixing are this project's own",
)
