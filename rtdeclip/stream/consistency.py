"""Delay, consistency and mixing of one channel: the host's promises in one kernel.

The restored ("wet") block arrives ``latency`` samples late; the input ("dry") and its
clip information wait for it here. Then

- reliable samples are the input, bit for bit;
- clipped samples are projected onto the set the true signal is known to be in,
  ``sign · x ≥ bound``. The set is convex and holds the truth, so a plain projection
  never lowers the SDR.

Output = dry_gain · dry + wet_gain · (x̂ − dry): (1, 1) restored, (1, 0) bypass, (0, 1)
repair only. Gains glide linearly, so that no switch clicks.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples

# A processor that passes a sample's bound by 40 dB has failed: dry is played.
_FAULT_FACTOR = np.float32(100.0)
_DRY, _WET, _DRY_TARGET, _WET_TARGET, _STEP = range(5)


def _wet_is_sound(
    wet: NDArray[np.float32],
    line_sign: NDArray[np.int8],
    line_bound: NDArray[np.float32],
    ceiling: np.float32,
    everywhere: bool,
) -> bool:
    """False when a sample that would be heard is not finite or absurdly large."""
    for i in range(len(wet)):
        if everywhere:
            if not abs(wet[i]) <= ceiling:
                return False
        elif line_sign[i] != 0 and not abs(wet[i]) <= _FAULT_FACTOR * line_bound[i]:
            return False
    return True


def _combine(
    block: NDArray[np.float32],
    sign: NDArray[np.int8],
    bound: NDArray[np.float32],
    wet: NDArray[np.float32],
    line: NDArray[np.float32],
    line_sign: NDArray[np.int8],
    line_bound: NDArray[np.float32],
    gains: NDArray[np.float32],
    consistent: bool,
    everywhere: bool,
    use_wet: bool,
    out: NDArray[np.float32],
) -> bool:
    """One hop; returns False when the wet block had to be replaced by dry.

    line*: ``(latency + hop,)``, oldest first; its first hop is what leaves now.
    """
    hop = len(block)
    latency = len(line) - hop
    peak = np.float32(1.0)
    for i in range(hop):
        line[latency + i] = block[i]
        line_sign[latency + i] = sign[i]
        line_bound[latency + i] = bound[i]
        peak = max(peak, abs(line[i]))
    sound = True
    if use_wet:
        sound = _wet_is_sound_jit(
            wet,
            line_sign,
            line_bound,
            _FAULT_FACTOR * peak,
            everywhere or not consistent,
        )
    for i in range(hop):
        dry = line[i]
        mark = line_sign[i]
        x = dry
        if use_wet and sound:
            if everywhere:
                x = wet[i]
            elif mark != 0:
                x = wet[i]
                if consistent and mark * x < line_bound[i]:
                    x = mark * line_bound[i]
            elif not consistent:
                x = wet[i]
        for g in range(2):
            if gains[g] < gains[g + 2]:
                gains[g] = min(gains[g] + gains[_STEP], gains[g + 2])
            elif gains[g] > gains[g + 2]:
                gains[g] = max(gains[g] - gains[_STEP], gains[g + 2])
        if gains[_WET] == 1.0 and gains[_DRY] == 1.0:
            out[i] = x
        else:
            out[i] = gains[_DRY] * dry + gains[_WET] * (x - dry)
    for i in range(latency):
        line[i] = line[i + hop]
        line_sign[i] = line_sign[i + hop]
        line_bound[i] = line_bound[i + hop]
    return sound


_wet_is_sound_jit = njit(nogil=True, cache=True)(_wet_is_sound)
_combine_jit = njit(nogil=True, cache=True)(_combine)


class Combiner:
    """One channel's delay line, projection and mix.

    Args:
        hop: samples per block.
        latency_samples: how late the wet block is.
        fade_samples: length of a full glide of the gains.
        consistent: False leaves every sample as the processor made it (the papers'
            raw rows).
        everywhere: the processor changes all samples (``scope = "all"``).
    """

    def __init__(
        self,
        hop: int,
        latency_samples: int,
        fade_samples: int,
        *,
        consistent: bool = True,
        everywhere: bool = False,
    ) -> None:
        size = hop + latency_samples
        self._line = np.zeros(size, np.float32)
        self._sign = np.zeros(size, np.int8)
        self._bound = np.zeros(size, np.float32)
        self._gains = np.array([1, 1, 1, 1, 1.0 / max(1, fade_samples)], np.float32)
        self._consistent = consistent
        self.everywhere = everywhere

    def process(
        self, block: Samples, clip: Clip, wet: Samples | None, out: Samples
    ) -> bool:
        """Mixes one hop into ``out``; False when wet was unusable and dry is played.

        Args:
            block: ``(hop,)`` float32, the input of now.
            clip: its masks.
            wet: ``(hop,)`` float32, the restored block of ``latency_samples`` ago;
                None plays dry.
            out: ``(hop,)`` float32, filled.
        """
        return bool(
            _combine_jit(
                block,
                clip.sign,
                clip.bound,
                out if wet is None else wet,
                self._line,
                self._sign,
                self._bound,
                self._gains,
                self._consistent,
                self.everywhere,
                wet is not None,
                out,
            )
        )

    def set_mix(self, dry: float, wet: float, *, glide: bool = True) -> None:
        """Sets the gains of dry and of the repair (linear), gliding unless told not."""
        self._gains[_DRY_TARGET], self._gains[_WET_TARGET] = dry, wet
        if not glide:
            self._gains[_DRY], self._gains[_WET] = dry, wet

    def reset(self) -> None:
        """Forgets all audio; gains jump to their targets."""
        for state in (self._line, self._sign, self._bound):
            state.fill(0)
        self._gains[_DRY] = self._gains[_DRY_TARGET]
        self._gains[_WET] = self._gains[_WET_TARGET]
