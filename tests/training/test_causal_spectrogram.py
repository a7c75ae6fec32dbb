"""The streaming spectrogram U-Net: a hop is as good as the whole, and no future."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.training.degrade import clip_batch
from rtdeclip.training.export import export
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets import causal_spectrogram_u_net as causal
from rtdeclip.training.nets.network import Network, NetworkShape, Streaming, family_of

PLAN = Plan(
    "tiny",
    16000,
    causal.Shape(width=4, cap=8, levels=2),
    batch=2,
    segment_samples=2048,
    precision="fp32",
    family="spectrogram-u-net-causal",
    optimiser="adam",
)


@pytest.fixture
def net():
    """Random weights that change much."""
    torch.manual_seed(0)
    made = family_of(PLAN.family).build(PLAN.shape)
    torch.nn.init.normal_(made.last.weight, std=0.3)
    return made.eval().requires_grad_(False)


def item_of(n_samples=2048, seed=0):
    t = torch.arange(n_samples) / 16000
    noise = torch.randn(2, n_samples, generator=torch.Generator().manual_seed(seed))
    clean = torch.sin(2 * torch.pi * 300 * t) + 0.1 * noise
    return clip_batch(clean, torch.full((2, 1), 0.5), torch.full((2, 1), 0.5))


def test_a_fresh_network_gives_the_clipped_signal():
    fresh, item = family_of(PLAN.family).build(PLAN.shape), item_of(1111)
    assert isinstance(fresh, Network)
    assert isinstance(fresh, Streaming)
    assert torch.allclose(fresh.restored(item), item.clipped, atol=1e-6)


def test_hops_one_by_one_give_what_the_whole_gives(net):
    item, state, out = item_of(), net.initial_state(2), []
    for at in range(0, 2048, causal.HOP):
        here = slice(at, at + causal.HOP)
        hop, *state = net(*(line[:, here] for line in item[1:4]), *state)
        out.append(hop)
    late = torch.cat(out, 1)[:, causal.LATE :]
    whole = net.restored(item)[:, : late.shape[1]]
    assert torch.allclose(late, whole, atol=1e-5)
    assert (whole - item.clipped[:, : late.shape[1]]).abs().max() > 0.03


def test_nothing_beyond_sixteen_milliseconds_is_looked_at(net):
    item, cut = item_of(), 1024
    other = item._replace(clipped=item.clipped.clone())
    other.clipped[:, cut:] *= -1.0
    same, changed = (net.restored(i) for i in (item, other))
    heard = (same != changed).nonzero()[:, 1].min()
    assert cut - causal.WINDOW < heard < cut
    assert causal.LATE + causal.HOP == 256


def test_frames_without_a_clipped_sample_stay_if_the_network_is_told(net):
    item = item_of()
    quiet = slice(600, 1400)
    for line in (item.clean, item.clipped, item.sign):
        line[:, quiet] *= 0.2
    item.sign[:, quiet] = 0
    inner = slice(600 + causal.WINDOW, 1400 - causal.WINDOW)
    out = net.restored(item)
    assert torch.allclose(out[:, inner], item.clipped[:, inner], atol=1e-5)
    plain = replace(PLAN.shape, told=False)
    blind = family_of(PLAN.family).build(plain)
    torch.nn.init.normal_(blind.last.weight, std=0.3)
    assert (blind.restored(item) - item.clipped)[:, inner].abs().max() > 1e-3


def test_the_loss_reads_log_magnitudes_and_falls(net):
    item = item_of()
    fresh = family_of(PLAN.family).build(PLAN.shape)
    optimiser = torch.optim.Adam(fresh.parameters(), 5e-3)
    losses = []
    for _ in range(15):
        optimiser.zero_grad()
        loss = fresh.training_loss(item, torch.Generator())
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.9 * losses[0]
    nothing = item._replace(clipped=item.clean)
    fresh = family_of(PLAN.family).build(PLAN.shape)
    with torch.no_grad():
        assert float(fresh.training_loss(nothing, torch.Generator())) == 0.0


def test_the_host_streams_what_the_network_gives(net, tmp_path):
    card = export(net, PLAN, tmp_path / "m", summary="tiny", precisions=("fp32",))
    assert (card.kind, card.hop, card.latency_samples) == ("step", 64, 192)
    tags = graph_metadata(card.name, 16000, card.hop, card.latency_samples)
    graph = StepGraph(card.path("fp32"), card.inputs, tags)
    item, out = item_of(1024), []
    for at in range(0, 1024, card.hop):
        for name, line in zip(card.inputs, item[1:4], strict=True):
            graph.inputs[name][:] = line[0, at : at + card.hop]
        out.append(graph.step().copy())
    hosted = np.concatenate(out)[causal.LATE :]
    expected = net.restored(item)[0, : len(hosted)].numpy()
    assert np.abs(hosted - expected).max() <= 1e-4


def test_a_shape_comes_back_from_a_file_that_knows_lists_only():
    shape = Plan("x", 16000).shape
    given = shape.to_dict() | {"strides": list(shape.strides)}
    assert type(shape).from_dict(given) == shape
    assert hash(type(shape).from_dict(given)) == hash(shape)
    with pytest.raises(TypeError, match="depth"):
        NetworkShape.from_dict({"depth": 3})
