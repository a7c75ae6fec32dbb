"""Clean sound made worse on purpose: the degradations of the papers, pure functions.

Audio is ``(n_samples,)`` or ``(n_samples, n_channels)``, full scale ±1; every
function returns float32 and leaves its input alone. What was done (levels, masks,
gains) comes back in frozen dataclasses, so that it can be stored beside the audio.
"""

from rtdeclip.distortion.analogue import add_noise, high_pass
from rtdeclip.distortion.hard import (
    Clipped,
    clip,
    clip_at_fraction,
    clip_to_sdr,
    clip_with_gain,
    level_for_sdr,
)
from rtdeclip.distortion.missing import Missing, lose_samples
from rtdeclip.distortion.soft import Shaped, overdrive, saturate, with_dry

__all__ = [
    "Clipped",
    "Missing",
    "Shaped",
    "add_noise",
    "clip",
    "clip_at_fraction",
    "clip_to_sdr",
    "clip_with_gain",
    "high_pass",
    "level_for_sdr",
    "lose_samples",
    "overdrive",
    "saturate",
    "with_dry",
]
