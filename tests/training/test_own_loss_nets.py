"""Spectrogram U-Net, equivariant U-Net, not-MIWAE: they learn, ship and hold to it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdeclip.processors.onnx_whole import OnnxWhole
from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import clip_batch
from rtdeclip.training.distort import Distortions, Rule
from rtdeclip.training.export import LARGE, export
from rtdeclip.training.fit import Fit, Plan
from rtdeclip.training.nets import equivariant_u_net as equivariant
from rtdeclip.training.nets import not_miwae as miwae
from rtdeclip.training.nets import spectrogram_u_net as spectrogram
from rtdeclip.training.run import source_of

CLIPPED = Distortions((Rule("gain", 10.0, 20.0, peak=1.0),), segments=1)
TINY = Plan(
    "tiny",
    16000,
    spectrogram.Shape(width=4, levels=2, frame=256, step=64, chunk=2048),
    batch=4,
    segment_samples=2048,
    rate=5e-3,
    steps=30,
    precision="fp32",
    family="spectrogram-u-net",
    optimiser="adam",
    distortions=CLIPPED,
)
SCALE = equivariant.Shape(strides=(4, 4), width=8, cap=16, dilations=(1,), chunk=2048)
FRAMES = miwae.Shape(widths=(8, 8, 16, 16), latent=8, draws_at_work=3)
PLANS = {
    "spectrogram": TINY,
    "told": replace(TINY, shape=replace(TINY.shape, told=True)),
    "equivariant": replace(TINY, family="equivariant-u-net", shape=SCALE),
    "supervised": replace(
        TINY, family="equivariant-u-net", shape=replace(SCALE, supervised=True)
    ),
    "not-miwae": replace(TINY, family="not-miwae", shape=FRAMES),
    "not-miwae-paper": replace(
        TINY,
        family="not-miwae",
        shape=replace(FRAMES, told=False, context=False),
    ),
}


NOWHERE = Path()  # these have no estimates to keep


def tones(seconds=4, rate=16000):
    """Gliding harmonic tones with pauses."""
    t = torch.arange(seconds * rate) / rate
    phase = 2 * torch.pi * torch.cumsum(150 + 50 * torch.sin(4 * t), 0) / rate
    x = sum(torch.cos(k * phase + k * k) / k for k in range(1, 9))
    x = 0.9 * x * (0.6 + 0.4 * torch.sin(9 * t)) / x.abs().max()
    return Pool((x * 32767).to(torch.int16), rate)


def item_of(n_samples, level=0.3, seed=1, batch=1):
    clean = tones().draw(batch, n_samples, torch.Generator().manual_seed(seed))
    held = torch.full((batch, 1), level)
    return clip_batch(clean, held, held)


def net_of(name, seed=0):
    """Random weights, those of the last layer large."""
    torch.manual_seed(seed)
    plan = PLANS[name]
    fit = Fit(plan, source_of(plan, tones(), 0, NOWHERE))
    for _ in range(20 if name == "not-miwae" else 0):
        fit.advance()  # weights of draws are a matter of rounding before
    if hasattr(fit.net, "last"):
        torch.nn.init.normal_(fit.net.last.weight, std=0.3)
    return fit.net.eval().requires_grad_(False)


@pytest.mark.parametrize("name", PLANS)
def test_each_learns_within_a_few_steps(name):
    plan = PLANS[name]
    fit = Fit(plan, source_of(plan, tones(), 0, NOWHERE))
    item = fit.source(torch.Generator().manual_seed(99), 0)

    def loss():
        return float(fit.net.training_loss(item, torch.Generator().manual_seed(7)))

    with torch.no_grad():
        before = loss()
    for _ in range(plan.steps):
        fit.advance()
    with torch.no_grad():
        assert loss() < before
    assert fit.progress == 1.0


@pytest.mark.parametrize("name", ["spectrogram", "told", "equivariant", "not-miwae"])
def test_the_host_gives_what_the_network_gives(name, tmp_path):
    net, plan = net_of(name), PLANS[name]
    for parameter in net.parameters():  # the file holds the large ones in 16 bits
        if parameter.numel() >= LARGE:
            parameter.data = parameter.data.half().float()
    card = export(net, plan, tmp_path / name, summary="random weights")
    item = item_of(plan.shape.chunk)
    half = plan.shape.chunk // 2
    for line in item[:3]:  # silence too: what divides by nothing shows here
        line[:, half:] = 0.0
    whole = net.restored(item)[0].numpy()
    lines = [line[0, :, None].numpy().copy() for line in item[1:4]]
    lines[1] = lines[1].astype(np.int8)
    restored = OnnxWhole(card, "fp16").restore(*lines, plan.sample_rate)[:, 0]
    assert np.abs(restored - whole).max() <= 1e-4
    assert np.abs(whole - item.clipped[0].numpy()).max() > 1e-3


@pytest.mark.parametrize("n_samples", [1, 2047, 2048, 5000])
@pytest.mark.parametrize("name", ["spectrogram", "told", "equivariant", "not-miwae"])
def test_any_length_comes_back_as_long(name, n_samples):
    net, item = net_of(name), item_of(5000, batch=2)
    cut = type(item)(*(line[:, :n_samples] for line in item[:4]))
    out = net.restored(cut)
    assert out.shape == (2, n_samples)
    assert bool(torch.isfinite(out).all())


@pytest.mark.parametrize("name", ["spectrogram", "told", "equivariant", "not-miwae"])
def test_a_louder_recording_is_restored_as_much_louder(name):
    net, item = net_of(name), item_of(4096, batch=2)
    louder = type(item)(
        *(line * s for line, s in zip(item, (8, 8, 1, 8), strict=False))
    )
    out, loud = net.restored(item), net.restored(louder)
    assert torch.allclose(loud / 8, out, atol=2e-5)


# ------------------------------------------------------------------ spectrogram U-Net
def test_frames_come_apart_and_together_without_loss():
    plan = PLANS["spectrogram"]
    fit = Fit(
        plan, source_of(plan, tones(), 0, NOWHERE)
    )  # begins at the image as it is
    y = item_of(4096, batch=2).clipped
    assert torch.allclose(fit.net(y), y, atol=1e-6)  # it begins at the image as it is


def test_silence_beside_a_short_file_does_not_change_its_normalisation():
    net = net_of("spectrogram")
    y = item_of(2048).clipped
    beside = torch.nn.functional.pad(y, (0, 4096))
    # The image's edge sees silence instead of nothing: the inner part is compared.
    inner = slice(0, 1024)
    before, after = net(y)[0, inner], net(beside)[0, inner]
    changed = (before - y[0, inner]).abs().max()
    assert (after - before).abs().max() < 0.1 * changed
    assert torch.equal(net(0 * y), 0 * y)


def test_a_network_that_is_told_leaves_frames_without_a_clipped_sample():
    net, item = net_of("told"), item_of(4096)
    frame = net.shape.frame
    item.sign[:, 1024:3072] = 0
    inner = slice(1024 + frame, 3072 - frame)
    out = net.restored(item)
    assert torch.allclose(out[:, inner], item.clipped[:, inner], atol=1e-5)
    assert (out - item.clipped)[:, :1024].abs().max() > 1e-3
    assert torch.equal(out, net(item.clipped, item.sign))


# ------------------------------------------------------------------- equivariant U-Net
def test_the_network_without_biases_is_homogeneous_and_with_biases_not():
    for biases in (False, True):
        torch.manual_seed(0)
        net = equivariant.EquivariantUNet(replace(SCALE, biases=biases, blend=False))
        item = item_of(2048)
        reliable = (item.sign == 0) * item.theta
        out = net.f(item.clipped, reliable)
        soft = net.f(0.25 * item.clipped, 0.25 * reliable)
        assert torch.allclose(soft, 0.25 * out, atol=1e-6) is not biases


def test_measurements_bind_reliable_samples_and_only_from_below_clipped_ones():
    y = torch.tensor([[0.5, 1.0, 1.0, -1.0, -1.0]])
    sign = torch.tensor([[0.0, 1.0, 1.0, -1.0, -1.0]])
    x = torch.tensor([[0.4, 3.0, 0.8, -1.5, 0.0]])
    found = equivariant.measurement(x, y, sign, torch.ones_like(y))
    wanted = torch.tensor([[0.01, 0.0, 0.04, 0.0, 1.0]])
    assert torch.allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize("level", [1.0, 0.1])
def test_the_blend_is_whole_at_the_level_whatever_the_level(level):
    y = level * torch.tensor([[1.0, -1.0, 0.975, 0.95, 0.5]])
    out = equivariant.blended(y, torch.zeros_like(y), torch.full_like(y, level))
    wanted = level * torch.tensor([[0.0, 0.0, 0.4875, 0.95, 0.5]])
    assert torch.allclose(out, wanted, atol=1e-6)


def test_self_supervision_never_looks_at_the_clean_signal():
    item = item_of(2048, batch=4)
    for name, same in (("equivariant", True), ("supervised", False)):
        net = net_of(name)
        losses = [
            net.training_loss(
                item._replace(clean=clean), torch.Generator().manual_seed(3)
            )
            for clean in (item.clean, torch.randn_like(item.clean))
        ]
        assert torch.equal(*losses) is same


def test_a_recording_clipped_again_is_the_sound_clipped_harder():
    net, item = net_of("equivariant"), item_of(2048)
    asked = []
    net._clipped = lambda x, level: asked.append(x) or x
    net.training_loss(item, torch.Generator().manual_seed(3))
    g = asked[1].abs().max() / item.clipped.abs().max()
    assert 1.0 < g < net.shape.again
    twice = torch.clamp(asked[1], -0.3, 0.3)
    assert torch.allclose(twice, torch.clamp(g * item.clean, -0.3, 0.3), atol=1e-6)


def test_without_the_mask_the_network_sees_the_signal_only():
    net = equivariant.EquivariantUNet(replace(SCALE, mask=False, blend=False))
    item = item_of(2048)
    out = net(item.clipped, item.sign, item.theta)
    assert torch.equal(net(item.clipped, 0 * item.sign, item.theta), out)


# --------------------------------------------------------------------------- not-MIWAE
@pytest.mark.parametrize("name", ["not-miwae", "not-miwae-paper"])
def test_missing_samples_are_never_read(name):
    net = net_of(name)
    frames = net.frames(item_of(2048, batch=4).clean, torch.Generator().manual_seed(1))
    missing = frames.lost
    assert 0 < missing.mean() < 1
    other = frames._replace(x=frames.x + 5.0 * missing)
    losses = [net.bound(f, torch.Generator().manual_seed(2)) for f in (frames, other)]
    assert torch.equal(*losses)
    seen = frames._replace(x=frames.x + 0.1 * frames.judged)
    assert not torch.equal(net.bound(seen, torch.Generator().manual_seed(2)), losses[0])


def test_the_zeros_of_missing_samples_pull_no_mean():
    """Where one sample is missing, the gradient of its likelihood is zero."""
    net = net_of("not-miwae-paper")
    frames = net.frames(item_of(1024).clean, torch.Generator().manual_seed(1))
    mean = torch.zeros(1, 1, 1024, requires_grad=True)
    likely = miwae._normal(frames.x, mean, torch.zeros_like(mean)) * frames.judged
    likely.sum().backward()
    gone = frames.judged[0] == 0
    assert bool((mean.grad[0, 0][gone] == 0).all())
    assert bool((mean.grad[0, 0][~gone] != 0).any())


def test_observed_samples_stay_and_the_same_frame_gives_the_same_result():
    net, item = net_of("not-miwae"), item_of(1024)
    lines = item.clipped, item.sign, item.theta
    out = net(*lines)
    reliable = item.sign == 0
    assert torch.equal(out[reliable], item.clipped[reliable])
    assert not torch.equal(out[~reliable], item.clipped[~reliable])
    assert torch.equal(net(*lines), out)


def test_louder_samples_go_missing_more_often():
    net = net_of("not-miwae")
    frames = net.frames(item_of(4096, batch=8).clean, torch.Generator().manual_seed(1))
    missing = frames.lost == 1
    assert frames.x.abs()[missing].mean() > 1.5 * frames.x.abs()[~missing].mean()
    assert torch.equal(frames.sign[missing], frames.x.sign()[missing])
    assert torch.equal(frames.seen + frames.judged + frames.lost, 0 * frames.x + 1)
    assert torch.equal(frames.sign == 0, (frames.seen == 1) | (frames.x == 0))


def test_of_what_a_lower_level_hides_the_likelihood_sees_samples_above_it():
    net = net_of("not-miwae")
    frames = net.frames(item_of(4096, batch=8).clean, torch.Generator().manual_seed(1))
    assert bool((frames.level >= 1).all())  # the recording's, over the one shown
    hard = (frames.steepness > 10)[:, 0]  # W of 100; of 10 it is at most 9.5
    judged = frames.x[hard].abs()[frames.judged[hard] == 1]
    assert judged.min() > 0.5
    assert (judged > 1).float().mean() > 0.8
    assert bool((judged < frames.level[hard].max() + 0.5).all())


def test_what_is_read_at_work_is_neither_missing_nor_judged():
    net, item = net_of("not-miwae"), item_of(1024)
    level = item.theta[:, :1]
    frames = net.missing(item.clean, item.sign, level, 10.0)
    assert torch.equal(frames.x != 0, (item.sign == 0) & (item.clean != 0))
    assert torch.equal(frames.lost, item.sign.abs())
    assert not frames.judged.any()
    assert torch.allclose(frames.steepness, 10.0 * level)


@pytest.mark.parametrize("steepness", [1.5, 5.0, 60.0])
def test_the_law_over_a_gaussian_is_its_integral(steepness):
    means, variance = torch.linspace(-1.0, 3.0, 9), 0.3
    one = torch.ones(9, 1)
    blank = torch.zeros(9, 1)
    frames = miwae.Frames(blank, blank, blank, one, one, 1.2 * one, steepness * one)
    found = miwae._law_over(
        means[None, :, None], torch.full((1, 9, 1), variance).log(), frames
    )
    wide = torch.linspace(-6.0, 6.0, 20001)
    weight = torch.softmax(-0.5 * wide.square(), 0)
    x = means[:, None] + variance**0.5 * wide
    exact = (weight * torch.sigmoid(steepness * (x - 1.2))).sum(1)
    assert torch.allclose(found[0].exp(), exact, atol=0.02)


def test_the_spread_of_the_draws_is_positive_and_finite():
    net = net_of("not-miwae")
    frames = net.frames(item_of(2048).clean, torch.Generator().manual_seed(1))
    mean, spread = net.imputed(frames)
    assert mean.shape == spread.shape == frames.x.shape
    assert bool((spread > 0).all())
    assert bool(torch.isfinite(spread).all())
