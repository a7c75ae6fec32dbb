"""``peaq``: the whole measurement, a group of frames after the other."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError
from rtdeclip.metrics._check import Float64s, as_pair
from rtdeclip.metrics.peaq.averages import Track, average
from rtdeclip.metrics.peaq.ear import (
    FRAME,
    HOP,
    SAMPLE_RATE,
    Bands,
    FftEar,
    frames_with_sound,
    make_bands,
)
from rtdeclip.metrics.peaq.network import NAMES, grade
from rtdeclip.metrics.peaq.patterns import Adaptation, Modulation, loudness
from rtdeclip.metrics.peaq.variables import (
    HarmonicStructure,
    bandwidths,
    detection,
    modulation_differences,
    noise_loudness,
    noise_to_mask,
)

FRAMES_AT_ONCE = 256  # bounds the memory on long files


@dataclass(frozen=True, slots=True)
class Peaq:
    """The grade and what it was made from.

    Attributes:
        odg: objective difference grade: about 0.2 imperceptible, −1 perceptible but
            not annoying, −4 very annoying. Its range is [−3.98, 0.22].
        di: distortion index, the same before the last sigmoid.
        movs: the 11 model output variables by their names in the standard.
    """

    odg: float
    di: float
    movs: dict[str, float]

    @property
    def five_grade(self) -> float:
        """ODG + 5: on the scale of BS.1116 from 1 (very annoying) to 5 (the same)."""
        return self.odg + 5.0


def peaq(reference: NDArray[Any], test: NDArray[Any], sample_rate: int) -> Peaq:
    """The grade of ``test`` against ``reference``, PEAQ basic version.

    The level matters: full scale is taken as 92 dB SPL; do not normalise. Distrust the
    grade where both bandwidths are 0: a reference that is as loud above 21.6 kHz as
    below (white noise) is outside of what the network was trained on.

    Args:
        reference: ``(n_samples,)`` or ``(n_samples, n_channels)``, full scale ±1.
        test: same shape, in step with it to the sample.
        sample_rate: 48000 Hz.

    Raises:
        InputError: another rate (resample both first), more than two channels, shapes
            differ, a signal not finite, the test silent, or no frame of the reference
            with sound.
    """
    if sample_rate != SAMPLE_RATE:
        raise InputError(
            f"PEAQ is defined at 48000 Hz, the audio has {sample_rate} Hz; resample "
            "both signals first."
        )
    x, z = (s.reshape(len(s), -1) for s in as_pair(reference, test))
    if x.shape[1] > 2:
        raise InputError(
            f"PEAQ is defined for one or two channels, the audio has {x.shape[1]}; "
            "choose two of them."
        )
    first, end = frames_with_sound(x)
    if first == end:
        raise InputError(
            "The reference is silent or far too short for PEAQ; give sound of at "
            "least 43 ms, better 5 s."
        )
    if not z.any():
        raise InputError(
            "The test signal is silent, for which PEAQ's network was never trained; "
            "give the restored sound."
        )
    bands = make_bands()
    tracks = [
        _track(np.stack(channel), first, end, bands)
        for channel in zip(x.T, z.T, strict=True)
    ]
    movs = average(tracks, skipped=first)
    di, odg = grade(movs)
    return Peaq(odg, di, dict(zip(NAMES, movs.tolist(), strict=True)))


def _track(pair: Float64s, first: int, end: int, bands: Bands) -> Track:
    """One channel's variables; ``pair`` is ``(2, n_samples)``."""
    ear, adaptation, modulation = FftEar(bands), Adaptation(bands), Modulation(bands)
    harmonic = HarmonicStructure()
    parts = []
    for frames in _groups(pair, first, end):
        heard = ear.hear(frames)
        adapted = adaptation.adapt(heard.excitation)
        moving, mean = modulation.measure(heard.unsmeared)
        parts.append(
            Track(
                bandwidths(heard.power),
                *noise_to_mask(heard.noise, heard.excitation),
                *modulation_differences(moving, mean, bands),
                noise_loudness(moving, adapted, bands),
                loudness(heard.excitation, bands),
                harmonic.measure(heard.power, frames),
                *detection(heard.excitation),
            )
        )
    columns = ([getattr(p, field.name) for p in parts] for field in fields(Track))
    return Track(*(np.concatenate(column) for column in columns))


def _groups(pair: Float64s, first: int, end: int) -> Iterator[Float64s]:
    """Frames ``(n, 2, 2048)``; beyond the end of the signal there is silence."""
    for start in range(first, end, FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, end)
        part = pair[:, start * HOP : (stop - 1) * HOP + FRAME]
        missing = (stop - 1 - start) * HOP + FRAME - part.shape[1]
        part = np.pad(part, ((0, 0), (0, max(0, missing))))
        views = np.lib.stride_tricks.sliding_window_view(part, FRAME, axis=1)
        yield views[:, ::HOP].transpose(1, 0, 2)
