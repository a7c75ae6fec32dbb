"""Test protocols by name: how a clean file becomes a test item.

A protocol is words joined by ``+``, applied in order::

    fraction=0.2          clip at 0.2 of the peak (Lasry and Feldinger)
    sdr=7                 clip to an input SDR of 7 dB (Záviška et al. 2021)
    level=0.3             clip at 0.3 of full scale
    gain=20               20 dB up, then clip at full scale (Imort et al. 2022)
    tanh=20               20 dB up, then tanh
    overdrive=20:20       SoX's overdrive, gain 20 dB, colour 20
    noise=0.01            white noise of this standard deviation (before clipping)
    wet=0.5               half of what came before, half of the clean file
    peak=1                the clean file scaled to this peak (comes first)
    bits=16               rounded to so many bits and held within ±1, as in a file
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtdeclip.distortion import (
    add_noise,
    clip,
    clip_at_fraction,
    clip_to_sdr,
    clip_with_gain,
    overdrive,
    saturate,
    with_dry,
)
from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.types import Samples

WORDS = (
    "fraction",
    "sdr",
    "level",
    "gain",
    "tanh",
    "overdrive",
    "noise",
    "wet",
    "peak",
    "bits",
)


@dataclass(frozen=True, slots=True)
class Item:
    """A test item.

    Args:
        target: what a perfect restorer returns, ``(n_samples,)`` float32.
        distorted: what it is given.
        levels: the true clip levels, or None where there are none (soft curves).
    """

    target: Samples
    distorted: Samples
    levels: list[LevelSchedule] | None


def apply(protocol: str, clean: Samples, seed: int = 0) -> Item:
    """The test item of one clean channel.

    Args:
        protocol: see the module.
        clean: ``(n_samples,)`` float32.
        seed: of the noise.

    Raises:
        SettingError: an unknown word or a value out of range.
    """
    steps = parse(protocol)
    if steps[0][0] == "peak":
        clean = _scaled(clean, steps[0][1][0])
    target, y = clean, clean
    levels: list[LevelSchedule] | None = None
    for word, values in steps:
        if word in ("fraction", "sdr", "level", "gain"):
            done = {
                "fraction": lambda y, v: clip_at_fraction(y, v),
                "sdr": lambda y, v: clip_to_sdr(y, v),
                "level": lambda y, v: clip(y, v),
                "gain": lambda y, v: clip_with_gain(y, v, 1.0),
            }[word](y, values[0])
            target = (target * 10 ** (done.gain_db / 20)).astype(np.float32)
            y = done.audio
            levels = _levels(len(y), done.high, done.low)
        elif word == "tanh":
            y = saturate(y, values[0]).audio
        elif word == "overdrive":
            y = overdrive(y, *values).audio
        elif word == "noise":
            y = add_noise(y, values[0], seed)
        elif word == "wet":
            # The clean file itself is in it: that is what to restore, at its level.
            target, y, levels = clean, with_dry(clean, y, values[0]), None
        elif word == "bits":
            y = _rounded(y, values[0])
            if levels:
                ends = _rounded(np.array([y.max(), -y.min()], np.float32), values[0])
                levels = _levels(len(y), *(float(end) for end in ends))
    return Item(target, y, levels)


def _scaled(x: Samples, peak: float) -> Samples:
    loudest = float(np.abs(x).max(initial=0.0))
    if not (peak > 0 and loudest > 0):
        raise SettingError(
            f"peak={peak} of audio whose peak is {loudest}: both must be above 0."
        )
    return (x * (peak / loudest)).astype(np.float32)


def _rounded(x: Samples, bits: float) -> Samples:
    if not 2 <= bits <= 24:
        raise SettingError(f"bits={bits}; choose 2 to 24.")
    steps = 2.0 ** (bits - 1)
    whole = np.clip(np.rint(np.asarray(x, np.float64) * steps), -steps, steps - 1)
    return (whole / steps).astype(np.float32)


def _levels(n: int, high: float, low: float) -> list[LevelSchedule]:
    whole = Segment(0, n, Plateau.digital(high), Plateau.digital(low))
    return [LevelSchedule((whole,))]


def parse(protocol: str) -> Sequence[tuple[str, tuple[float, ...]]]:
    """Words and their numbers.

    Raises:
        SettingError: not of the form, with the words that are known.

    Example:
        >>> parse("noise=0.01+sdr=7")
        [('noise', (0.01,)), ('sdr', (7.0,))]
    """
    steps: list[tuple[str, tuple[float, ...]]] = []
    for part in protocol.split("+"):
        word, _, numbers = part.partition("=")
        try:
            values = tuple(float(number) for number in numbers.split(":"))
        except ValueError:
            values = ()
        fits = len(values) == (2 if word == "overdrive" else 1)
        if word not in WORDS or not fits or (word == "peak" and steps):
            raise SettingError(
                f"The protocol {protocol!r} has {part!r}; write words like "
                f"fraction=0.2, sdr=7, overdrive=20:20, joined by +, peak first. "
                f"Known: {', '.join(WORDS)}."
            )
        steps.append((word, values))
    return steps
