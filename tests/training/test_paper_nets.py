"""The papers' networks: each trains, and its graph in the host is the network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rtdeclip.cli.train import train
from rtdeclip.errors import SettingError
from rtdeclip.processors.model_card import read_card
from rtdeclip.processors.onnx_model import method_of
from rtdeclip.processors.onnx_whole import OnnxWhole
from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import Item
from rtdeclip.training.export import export
from rtdeclip.training.fit import Fit, Plan, read_checkpoint
from rtdeclip.training.nets import (
    crafx,
    deep_filter,
    demucs,
    open_unmix,
    rnn,
    wave_u_net,
)
from rtdeclip.training.nets.network import FAMILIES, Network, family_of
from rtdeclip.training.nets.spectra import signal, spectra
from rtdeclip.training.paper_presets import PAPER_PRESETS
from rtdeclip.training.run import source_of

TINY = {
    "demucs-paper": demucs.Shape(
        width=4, depth=2, chunk=1024, normalisation="peak", clipped_only=False
    ),
    "rnn-paper": rnn.Shape(frame=32, hidden=8, layers=2, chunk=1024),
    "wave-u-net": wave_u_net.Shape(
        width=4, levels=3, chunk=1024, normalisation="fitted"
    ),
    "open-unmix": open_unmix.Shape(hidden=8, chunk=1024),
    "crafx-overdrive": crafx.Shape(bands=4, hidden=4, chunk=1024, clipped_only=False),
    "deep-filter": deep_filter.Shape(hidden=8, layers=1, past=1, beside=0),
}


NOWHERE = Path()  # these have no estimates to keep


def plan_of(name):
    """The preset with a tiny network and few, short steps."""
    return replace(
        PAPER_PRESETS[name],
        shape=TINY[name],
        batch=4,
        segment_samples=1024,
        steps=40,
        rate=3e-3,
        precision="fp32",
        loss="sdr",
    )


def tones(n_samples=60000):
    """Gliding harmonic tones, as loud as music."""
    t = torch.arange(n_samples) / 16000
    phase = 2 * torch.pi * torch.cumsum(150 + 50 * torch.sin(4 * t), 0) / 16000
    x = sum(torch.cos(k * phase + k * k) / k for k in range(1, 9))
    return Pool((20000 * x / x.abs().max()).to(torch.int16), 16000)


def fresh(plan):
    return Fit(plan, source_of(plan, tones(), 0, NOWHERE))


def clipped(n_samples, level=0.5):
    x = np.random.default_rng(1).standard_normal(n_samples).astype(np.float32)
    return np.clip(x, -level, level)


def as_item(y, level=0.5):
    line = torch.from_numpy(y)[None]
    sign = line.sign() * (line.abs() >= level)
    return Item(line, line, sign, torch.full_like(line, level))


def hosted(card, y, precision="fp32", level=0.5):
    """What the host's runner makes of ``y``, hop by hop or in chunks."""
    if card.kind != "step":
        sign, bound = np.sign(y) * (np.abs(y) >= level), np.full_like(y, level)
        lines = (y, sign.astype(np.int8), bound)
        runner = OnnxWhole(card, precision)
        return runner.restore(*(line[:, None] for line in lines), 16000)[:, 0]
    tags = graph_metadata(card.name, 16000, card.hop, card.latency_samples)
    graph, out = StepGraph(card.path(precision), card.inputs, tags), []
    for at in range(0, len(y), card.hop):
        graph.inputs["y"][:] = y[at : at + card.hop]
        graph.inputs["theta"][:] = level
        out.append(graph.step().copy())
    return np.concatenate(out)[card.latency_samples :]


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_network_learns_is_exported_and_runs_in_the_host(name, tmp_path):
    plan = plan_of(name)
    fit = fresh(plan)
    losses = [fit.advance() for _ in range(plan.steps)]
    assert np.mean(losses[-15:]) < np.mean(losses[:15])
    net, kinds = fit.mean, ("fp32", "fp16")
    assert isinstance(net, Network)
    card = export(
        net, plan, tmp_path / name, summary="tiny", note="a test", precisions=kinds
    )
    assert read_card(card.folder) == replace(card, training=read_training(card))
    y = clipped(1024)
    expected = net.restored(as_item(y))[0].numpy()
    fine, rough = hosted(card, y), hosted(card, y, "fp16")
    assert np.abs(expected - y).max() > 1e-2
    assert np.abs(fine - expected[: len(fine)]).max() <= 1e-4
    assert 0 < np.abs(rough - fine).max() < 0.01
    method = method_of(card)
    assert method.scope == ("all" if name.endswith("overdrive") else "clipped")
    assert method.note == "a test"


def read_training(card):
    return read_card(card.folder).training


def test_every_family_in_the_table_can_be_built():
    for name, plan in PAPER_PRESETS.items():
        net = family_of(plan.family).build(TINY.get(name, plan.shape))
        assert isinstance(net, Network), name
    with pytest.raises(SettingError, match="There is no network family 'x'"):
        family_of("x")
    assert {plan.family for plan in PAPER_PRESETS.values()} < FAMILIES.keys()


def test_a_checkpoint_carries_its_family_and_its_distortions(tmp_path):
    fit = fresh(plan_of("wave-u-net"))
    fit.advance()
    fit.save(tmp_path / "a.ckpt")
    kept = read_checkpoint(tmp_path / "a.ckpt")["plan"]
    assert Plan.from_dict(kept) == fit.plan
    del kept["family"], kept["optimiser"], kept["distortions"]
    kept["shape"] = Plan("x", 16000).shape.to_dict()
    old = Plan.from_dict(kept)
    assert (old.family, old.optimiser, old.distortions) == (
        "causal-demucs",
        "muon",
        None,
    )


def test_a_network_without_matrices_refuses_muon():
    with pytest.raises(SettingError, match="optimiser 'muon' does not fit"):
        fresh(replace(plan_of("rnn-paper"), optimiser="muon"))


def test_statistics_of_batch_normalisation_reach_the_exported_network():
    fit = fresh(plan_of("open-unmix"))
    fit.advance()
    assert float(fit.mean.into_norm.running_mean.abs().max()) > 0
    assert not fit.mean.training


@pytest.mark.parametrize(("window", "hop", "n"), [(1024, 256, 5000), (512, 64, 300)])
def test_short_time_spectra_give_the_signal_back(window, hop, n):
    y = torch.from_numpy(clipped(n))[None]
    back = signal(spectra(y, window, hop), window, hop, n)
    assert torch.allclose(back, y, atol=1e-5)


def test_a_network_of_frames_that_look_back_hears_no_future():
    net = family_of("open-unmix").build(
        open_unmix.Shape(8, two_way=False, normalisation="none")
    )
    y = clipped(4096)
    cut = y.copy()
    cut[3000:] = 0
    whole, part = (net.eval().restored(as_item(x))[0] for x in (y, cut))
    # A frame of 1024 samples touches what comes 1023 samples before its last one.
    assert torch.equal(whole[: 3000 - 1024], part[: 3000 - 1024])
    assert not torch.equal(whole[:3000], part[:3000])


def test_the_help_of_train_names_every_preset_of_the_papers():
    assert all(name in train.__doc__ for name in PAPER_PRESETS)
