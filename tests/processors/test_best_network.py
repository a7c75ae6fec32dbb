"""best corrected by a network: short sounds are, tones are left as best has them."""

import numpy as np

from rtdeclip.distortion import clip_at_fraction
from rtdeclip.processors.best import BESIDE, NETWORK, Best
from rtdeclip.processors.best_network import Corrected
from rtdeclip.processors.model_card import find_card
from rtdeclip.stream.offline import declip
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import find
from rtdeclip.testing import check_processor

RATE = 16000


def short(rate):
    """Short frames, so that small kernels are compiled only."""
    return Best(rate, (256, 512), (256, 512))


CLASSICAL = Method("classical", "", short)
CORRECTED = Method(
    "corrected",
    "",
    lambda rate: Corrected(short(rate), find_card(NETWORK), rate, find_card(BESIDE)),
)


def test_the_contract_is_kept():
    check_processor(CORRECTED, RATE, 1)


def test_attacks_are_corrected_and_steady_tones_are_not():
    t = np.arange(2 * RATE) / RATE
    attacks = np.sin(2 * np.pi * 900.0 * t) * np.exp(-300.0 * (t % 0.05))
    tones = sum(np.sin(2 * np.pi * f * t + f) for f in (500.0, 625.0, 1250.0)) / 3
    differ = {}
    for name, clean in (("attacks", attacks), ("tones", tones)):
        clipped = clip_at_fraction(clean, 0.3).audio
        plain, wet = (declip(clipped, RATE, m) for m in (CLASSICAL, CORRECTED))
        differ[name] = np.abs(wet - plain)[RATE:].max()
    assert differ["attacks"] > 0.01
    assert differ["tones"] == 0.0


def test_best_takes_the_network_at_its_own_rate_only():
    def latency(rate, choice):
        return find("best").build(rate, 1, network=choice).latency_samples

    later = find_card(NETWORK).latency_samples
    assert latency(RATE, "on") >= latency(RATE, "off") + later
    assert latency(44100, "on") == latency(44100, "off")
