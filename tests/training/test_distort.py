"""The papers' distortions for batches are those of ``rtdeclip.distortion``."""

import numpy as np
import pytest
import torch

from rtdeclip import distortion
from rtdeclip.errors import SettingError
from rtdeclip.metrics.sdr import sdr_db
from rtdeclip.training.data import Pool
from rtdeclip.training.distort import Distortions, Rule

ONE = torch.ones(1, 1)


def noise(n=6000, batch=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.2 * torch.randn(batch, n, generator=generator)


def applied(rule, clean, value, wet=1.0):
    return rule.apply(clean, torch.full((len(clean), 1), value), wet * ONE)


@pytest.mark.parametrize(
    ("kind", "value", "numpy_form"),
    [
        ("fraction", 0.2, lambda x: distortion.clip_at_fraction(x, 0.2)),
        ("sdr", 7.0, lambda x: distortion.clip_to_sdr(x, 7.0)),
        ("gain", 30.0, lambda x: distortion.clip_with_gain(x, 30.0, 1.0)),
        ("overdrive", 35.0, lambda x: distortion.overdrive(x, 35.0, 0.0)),
        ("tanh", 20.0, lambda x: distortion.saturate(x, 20.0)),
    ],
)
def test_each_rule_is_the_formula_of_the_numpy_form(kind, value, numpy_form):
    clean = noise()
    item = applied(Rule(kind, 1.0, 1.0), clean, value)
    expected = numpy_form(clean[0].numpy())
    assert np.abs(item.clipped[0].numpy() - expected.audio).max() < 3e-5
    if kind in ("fraction", "sdr", "gain"):
        assert np.array_equal(item.sign[0].numpy(), expected.sign)
        assert float(item.theta[0, 0]) == pytest.approx(expected.high, rel=1e-4)
    else:
        assert not item.sign.any()
    gain = 10 ** (value / 20) if kind == "gain" else 1.0
    assert torch.allclose(item.clean, gain * clean)


def test_the_input_sdr_is_met_for_every_item_of_a_batch():
    item = Rule("sdr", 1.0, 20.0).apply(
        noise(batch=3), torch.tensor([[1.0], [7.0], [20.0]]), torch.ones(3, 1)
    )
    pairs = zip(item.clean.numpy(), item.clipped.numpy(), strict=True)
    found = [sdr_db(x, y) for x, y in pairs]
    assert found == pytest.approx([1.0, 7.0, 20.0], abs=0.01)


def test_dry_signal_beside_the_distortion_leaves_no_mask():
    rule = Rule("gain", 20.0, 20.0, driest=0.5)
    item = applied(rule, noise(), 20.0, 0.7)
    hard = applied(Rule("gain", 20.0, 20.0), noise(), 20.0)
    assert torch.allclose(item.clipped, 0.7 * hard.clipped + 0.3 * noise())
    assert torch.equal(item.clean, noise())
    assert not item.sign.any()


def test_a_batch_is_drawn_by_its_seed_and_holds_clipped_samples():
    x = torch.zeros(40000)
    x[::500] = 0.9
    pool = Pool(((x + 0.02 * noise(40000)[0]) * 32767).to(torch.int16), 16000)
    rules = Distortions((Rule("fraction", 0.5, 0.5),), clipped_only=True)
    first, again = (
        rules.draw(pool, 6, 300, torch.Generator().manual_seed(4)) for _ in range(2)
    )
    assert torch.equal(first.clipped, again.clipped)
    assert first.clean.shape == (6, 300)
    assert first.sign.any(1).all()


def test_shares_decide_how_often_a_rule_is_taken():
    pool = Pool((noise(40000)[0] * 32767).to(torch.int16), 16000)
    rules = Distortions((Rule("tanh", 0.0, 9.0, share=0.0), Rule("sdr", 3.0, 3.0)))
    item = rules.draw(pool, 8, 1000, torch.Generator().manual_seed(1))
    assert item.sign.any(1).all()
    assert Distortions.from_dict(rules.to_dict()) == rules
    assert rules.soft
    assert not Distortions((Rule("sdr", 3.0, 3.0),)).soft


def test_validation_looks_at_both_ends_and_the_middle_of_each_rule():
    rules = Distortions((Rule("sdr", 1.0, 20.0), Rule("gain", 9.0, 9.0, driest=0.5)))
    looks = rules.looks()
    assert list(looks) == ["sdr_1", "sdr_10.5", "sdr_20", "gain_9", "gain_9_wet_0.5"]
    clean = noise()
    (item,) = looks["sdr_10.5"](clean)
    found = sdr_db(item.clean[0].numpy(), item.clipped[0].numpy())
    assert found == pytest.approx(10.5, abs=0.01)


def test_an_unknown_distortion_is_refused_in_words():
    with pytest.raises(SettingError, match="'fuzz' is unknown; give one of fraction"):
        Rule("fuzz", 1.0, 2.0)
