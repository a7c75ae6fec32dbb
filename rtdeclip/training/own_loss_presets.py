"""The papers' networks that bring their own loss, as they are trained here.

Minutes of one CPU core instead of days of a GPU, so the learning rates are higher than
the papers' (2e-4 and 1e-4; the third names none). The shipped weights were trained for
less than these minutes, on a busy machine; their cards say how long.
"""

from dataclasses import replace

from rtdeclip.training.distort import Distortions, Rule
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets import (
    causal_spectrogram_u_net,
    equivariant_u_net,
    not_miwae,
    spectrogram_u_net,
)

# Kashani et al. clip to 1, 2, 5, 10, 15, 20 dB: half of it hard, half soft.
SPEECH = Distortions(
    (Rule("sdr", 0.5, 5.0), Rule("sdr", 5.0, 20.0)),
    segments=1,
)

# Sechaud et al.: at 0.1 of full scale, which is a gain of 20 dB and a level of 1.
TENTH = Distortions((Rule("gain", 20.0, 20.0),), segments=1, clipped_only=True)

_IMAGES = Plan(
    "spectrogram-u-net",
    16000,
    spectrogram_u_net.Shape(width=8),
    batch=2,
    segment_samples=65536,
    rate=1.5e-3,
    ema=0.998,
    minutes=8.0,
    family="spectrogram-u-net",
    optimiser="adam",
    distortions=SPEECH,
)
_SCALE = Plan(
    "equivariant-u-net",
    22050,
    equivariant_u_net.Shape(),
    batch=8,
    segment_samples=22528,
    rate=2e-3,
    ema=0.998,
    minutes=5.0,
    family="equivariant-u-net",
    optimiser="adam",
    distortions=TENTH,
)
_FRAMES = Plan(
    "not-miwae",
    16000,
    not_miwae.Shape(),
    batch=4,
    segment_samples=16384,
    rate=1.5e-3,
    ema=0.998,
    minutes=2.0,
    family="not-miwae",
    optimiser="adam",
)


def _scale(name: str, **changes: bool) -> Plan:
    return replace(_SCALE, name=name, shape=replace(_SCALE.shape, **changes))


OWN_LOSS_PRESETS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        _IMAGES,
        replace(
            _IMAGES,
            name="spectrogram-u-net-told",
            shape=replace(_IMAGES.shape, told=True),
        ),
        replace(
            _IMAGES,
            name="spectrogram-u-net-causal",
            shape=causal_spectrogram_u_net.Shape(),
            batch=4,
            segment_samples=32768,
            family="spectrogram-u-net-causal",
        ),
        _SCALE,
        # The same on music and voices, both without their clean signals.
        _scale("equivariant-u-net-voices"),
        _scale("equivariant-u-net-no-mask", mask=False),
        _scale("equivariant-u-net-biases", biases=True),
        _scale("supervised-u-net", supervised=True),
        _FRAMES,
        # As in the paper: zeros for what is missing, nothing told, all from the latent.
        # Its latent of 128 makes a file of 6 MB; its own sweep over the size is flat.
        replace(
            _FRAMES,
            name="not-miwae-paper",
            shape=not_miwae.Shape(
                widths=(16, 32, 64, 128),
                kernel=15,
                latent=32,
                draws=2,
                told=False,
                context=False,
            ),
        ),
    )
}
