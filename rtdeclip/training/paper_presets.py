"""The papers' networks against clipping and overdrive, as they are trained here.

Narrower than the papers' own, and minutes of one CPU core instead of days of a GPU; so
the learning rates are higher than theirs (3e-4, Wave-U-Net 1e-4). The shipped ones were
trained for fewer minutes than these presets say: for those that their cards state.
"""

from dataclasses import replace
from typing import Any

from rtdeclip.training.distort import Distortions, Rule
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets import (
    crafx,
    deep_filter,
    demucs,
    open_unmix,
    rnn,
    wave_u_net,
)

# Lasry and Feldinger: windows of 1 s that hold a clipped sample, the level a fifth of
# the peak of something longer; mean squared error.
FIFTH = Distortions((Rule("fraction", 0.2, 0.2),), clipped_only=True)

# Imort et al.: clipped after a gain (CEG-HC) or to an input SDR (SignalTrain-HC), and
# overdrive (CEG-OD); half of the pieces are sums of two, because notes make no chords.
CLIP = Distortions(
    (Rule("gain", 20.0, 50.0, peak=1.0, share=0.4), Rule("sdr", 1.0, 20.0, share=0.6)),
    sum_share=0.5,
)
# Their experiment with dry signal beside the clipped, and the same without any.
DRY = Distortions(
    (
        Rule("gain", 20.0, 50.0, peak=1.0, driest=0.85, share=0.6),
        Rule("gain", 20.0, 50.0, peak=1.0, share=0.4),
    ),
    sum_share=0.5,
)
OVERDRIVE = Distortions((Rule("overdrive", 20.0, 50.0, peak=0.5),), sum_share=0.5)

# Ours: for whom the exact inverse does not know the curve. Overdrive, tanh and hard
# clipping, alone and beside up to as much dry signal.
ANY_CURVE = Distortions(
    (
        Rule("overdrive", 10.0, 45.0, peak=0.5, driest=0.5, share=0.4),
        Rule("tanh", 0.0, 30.0, peak=1.0, driest=0.5, share=0.4),
        Rule("gain", 6.0, 30.0, peak=1.0, driest=0.5, share=0.2),
    ),
    sum_share=0.5,
)

_SECOND: Any = {
    "chunk": 16000,
    "overlap": 0.5,
    "window": "flat",
    "normalisation": "peak",
}
_WINDOWS = Plan(
    "demucs-paper",
    16000,
    demucs.Shape(width=16, depth=4, **_SECOND),
    loss="mse",
    batch=8,
    segment_samples=16000,
    rate=2e-3,
    minutes=6.0,
    family="demucs",
    optimiser="adam",
    distortions=FIFTH,
)
_DEMUCS_1M = Plan(
    "demucs-1m",
    16000,
    demucs.Shape(width=32, depth=3, normalisation="fitted"),
    loss="si_sdr",
    batch=8,
    rate=2e-3,
    minutes=10.0,
    family="demucs",
    optimiser="adam",
    distortions=CLIP,
)
_WAVE_U_NET = replace(
    _DEMUCS_1M,
    name="wave-u-net",
    shape=wave_u_net.Shape(width=10, normalisation="fitted"),
    batch=4,
    family="wave-u-net",
)
_OPEN_UNMIX = replace(
    _DEMUCS_1M,
    name="open-unmix",
    shape=open_unmix.Shape(hidden=128, normalisation="fitted"),
    segment_samples=32768,
    minutes=5.0,
    family="open-unmix",
)
_CRAFX = replace(
    _DEMUCS_1M,
    name="crafx",
    shape=crafx.Shape(bands=16, hidden=32, residual=True, normalisation="fitted"),
    batch=4,
    minutes=10.0,
    family="crafx",
)


def _overdriven(plan: Plan, minutes: float) -> Plan:
    """The same network for overdrive, where no sample is known to be reliable.

    The curve bends at a fixed level, so the signal keeps its own.
    """
    return replace(
        plan,
        name=f"{plan.name}-overdrive",
        loss="sdr",
        shape=replace(plan.shape, clipped_only=False, normalisation="none"),
        distortions=OVERDRIVE,
        minutes=minutes,
    )


_PLANS = (
    _WINDOWS,
    replace(
        _WINDOWS,
        name="rnn-paper",
        shape=rnn.Shape(residual=True, **_SECOND),
        minutes=6.0,
        family="rnn",
    ),
    _DEMUCS_1M,
    _overdriven(_DEMUCS_1M, 20.0),
    replace(_overdriven(_DEMUCS_1M, 12.0), name="demucs-1m-all", distortions=ANY_CURVE),
    _WAVE_U_NET,
    _overdriven(_WAVE_U_NET, 20.0),
    replace(
        _WAVE_U_NET,
        name="wave-u-net-dry",
        shape=wave_u_net.Shape(width=10, clipped_only=False),
        loss="sdr",
        distortions=DRY,
    ),
    _OPEN_UNMIX,
    _overdriven(_OPEN_UNMIX, 5.0),
    replace(
        _OPEN_UNMIX,
        name="open-unmix-causal",
        shape=open_unmix.Shape(hidden=96, two_way=False, normalisation="fitted"),
    ),
    _CRAFX,
    _overdriven(_CRAFX, 10.0),
    Plan(
        "deep-filter",
        16000,
        deep_filter.Shape(hidden=128),
        loss="sdr",
        batch=8,
        rate=2e-3,
        minutes=10.0,
        family="deep-filter",
        optimiser="adam",
        distortions=Distortions(
            (
                Rule("fraction", 0.05, 0.9, share=0.5),
                Rule("fraction", 0.2, 0.2, share=0.5),
            )
        ),
    ),
)

PAPER_PRESETS: dict[str, Plan] = {plan.name: plan for plan in _PLANS}
