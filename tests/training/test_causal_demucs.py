"""The network: streamed as whole, causal, exact by construction."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from rtdeclip.training.degrade import clip_batch
from rtdeclip.training.nets.causal_demucs import (
    CausalDemucs,
    Shape,
    restored,
    with_partner,
)

SMALL = Shape(strides=(4, 4, 2), width=4, cap=8, look_ahead=32, layers=2)
UNEVEN = Shape(strides=(4, 4, 2), width=4, cap=8, look_ahead=24, layers=1)
EAGER = Shape(strides=(4, 4, 2), width=4, cap=8, look_ahead=0, layers=1)
HYBRID = Shape(strides=(4, 4), width=4, cap=8, look_ahead=16, layers=1, estimate=True)
DUET = replace(SMALL, layers=1, partner=True)
TRIO = replace(HYBRID, partner=True)
SHAPES = (SMALL, UNEVEN, EAGER, HYBRID, DUET, TRIO)


def batch(shape, n_samples, seed=0, size=2):
    """Clipped noise as the arguments of ``forward``, and the item."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.randn(size, n_samples, generator=generator)
    level = torch.full((size, 1), 0.7)
    item = clip_batch(clean, level, level)
    given = {"y": item.clipped, "sign": item.sign, "theta": item.theta}
    for name, taken in (("estimate", shape.estimate), ("partner", shape.partner)):
        if taken:
            noise = 0.1 * torch.randn(size, n_samples, generator=generator)
            given[name] = clean + noise * (item.sign != 0)
    return given, item


def net_of(shape, seed=0):
    torch.manual_seed(seed)
    net = CausalDemucs(shape).eval().requires_grad_(False)
    if shape.partner:  # as trained: it begins at 0
        net.meet.weight.normal_(0, 0.1)
    return net


@pytest.mark.parametrize("shape", SHAPES)
def test_any_split_into_hops_gives_the_whole_signals_output(shape):
    net, n = net_of(shape), 12 * shape.hop
    given, _ = batch(shape, n)
    whole, _ = net(**given)
    for hops in ([1] * 12, [5, 1, 6], [12]):
        state, at, parts = net.initial_state(2), 0, []
        for count in hops:
            here = slice(at, at + count * shape.hop)
            lines = {name: line[:, here] for name, line in given.items()}
            out, state = net(**lines, state=state)
            parts.append(out)
            at = here.stop
        assert torch.allclose(torch.cat(parts, 1), whole, atol=1e-6)


