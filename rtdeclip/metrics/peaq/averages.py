"""From frames to one number per variable (BS.1387-1, annex 2, section 5.2)."""

from dataclasses import dataclass

import numpy as np

from rtdeclip.metrics._check import Float64s
from rtdeclip.metrics.peaq.ear import FRAMES_PER_S
from rtdeclip.metrics.peaq.variables import WIDE_FROM_BIN

SETTLING = int(np.ceil(0.5 * FRAMES_PER_S))  # frames until the filters have settled
AFTER_ONSET = int(np.ceil(0.05 * FRAMES_PER_S))
AUDIBLE_SONE = 0.1
WINDOW = 4  # frames, about 100 ms
DISTORTED = 10.0**0.15  # noise 1.5 dB above the mask


@dataclass(frozen=True, slots=True)
class Track:
    """One channel's variables, a row per frame."""

    bandwidths: Float64s
    nmr_mean: Float64s
    nmr_max: Float64s
    difference_1: Float64s
    difference_2: Float64s
    weight: Float64s
    noise_loudness: Float64s
    loudness: Float64s
    harmonic: Float64s
    chance: Float64s
    steps: Float64s


def average(tracks: list[Track], skipped: int) -> Float64s:
    """The 11 variables in the network's order, ``(11,)``.

    Args:
        tracks: one per channel.
        skipped: frames of silence before the first one; they count as settling.
    """
    delay = max(0, SETTLING - skipped)
    onset = max(delay, _onset(tracks) + AFTER_ONSET)
    each = np.mean([_of_channel(track, delay, onset) for track in tracks], axis=0)
    wide, total, window, ehs, first, second, noise, share = np.split(
        each, [2, 3, 4, 5, 6, 7, 8]
    )
    steps, filtered = _detected(tracks)
    return np.concatenate(
        [wide, total, window, [steps], ehs, first, second, noise, [filtered], share]
    )


def _of_channel(track: Track, delay: int, onset: int) -> Float64s:
    wide = track.bandwidths[:, 0] > WIDE_FROM_BIN
    widths = track.bandwidths[wide].mean(axis=0) if wide.any() else np.zeros(2)
    weight = track.weight[delay:]
    loud = track.noise_loudness[onset:]
    heard = track.harmonic[track.harmonic >= 0.0]
    return np.array(
        [
            *widths,
            10.0 * np.log10(track.nmr_mean.mean()),
            _windowed(track.difference_1[delay:]),
            1000.0 * heard.mean() if len(heard) else 0.0,
            _weighted(track.difference_1[delay:], weight),
            _weighted(track.difference_2[delay:], weight),
            np.sqrt(np.mean(loud**2)) if len(loud) else 0.0,
            np.mean(track.nmr_max > DISTORTED),
        ]
    )


def _windowed(x: Float64s) -> float:
    """√ of the mean fourth power of the sliding mean of √x."""
    if len(x) < WINDOW:
        return 0.0
    means = np.convolve(np.sqrt(x), np.full(WINDOW, 1.0 / WINDOW), "valid")
    return float(np.sqrt(np.mean(means**4)))


def _weighted(x: Float64s, weight: Float64s) -> float:
    return float(x @ weight / weight.sum()) if len(x) else 0.0


def _onset(tracks: list[Track]) -> int:
    """First frame in which a channel of both signals is loud enough to hear."""
    loud = [(track.loudness > AUDIBLE_SONE).all(axis=1) for track in tracks]
    heard = np.logical_or.reduce(loud)
    return int(heard.argmax()) if heard.any() else len(heard)


def _detected(tracks: list[Track]) -> tuple[float, float]:
    """Average distorted block and maximum filtered chance of detection."""
    chance = np.maximum.reduce([track.chance for track in tracks])
    steps = np.maximum.reduce([track.steps for track in tracks]).sum(axis=1)
    total = 1.0 - np.prod(1.0 - chance, axis=1)
    highest = filtered = 0.0
    for p in total:
        filtered = 0.9 * filtered + 0.1 * float(p)
        highest = max(highest, filtered)
    distorted = steps[total > 0.5]
    if not len(distorted):
        return 0.0, highest
    mean = float(distorted.mean())
    return (float(np.log10(mean)) if mean > 0.0 else -0.5), highest
