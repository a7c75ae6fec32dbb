"""best: the most quality, for files, where latency does not matter.

Two passes. The first is A-SPADE at five frame lengths, 30 to 480 ms, averaged; they
err differently, so the mean is better than any. The second restores anew by the spectra
which that mean leads to expect (``refine``), with 60 and 480 ms frames, for music 240
too. Both mix by how sparse the sound is at each length: long frames for tones, short
ones for speech and attacks. Where clipping is light, linear prediction joins: for
speech (up to 24 kHz) ``ar``, for music that is tonal a pass that starts from the first
one's mean (``refine_ar``).

On the test music, over A-SPADE in frames of 8192: +1.3 dB at 1 dB input SDR, +1.6 at 3,
+1.7 at 5 (``python -m bench.aspade --only best``), and, on 2 s of each, +1.5 at 15
and +1.6 at 20; on speech, over the best single A-SPADE, +0.1 to +0.6, and +2 dB at 15.

At 16 kHz two networks correct what is like speech (``best_network``): +1.8 dB at 0.2 of
the peak. It streams like every processor: a file of any length takes the same memory.
Latency: about 0.7 s. Cost: RTF 0.5 of one core for a heavily clipped channel of music
(worst piece 0.8), 0.25 of speech; the frame lengths run on all cores.

It is not better everywhere: one of twelve test pieces, a hand drum, loses 6 dB to
A-SPADE of 8192 samples at 20 dB input SDR (short frames look sparser there, restore
worse, and pull the mean down). Weights by the error at reliable samples that a second,
lower clip hides would be 0.1 to 0.2 dB better in the first pass, 1.7 on one piece, for
twice its time.

What did not win: a third pass (+0.4 dB below 4 dB input SDR, −0.4 above 6); 87.5 %
overlap in the second; priors smoothed over 5 bins or 7 frames, or with the spread of
the first pass added; an exponent of 0.5 to 0.7 on the priors; growth below 0.015 in the
first pass; the first pass's mean in the result. Joint stereo sparsity was not tried:
the audio at hand is mono.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.processors import ar, janssen
from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.best_parts import (
    Fade,
    LateClip,
    Prediction,
    SecondPass,
    Severity,
)
from rtdeclip.processors.model_card import Card, model_cards
from rtdeclip.processors.refine import Sparsity
from rtdeclip.processors.spade_kernel import Schedule, SpadeFrame
from rtdeclip.processors.spade_signal import cores
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.ftz import flush_denormals, restore_denormals
from rtdeclip.stream.overlap_add import OverlapAdd, sine_window
from rtdeclip.stream.processor import Method, Processor, Setting
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.types import Samples

NETWORK, BESIDE = "hybrid-best", "hybrid-speech-16k"
SPEECH_HZ = 24000
FIRST_MS = (30.0, 60.0, 120.0, 240.0, 480.0)
LONGER = 2  # of these, beside the first: tells tones from speech
# Chosen on the test audio; twice or half as much changes less than 0.05 dB.
FIRST_SHARPNESS, SECOND_SHARPNESS = 4.0, 16.0  # weight = sparsity^−sharpness
MEMORY_S = 2.0  # of sparsity


@dataclass(frozen=True, slots=True)
class Recipe:
    """What differs between speech and music.

    Args:
        second_ms: frame lengths of the second pass, a choice of ``FIRST_MS``.
        levelled: whether its priors are trusted less, see ``prior_kernel``.
        first: A-SPADE's schedule.
    """

    second_ms: tuple[float, ...]
    levelled: bool
    first: Schedule


SPEECH = Recipe((60.0, 480.0), False, Schedule(0.03, epsilon=0.02))
MUSIC = Recipe((60.0, 240.0, 480.0), True, Schedule(0.015))


class Best:
    """A-SPADE at several frame lengths, and a second pass by its spectra.

    Args:
        sample_rate: Hz.
        first: frame lengths of the first pass, samples.
        second: frame lengths of the second pass, a choice of ``first``.
        light: joins where clipping is light, of a smaller latency; None: nothing does.
        prediction: frame length and order of linear prediction from the first pass,
            which joins where clipping is light; None: it does not.
        recipe: schedule of the first pass, priors of the second.
        threads: how many cores to use; the result is the same for any number.

    Attributes:
        shortness: how few coefficients short frames need against frames four times as
            long: 0.91 and more for 99 % of speech, less than 0.9 for tones; 1 at the
            start.
    """

    def __init__(
        self,
        sample_rate: int,
        first: Sequence[int],
        second: Sequence[int],
        light: Processor | None = None,
        prediction: tuple[int, int] | None = None,
        recipe: Recipe = SPEECH,
        threads: int = 1,
    ) -> None:
        self.hop = hop = max(first) // 4
        members = [fit_processor(_spade(w, recipe.first), hop, 0) for w in first]
        slowest = max(one.latency_samples for one in members)
        longest = max(*second, prediction[0] if prediction else 0)
        self.latency_samples = slowest + longest
        self._members = [fit_processor(one, hop, slowest) for one in members]
        memory = MEMORY_S * sample_rate
        self._sparsities = [Sparsity(w, hop, memory) for w in first]
        self._late = LateClip(hop, slowest)
        self._second = [
            SecondPass(w, hop, longest - w, levelled=recipe.levelled) for w in second
        ]
        self._chosen = [first.index(w) for w in second]
        self._light = fit_processor(light, hop, self.latency_samples) if light else None
        self._severity = Severity(sample_rate, hop, self.latency_samples)
        self._fade = Fade(hop)
        self._predicted = Prediction(*prediction, hop, longest) if prediction else None
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
        passes: list[SecondPass | Prediction] = [*self._second]
        if self._predicted:
            passes.append(self._predicted)
        seconds = self._each(
            lambda one: one.process(late.y, late.sign, late.bound, self._estimate),
            passes,
        )
        self._mix(seconds[: len(self._second)], sparsity[self._chosen])
        if self._predicted:
            self._mixed += seconds[-1] - self._predicted.share * self._mixed
        if self._light:
            self._fade.mix(self._mixed, wets[-1], self._severity.share(clip))
        return self._mixed

    def reset(self) -> None:
        """Forgets all audio."""
        parts: list[Any] = [*self._members, *self._sparsities, *self._second]
        for part in parts:
            part.reset()
        for other in (self._light, self._predicted):
            if other:
                other.reset()
        self._late.reset()
        self._severity.reset()
        self._weights = np.full(len(self._second), 1 / len(self._second), np.float32)
        self._fade.reset()
        self.shortness = 1.0

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
        self.shortness = float(sparsity[: LONGER + 1][-1] / sparsity[0])
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


def make(
    sample_rate: int, growth: float = 0.0, threads: int = 0, network: str = "on"
) -> Processor:
    """``best`` for ``sample_rate``; settings as declared in ``METHOD``."""
    speech = sample_rate <= SPEECH_HZ
    recipe = SPEECH if speech else MUSIC
    if growth:
        recipe = replace(recipe, first=replace(recipe.first, growth=growth))
    made = Best(
        sample_rate,
        lengths(sample_rate, FIRST_MS),
        lengths(sample_rate, recipe.second_ms),
        ar.METHOD.build(sample_rate) if speech else None,
        None if speech else janssen.frame_for(sample_rate),
        recipe,
        threads or cores(),
    )
    cards = _networks_for(sample_rate) if network == "on" else {}
    if NETWORK not in cards:
        return made
    from rtdeclip.processors.best_network import Corrected  # imports onnxruntime

    return Corrected(made, cards[NETWORK], sample_rate, cards.get(BESIDE))


def _networks_for(sample_rate: int) -> dict[str, Card]:
    """Cards by name: of the network that corrects the result at this rate, and of the
    one whose result is averaged with that; of those that are there."""
    return {
        folder.name: card
        for folder, card in model_cards()
        if folder.name in (NETWORK, BESIDE)
        and isinstance(card, Card)
        and sample_rate in card.rates
    }


METHOD = Method(
    name="best",
    summary="The most quality, for files: A-SPADE at five frame lengths, refined.",
    make=make,
    settings=(
        Setting(
            "growth",
            0.0,
            "A-SPADE's schedule, 0.01 to 0.3; smaller is slower; 0: 0.03 for speech, "
            "0.015 for music",
            "",
            0.0,
            0.3,
        ),
        Setting(
            "threads", 0, "cores to use; 0 uses all, the result is the same", "", 0, 64
        ),
        Setting(
            "network",
            "on",
            f"speech is corrected by {NETWORK} and {BESIDE}, at their rates",
            choices=("on", "off"),
        ),
    ),
    source="as aspade, ar, janssen; second pass and mixing are this project's own",
)