def convolved(net, x):
    """The network's f on ``(1, channels, N)`` by Conv1d, ConvTranspose1d and LSTM."""
    shape, skips = net.shape, []
    for down, stride in zip(net.down, shape.strides, strict=True):
        channels = x.shape[1]
        # A row holds stride × channels values; Conv1d wants channels × kernel.
        kernel = down.conv.weight.reshape(-1, 2 * stride, channels).transpose(1, 2)
        x = functional.conv1d(
            functional.pad(x, (stride, 0)), kernel, down.conv.bias, stride
        )
        x = functional.leaky_relu(x, shape.leak)
        mixed = functional.conv1d(x, down.mix.weight[..., None], down.mix.bias)
        x = functional.glu(mixed, 1)
        skips.append(x)
    x = net.lstm(x.transpose(1, 2))[0].transpose(1, 2)
    for level in reversed(range(len(skips))):
        up, stride = net.up[level], shape.strides[level]
        rows = shape.skip_delays[level]
        late = functional.pad(skips[level], (rows, 0))[:, :, : x.shape[2]]
        mixed = functional.conv1d(x + late, up.mix.weight[..., None], up.mix.bias)
        x = functional.glu(mixed, 1)
        kernel = up.conv.weight.reshape(2 * stride, up.c_out, -1).permute(2, 1, 0)
        n = x.shape[2] * stride
        y = functional.conv_transpose1d(x, kernel, stride=stride)[:, :, :n]
        bias = up.conv.bias.reshape(2, stride, up.c_out)
        both = bias[0].T.repeat(1, n // stride) + bias[1].T.repeat(1, n // stride)
        both[:, :stride] = bias[0].T  # the first row has no row before it
        x = y + both
        x = functional.leaky_relu(x, shape.leak) if level else x
    return x[:, 0]


@pytest.mark.parametrize("shape", [SMALL, UNEVEN, EAGER])
def test_the_row_products_are_the_convolutions_of_demucs(shape):
    net = net_of(shape)
    given, _ = batch(shape, 20 * shape.hop, size=1)
    y, sign, theta = given.values()
    f = convolved(net, torch.stack([y / theta, sign], 1))
    late = shape.look_ahead
    lines = [functional.pad(t, (late, 0))[:, : t.shape[1]] for t in (y, sign, theta)]
    out, _ = net(y, sign, theta)
    assert torch.allclose(out, restored(f, *lines), atol=1e-5)


@pytest.mark.parametrize("leak", [0.0, 0.1])
def test_levels_below_a_decoder_that_turned_negative_still_learn(leak):
    """With ReLU they are dead for good: that is what the leak is for."""
    torch.manual_seed(0)
    net = CausalDemucs(replace(SMALL, leak=leak))
    with torch.no_grad():
        net.up[1].conv.bias.fill_(-100.0)
    given, item = batch(SMALL, 8 * SMALL.hop)
    torch.autograd.backward((net(**given)[0] - item.clean).square().mean())
    reached = net.lstm.weight_ih_l0.grad
    assert bool((reached != 0).any()) == (leak > 0)


def test_a_checkpoint_of_before_the_leak_keeps_its_relu():
    kept = SMALL.to_dict()
    assert Shape.from_dict(kept) == SMALL
    del kept["leak"]
    assert Shape.from_dict(kept) == replace(SMALL, leak=0.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_output_looks_ahead_by_less_than_hop_plus_look_ahead(shape):
    net, n = net_of(shape), 16 * shape.hop
    given, _ = batch(shape, n)
    out, _ = net(**given)
    changed_at = 8 * shape.hop
    given["y"] = given["y"].clone()
    given["y"][:, changed_at:] *= 0.5
    other, _ = net(**given)
    assert torch.equal(out[:, :changed_at], other[:, :changed_at])
    assert not torch.equal(out[:, changed_at:], other[:, changed_at:])


@pytest.mark.parametrize("shape", SHAPES)
def test_reliable_samples_pass_bit_exact_and_clipped_ones_gain(shape):
    net, late = net_of(shape), shape.look_ahead
    given, item = batch(shape, 16 * shape.hop)
    out, _ = net(**given)
    n = out.shape[1] - late
    out, y, sign = out[:, late:], item.clipped[:, :n], item.sign[:, :n]
    assert torch.equal(out[sign == 0], y[sign == 0])
    beyond = (out * sign)[sign != 0]
    assert float(beyond.min()) >= 0.7 - 1e-6
    assert shape.partner or float(beyond.min()) > 0.7


@pytest.mark.parametrize("shape", SHAPES)
def test_signal_and_level_scaled_together_scale_the_output(shape):
    net = net_of(shape)
    given, _ = batch(shape, 16 * shape.hop)
    out, _ = net(**given)
    scaled = {n: t if n == "sign" else 0.25 * t for n, t in given.items()}
    assert torch.equal(net(**scaled)[0], 0.25 * out)


def test_a_partner_is_mixed_in_at_the_instants_of_the_output():
    torch.manual_seed(0)
    net = CausalDemucs(DUET).eval().requires_grad_(False)
    net.up[0].conv.weight.zero_()
    net.up[0].conv.bias.zero_()  # f = g = 0: the share is a quarter
    given, item = batch(DUET, 20 * DUET.hop)
    out = net.restored(item._replace(partner=given["partner"]))
    beyond = torch.clamp(item.sign * (given["partner"] - item.clipped), min=0)
    share = torch.sigmoid(torch.tensor(-1.0))
    own = 0.7 * functional.softplus(torch.tensor(-1.0))
    excess = (1 - share) * own + share * beyond
    wanted = torch.where(
        item.sign == 0, item.clipped, item.clipped + item.sign * excess
    )
    n = out.shape[1] - DUET.look_ahead
    assert torch.allclose(out[:, :n], wanted[:, :n], atol=1e-6)


def test_trust_is_the_share_of_the_way_from_the_estimate_to_the_output():
    whole = net_of(TRIO)
    half = CausalDemucs(replace(TRIO, trust=0.5)).eval().requires_grad_(False)
    half.load_state_dict(whole.state_dict())
    given, item = batch(TRIO, 20 * TRIO.hop)
    item = item._replace(estimate=given["estimate"], partner=given["partner"])
    beyond = torch.clamp(item.sign * (item.estimate - item.clipped), min=0)
    start = item.clipped + item.sign * beyond
    wanted = 0.5 * (start + whole.restored(item))
    assert torch.allclose(half.restored(item), wanted, atol=1e-6)


def test_a_network_that_gains_a_partner_goes_on_from_its_own_output():
    alone = net_of(SMALL)
    duet = CausalDemucs(replace(SMALL, partner=True)).eval().requires_grad_(False)
    duet.load_state_dict(with_partner(alone.state_dict(), duet.shape))
    _, item = batch(SMALL, 10 * SMALL.hop)
    own = alone.restored(item)
    agreed = duet.restored(item._replace(partner=own))
    assert torch.allclose(agreed, own, atol=1e-6)


def test_a_zero_correction_is_the_estimate_itself():
    given, _ = batch(HYBRID, 400)
    y, sign, theta, estimate = given.values()
    estimate = torch.where(sign * (estimate - y) > 0.01, estimate, y + 0.01 * sign)
    out = restored(torch.zeros_like(y), y, sign, theta, estimate)
    assert torch.allclose(out, torch.where(sign == 0, y, estimate), atol=1e-5)


def test_a_huge_estimate_does_not_overflow():
    one = torch.ones(1, 4)
    out = restored(0 * one, one, one, one, 1e4 * one)
    assert torch.allclose(out, 1e4 * one)
    low = restored(-50 * one, one, one, one, 0 * one)
    assert bool(torch.isfinite(low).all())
    assert bool((low >= 1).all())
