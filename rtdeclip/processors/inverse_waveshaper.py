"""inverse-waveshaper: soft distortion undone sample by sample, exactly.

SoX's overdrive, tanh, and a hard clip with dry signal beside it are strictly
increasing in the present input sample, once the past is known: so the clean sample can
be computed from the distorted one, with no model of sound at all. From 16-bit files
that gives 70 to 80 dB, where the best network of Imort et al. (ISMIR 2022) reaches 26
to 33 dB on their demonstration clips. Latency 0; overdrive takes 5 to 50 ns a sample,
tanh with dry up to 130.

It fails where its premise does: the settings must be those of the distortion (see
``inverse-overdrive``, which finds them), nothing may have changed the signal since, and
samples that were cut at full scale afterwards come back at the least that they can have
been; a look-ahead lets ``inverse_filled`` restore them. From the middle of a recording
overdrive's unknown state fades in 10 to 100 ms.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from rtdeclip.distortion.soft import DC_POLE, DRY, WET
from rtdeclip.errors import SettingError
from rtdeclip.processors.bypass import default_hop
from rtdeclip.processors.inverse_filled import FilledInverse
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Processor, Setting
from rtdeclip.types import Samples

LARGEST_TANH = 1.0 - 2.0**-17  # half a step of 16 bits below 1, where atanh ends
STEPS = 40  # of Halley's method; 2 to 5 are taken


# Glossary: y distorted, x clean, steep dy/dx, g gain before the curve, c colour/200,
# A and B the shares of x and of the DC blocker's output o in y, u = g·x + c, d the
# cubic's output, K = 0.995·o − d of the last sample, all that the past leaves over:
#   y = A·x + B·(d(u) + K),  d(u) = u − u³/3 within ±1, ±2/3 beyond.
# Within ±1 that is u³ − 3p·u + r = 0, which has one root there:
#   u = 2√p · sin(asin(r / 2√p³) / 3).
def _invert_overdrive(
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    steep: NDArray[np.float64],
    state: NDArray[np.float64],
    gain: float,
    g: float,
    c: float,
    A: float,
    B: float,
) -> None:
    """``x`` and ``steep`` of ``y / gain``; ``state`` holds K, 0 at the start."""
    p = 1.0 + A / (g * B)
    size = 2.0 * math.sqrt(p)
    top = A * (1.0 - c) / g + B * 2.0 / 3.0
    bottom = A * (-1.0 - c) / g - B * 2.0 / 3.0
    K = state[0]
    for n in range(len(y)):
        v = y[n] / gain - B * K
        if v >= top:
            d, steep[n] = 2.0 / 3.0, A
            x[n] = (v - B * d) / A
        elif v <= bottom:
            d, steep[n] = -2.0 / 3.0, A
            x[n] = (v - B * d) / A
        else:
            r = 3.0 * (v + A * c / g) / B
            sine = min(1.0, max(-1.0, r / (size * p)))
            u = size * math.sin(math.asin(sine) / 3.0)
            d, steep[n] = u - u * u * u / 3.0, A + B * g * (1.0 - u * u)
            x[n] = (u - c) / g
        K = DC_POLE * K - (1.0 - DC_POLE) * d
    state[0] = K


def _invert_tanh(
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    gain: float,
    g: float,
    share: float,
) -> None:
    """``x`` of ``y / gain = share·tanh(g·x) + (1 − share)·x``."""
    dry = 1.0 - share
    for n in range(len(y)):
        v = abs(y[n] / gain)
        if dry == 0.0:
            root = math.atanh(min(v, LARGEST_TANH)) / g
        else:
            # Below the root, and the curve is concave: Newton climbs and never passes;
            # Halley takes longer steps, of which at most one passes.
            root = max(v / (share * g + dry), (v - share) / dry)
            for _ in range(STEPS):
                t = math.tanh(g * root)
                bend = share * g * (1.0 - t * t)
                slope = bend + dry
                step = (v - share * t - dry * root) / slope
                step /= max(0.5, 1.0 - step * g * t * bend / slope)
                root += step
                if abs(step) <= 1e-4 * root:  # the error is now near its cube
                    break
        x[n] = math.copysign(root, y[n])


def _invert_clip(
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    gain: float,
    g: float,
    level: float,
    share: float,
) -> None:
    """``x`` of ``y / gain = share·clip(g·x, ±level) + (1 − share)·x``, share < 1."""
    dry = 1.0 - share
    knee = share * level + dry * level / g
    for n in range(len(y)):
        v = abs(y[n] / gain)
        v = v / (share * g + dry) if v <= knee else (v - share * level) / dry
        x[n] = math.copysign(v, y[n])


_jit = njit(nogil=True, cache=True, error_model="numpy")
invert_overdrive = _jit(_invert_overdrive)
_invert_tanh_jit = _jit(_invert_tanh)
_invert_clip_jit = _jit(_invert_clip)


class InverseWaveshaper:
    """One channel, undistorted as it streams.

    Args:
        hop: samples per block.
        curve: ``overdrive``, ``tanh`` or ``clip``.
        gain_db: gain before the curve, dB; overdrive: 0 to 100.
        colour: overdrive's colour, 0 to 100.
        wet: share of the distorted signal in the mix, above 0 to 1.
        level: clip's level, linear, > 0.
        output_gain_db: gain that the distorted sound got afterwards, dB.

    Raises:
        SettingError: a gain that the curve cannot have, or a hard clip without any dry
            signal, which nothing can invert.
    """

    latency_samples = 0

    def __init__(
        self,
        hop: int,
        curve: str = "overdrive",
        gain_db: float = 20.0,
        colour: float = 20.0,
        wet: float = 1.0,
        level: float = 0.5,
        output_gain_db: float = 0.0,
    ) -> None:
        if curve == "overdrive" and gain_db < 0.0:
            raise SettingError(
                f"gain = {gain_db:g} dB is below what overdrive has; give 0 to 100 dB."
            )
        if curve == "clip" and wet == 1.0:
            raise SettingError(
                "curve=clip with wet=1 leaves nothing of the clipped samples to "
                "compute them from; give wet below 1, or use a declipper: aspade."
            )
        self.hop = hop
        self._curve, self._wet, self._level = curve, wet, level
        self._gain = 10.0 ** (gain_db / 20.0)
        self._colour = colour / 200.0
        self._output_gain = 10.0 ** (output_gain_db / 20.0)
        self._x = np.zeros(hop, np.float32)
        self._steep = np.zeros(hop)
        self._state = np.zeros(1)
        self.process(self._x.copy(), Clip(hop))
        self.reset()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """The clean block; see ``Processor.process``."""
        if self._curve == "tanh":
            _invert_tanh_jit(block, self._x, self._output_gain, self._gain, self._wet)
        elif self._curve == "clip":
            _invert_clip_jit(
                block, self._x, self._output_gain, self._gain, self._level, self._wet
            )
        elif self._gain == 1.0:  # SoX skips an overdrive of 0 dB
            np.divide(block, self._output_gain, out=self._x, casting="same_kind")
        else:
            invert_overdrive(
                block,
                self._x,
                self._steep,
                self._state,
                self._output_gain,
                self._gain,
                self._colour,
                1.0 - self._wet * (1.0 - DRY),
                self._wet * WET,
            )
        return self._x

    def reset(self) -> None:
        """The next block is the first of a recording."""
        self._state.fill(0.0)


def make(
    sample_rate: int,
    curve: str = "overdrive",
    gain: float = 20.0,
    colour: float = 20.0,
    wet: float = 1.0,
    level: float = 0.5,
    output_gain: float = 0.0,
    look_ahead: float = 0.0,
    hop: int = 0,
) -> Processor:
    """An inverse for ``sample_rate``; settings as declared in ``METHOD``."""
    inverse = InverseWaveshaper(
        hop or default_hop(sample_rate), curve, gain, colour, wet, level, output_gain
    )
    return FilledInverse(inverse, sample_rate, look_ahead) if look_ahead else inverse


METHOD = Method(
    name="inverse-waveshaper",
    summary="Undoes SoX overdrive, tanh, or clip + dry, if you know its settings.",
    make=make,
    settings=(
        Setting(
            "curve",
            "overdrive",
            "what distorted the sound",
            choices=("overdrive", "tanh", "clip"),
        ),
        Setting("gain", 20.0, "gain before the curve", "dB", -40.0, 100.0),
        Setting("colour", 20.0, "overdrive's colour", "", 0.0, 100.0),
        Setting("wet", 1.0, "share of the distorted signal", "", 0.001, 1.0),
        Setting("level", 0.5, "level of curve=clip, linear", "", 1e-4, 10.0),
        Setting("output_gain", 0.0, "gain after the distortion", "dB", -100.0, 100.0),
        Setting(
            "look_ahead",
            0.0,
            "future it sees to fill in samples cut at full scale, and the latency; 0: "
            "they come back at the least that they can have been",
            "ms",
            0.0,
            64.0,
        ),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    scope="all",
    source="SoX overdrive's formula inverted; Imort et al., ISMIR 2022 distort with it",
)
