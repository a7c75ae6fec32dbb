"""Samples that go missing at random, the louder the likelier (paper of not-MIWAE).

Tousnakhoff and Aguié, "Audio declipping with not-MIWAE", 2025: a sample is observed
with the probability σ(−W(|x| − b)), x scaled so that the frame's peak is 1. It is a
soft picture of clipping: unlike clipping, it also loses samples below b.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.distortion._check import as_audio, peak_of, require
from rtdeclip.types import Samples


@dataclass(frozen=True, slots=True)
class Missing:
    """Audio with holes.

    Attributes:
        audio: float32, shape of the input; missing samples are 0.
        observed: bool, same shape: True where the sample is there.
        steepness: W of the logistic curve.
        midpoint: b, as a share of the peak: half of the samples this loud are lost.
        peak: the magnitude that ``midpoint`` is a share of.
    """

    audio: Samples
    observed: NDArray[np.bool_]
    steepness: float
    midpoint: float
    peak: float


def lose_samples(
    x: NDArray[Any], steepness: float, midpoint: float, seed: int
) -> Missing:
    """``x`` with samples set to 0 by the logistic law; give one frame for the paper's.

    Args:
        x: audio; its peak over all channels is taken as 1.
        steepness: W, 0 (half of all samples) to 10⁶ (all above the midpoint).
        midpoint: b, 0 to 1.
        seed: the same seed loses the same samples.

    Raises:
        InputError: the audio is silent, empty, misshapen or not finite.
        SettingError: W or b is out of range.
    """
    require("steepness W", steepness, 0.0, 1e6)
    require("midpoint b", midpoint, 0.0, 1.0)
    clean = as_audio(x)
    peak = peak_of(clean)
    # 700 keeps exp() finite; the probability there is 0 to 300 decimals.
    slope = np.minimum(steepness * (np.abs(clean) / peak - midpoint), 700.0)
    chance = 1.0 / (1.0 + np.exp(slope))
    observed = np.random.default_rng(seed).random(clean.shape) < chance
    audio = np.where(observed, clean, 0.0).astype(np.float32)
    return Missing(audio, observed, steepness, midpoint, peak)
