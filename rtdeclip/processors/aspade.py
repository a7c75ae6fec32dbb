"""aspade: sparse declipping frame by frame, the classical reference of the papers.

Each frame is made as sparse as possible in frequency while its reliable samples stay
and its clipped ones reach their bound (Kitić, Bertin, Gribonval 2015, doi
10.1007/978-3-319-22482-4_28; iteration in ``spade_kernel``). Differences to the paper:
sparsity grows geometrically, which bounds the time of a frame; the end of a frame is
relative to its level; sine windows, +0.4 dB over Hann on music.

Latency: ``window_ms`` (the frame is the next power of two). The window decides the
quality: music gains 1 to 1.5 dB for each doubling up to 4096 samples at 44.1 kHz. Cost:
about 1 µs per iteration at 1024 samples and at most 290 iterations a frame; frames
without clipped samples cost nothing. Thresholds learned per bin, the mean spectrum of
speech to a power, gain less than 0.1 dB on speech and were left out. It fails where a
frame is not sparse: noise, drums, and at 1 dB input, where too little is reliable.
"""

import math

from rtdeclip.processors.simd_fft import RADICES
from rtdeclip.processors.spade_kernel import Schedule, SpadeFrame
from rtdeclip.stream.overlap_add import OverlapAdd, sine_window
from rtdeclip.stream.processor import Method, Rung, Setting


def window_for(sample_rate: int, window_ms: float) -> int:
    """The frame length nearest to ``window_ms`` (in octaves) that has a kernel.

    Example:
        >>> window_for(44100, 25.0), window_for(16000, 25.0), window_for(48000, 93.0)
        (1024, 512, 4096)
    """
    wanted = 2 ** round(math.log2(sample_rate * window_ms / 1000))
    return min(max(wanted, min(RADICES)), max(RADICES))


def make(
    sample_rate: int,
    window_ms: float = 25.0,
    overlap: str = "75",
    growth: float = 0.015,
) -> OverlapAdd:
    """A-SPADE as a streaming processor of one channel.

    Args:
        sample_rate: Hz.
        window_ms: frame length, rounded to a power of two of samples.
        overlap: of the frames, ``"75"`` or ``"50"`` %.
        growth: sparsity grows by this share per iteration.
    """
    window = window_for(sample_rate, window_ms)
    hop = window // {"75": 4, "50": 2}[overlap]
    sine = sine_window(window)
    return OverlapAdd(SpadeFrame(window, Schedule(growth)), hop, sine, sine)


METHOD = Method(
    name="aspade",
    summary="sparse frames (A-SPADE): the best classical method at low latency",
    make=make,
    settings=(
        Setting(
            "window_ms",
            25.0,
            "frame length and latency, rounded to a power of two of samples: 23, 46, "
            "93 ms at 44.1 kHz, 16, 32, 64 ms at 16 kHz; longer is better for music",
            unit="ms",
            low=5.0,
            high=400.0,
        ),
        Setting(
            "overlap",
            "75",
            "of the frames in %; 50 halves the cost and loses about 0.4 dB",
            choices=("50", "75"),
        ),
        Setting(
            "growth",
            0.015,
            "sparsity grows by this share per iteration; 0.03 costs 0.6 and 0.1 a "
            "quarter of 0.015, for up to 0.4 and 1.5 dB",
            low=0.005,
            high=0.3,
        ),
    ),
    source="Kitić, Bertin, Gribonval 2015, doi 10.1007/978-3-319-22482-4_28",
    # Measured by: python -m bench.ladder
    rungs=(
        Rung(
            (("window_ms", 25.0), ("growth", 0.1)),
            0.0042,
            (14.10, 13.62, 12.73, 10.07, 6.73),
            high_hz=24000,
        ),
        Rung(
            (("window_ms", 25.0), ("growth", 0.03)),
            0.0081,
            (15.15, 14.58, 13.60, 11.25, 7.39),
            high_hz=24000,
        ),
        Rung(
            (("window_ms", 25.0),),
            0.0118,
            (15.44, 14.59, 13.79, 11.25, 7.59),
            high_hz=24000,
        ),
        Rung(
            (("window_ms", 64.0),),
            0.0134,
            (16.20, 15.46, 14.18, 11.31, 8.22),
            high_hz=24000,
        ),
        Rung(
            (("window_ms", 25.0), ("growth", 0.1)),
            0.0111,
            (9.94, 10.10, 9.97, 7.12, 6.74),
            low_hz=24001,
        ),
        Rung(
            (("window_ms", 25.0), ("growth", 0.03)),
            0.0229,
            (12.07, 12.09, 11.67, 8.11, 7.70),
            low_hz=24001,
        ),
        Rung(
            (("window_ms", 25.0),),
            0.0318,
            (11.58, 11.60, 11.81, 8.16, 7.80),
            low_hz=24001,
        ),
        Rung(
            (("window_ms", 46.0),),
            0.0377,
            (11.44, 11.73, 12.93, 8.99, 9.04),
            low_hz=24001,
        ),
    ),
)
