"""The trainings that made the shipped models, by name."""

from dataclasses import replace

from rtdeclip.errors import SettingError
from rtdeclip.training.degrade import Degradation
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets.causal_demucs import Shape
from rtdeclip.training.own_loss_presets import OWN_LOSS_PRESETS
from rtdeclip.training.paper_presets import PAPER_PRESETS

# Music and speech, and chords of several pieces.
_FULL_BAND = Plan(
    "hybrid-48k",
    44100,
    Shape((8, 4, 4, 2), estimate=True, partner=True, leak=0.0),
    Degradation(
        lowest=0.03, fixed_share=0.0, tilt_share=0.4, sum_share=0.35, most_added=3
    ),
    batch=8,
    segment_samples=32768,
    rate=6e-3,
    ema=0.998,
    windows_ms=(25.0,),
    also_hz=(48000,),
)

PRESETS: dict[str, Plan] = {
    "demucs-speech-16k": Plan("demucs-speech-16k", 16000, Shape(partner=True)),
    "hybrid-speech-16k": Plan(
        "hybrid-speech-16k",
        16000,
        Shape(estimate=True, partner=True),
        windows_ms=(16.0, 32.0),
    ),
    "hybrid-best": Plan(
        "hybrid-best",
        16000,
        Shape(estimate=True, partner=True, look_ahead=256),
        batch=6,
        segment_samples=32768,
        rate=4e-3,
        estimator="best",
    ),
    "demucs-48k": replace(
        _FULL_BAND,
        name="demucs-48k",
        estimator="ar",
        windows_ms=(),
    ),
    "hybrid-48k": _FULL_BAND,
    **PAPER_PRESETS,
    **OWN_LOSS_PRESETS,
    "tiny": Plan(
        "tiny",
        16000,
        Shape(strides=(4, 4, 4), width=8, cap=16, look_ahead=32, layers=1),
        batch=4,
        segment_samples=4096,
        steps=40,
    ),
}


def preset(name: str) -> Plan:
    """The plan called ``name``.

    Raises:
        SettingError: there is none.
    """
    if name not in PRESETS:
        raise SettingError(
            f"There is no preset {name!r}; there are: {', '.join(PRESETS)}. "
            "Choose one with --preset."
        )
    return PRESETS[name]
