"""The step graph is the network: same samples, one file, everything said in it."""

import os
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from rtdeclip.errors import ModelError
from rtdeclip.processors.model_card import read_card
from rtdeclip.processors.onnx_model import make, method_of
from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.stream.processor import Rung
from rtdeclip.stream.stream import Stream
from rtdeclip.training.export import (
    IR_VERSION,
    OPSET,
    export,
    halved,
    weights_of,
    write_card,
)
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets.causal_demucs import CausalDemucs, Shape

PLAIN = Shape(strides=(4, 4, 4), width=8, cap=16, look_ahead=32, layers=2)
HYBRID = replace(PLAIN, layers=1, look_ahead=16, estimate=True)
TRIO = replace(HYBRID, look_ahead=32, partner=True)


@pytest.fixture(
    scope="module", params=[PLAIN, HYBRID, TRIO], ids=["plain", "hybrid", "trio"]
)
def exported(request, tmp_path_factory):
    """A network of random weights, its plan and its card."""
    torch.manual_seed(3)
    plan = Plan("net", 16000, request.param)
    if plan.shape.estimate:
        plan = replace(plan, windows_ms=(16.0, 32.0))
    net = CausalDemucs(plan.shape).eval().requires_grad_(False)
    folder = tmp_path_factory.mktemp("models") / "some-net"
    card = export(
        net, plan, folder, summary="random weights", licence="CC0", data=["noise"]
    )
    return net, plan, card


def lines(shape, n_samples, level=0.5, seed=0):
    """Clipped noise and, for a hybrid, a poor estimate, ``(N,)`` each by name."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(n_samples).astype(np.float32)
    given = {
        "y": np.clip(x, -level, level),
        "sign": np.sign(x) * (np.abs(x) >= level),
        "theta": np.full(n_samples, level),
    }
    for name, taken in (("estimate", shape.estimate), ("partner", shape.partner)):
        if taken:
            given[name] = x + 0.1 * rng.standard_normal(n_samples)
    return {name: line.astype(np.float32) for name, line in given.items()}


def graph_of(card, precision="fp32"):
    tags = graph_metadata(card.name, card.sample_rate, card.hop, card.latency_samples)
    return StepGraph(card.path(precision), card.inputs, tags)


def streamed(card, given, precision="fp32"):
    graph, out = graph_of(card, precision), []
    for at in range(0, len(given["y"]), card.hop):
        for name, line in given.items():
            graph.inputs[name][:] = line[at : at + card.hop]
        out.append(graph.step().copy())
    return np.concatenate(out)


def test_the_graph_streams_what_the_network_computes_whole(exported):
    net, plan, card = exported
    given = lines(plan.shape, 80 * card.hop)
    whole, _ = net(**{n: torch.from_numpy(line)[None] for n, line in given.items()})
    assert np.abs(streamed(card, given) - whole[0].numpy()).max() <= 1e-5


def test_the_graph_follows_a_level_that_changes(exported):
    net, plan, card = exported
    loud = lines(plan.shape, 30 * card.hop, 0.5)
    soft = lines(plan.shape, 30 * card.hop, 0.1, seed=1)
    given = {name: np.concatenate([loud[name], soft[name]]) for name in loud}
    whole, _ = net(**{n: torch.from_numpy(line)[None] for n, line in given.items()})
    assert np.abs(streamed(card, given) - whole[0].numpy()).max() <= 1e-5


def test_reset_starts_the_graph_anew(exported):
    _, plan, card = exported
    graph, given = graph_of(card), lines(plan.shape, card.hop)

    def first():
        for name, line in given.items():
            graph.inputs[name][:] = line
        return graph.step().copy()

    once = first()
    assert not np.array_equal(first(), once)
    graph.reset()
    assert np.array_equal(first(), once)


def test_int8_stays_near_fp32(exported):
    _, plan, card = exported
    given = lines(plan.shape, 80 * card.hop)
    exact, rough = streamed(card, given), streamed(card, given, "int8")
    late = plan.shape.look_ahead
    n = len(exact) - late
    excess = exact[late:] - given["y"][:n]
    error = rough[late:] - exact[late:]
    assert 0 < np.sum(error**2) < 0.02 * np.sum(excess**2)


def test_any_split_of_a_stream_gives_the_same_bits(exported):
    _, _, card = exported
    x = np.random.default_rng(7).standard_normal((1500, 1)).astype(np.float32)
    y = np.clip(x, -1.0, 1.0)
    found = []
    for size in (1500, 1, 17, 509):
        stream = Stream(card.sample_rate, 1, method_of(card), {"weights": "int8"})
        parts = [stream.feed(y[at : at + size]) for at in range(0, len(y), size)]
        found.append(np.concatenate([*parts, stream.flush()]))
        assert not stream.faults.count
    assert all(np.array_equal(found[0], other) for other in found[1:])


def test_a_model_is_one_file_per_precision_at_the_pinned_versions(exported):
    _, _, card = exported
    assert sorted(os.listdir(card.folder)) == [
        "card.toml",
        "model.int8.onnx",
        "model.onnx",
    ]
    for precision in card.weights:
        model = onnx.load(card.path(precision))
        onnx.checker.check_model(model)
        assert model.ir_version == IR_VERSION
        assert {o.domain: o.version for o in model.opset_import}[""] == OPSET


def test_the_matrices_of_the_int8_graph_are_all_int8(exported):
    _, _, card = exported
    model = onnx.load(card.path("int8"))
    kinds = [node.op_type for node in model.graph.node]
    assert "MatMulInteger" in kinds
    assert not {"MatMul", "Gemm"} & set(kinds)


def test_card_and_metadata_make_the_round_trip(exported):
    _, plan, card = exported
    read = read_card(card.folder)
    assert read == replace(card, training=read.training)
    assert read.name == "some-net"
    assert read.hop == 64
    assert read.latency_samples == plan.shape.look_ahead
    assert read.licence == "CC0"
    assert read.data == ("noise",)
    tags = onnx.load(card.path("fp32")).metadata_props
    assert {t.key: t.value for t in tags}["rtdeclip.latency_samples"] == str(
        plan.shape.look_ahead
    )


def test_a_card_that_is_read_and_written_stays_the_same(exported):
    _, _, card = exported
    before = (card.folder / "card.toml").read_text()
    write_card(read_card(card.folder))
    assert (card.folder / "card.toml").read_text() == before
    rung = Rung((("weights", "int8"),), 0.02, (1.0, 2.0, 3.0, 4.0, 5.0))
    write_card(replace(read_card(card.folder), rungs=(rung,)))
    again = read_card(card.folder)
    write_card(card)
    assert again.rungs == (rung,)
    (announced,) = method_of(again).rungs
    assert announced == replace(rung, low_hz=16000, high_hz=16000)


def test_a_shipped_graph_gives_its_weights_back(exported):
    net, plan, card = exported
    again = CausalDemucs(plan.shape)
    again.load_state_dict(weights_of(card.path("fp32"), plan.shape))
    given = {n: torch.from_numpy(t)[None] for n, t in lines(plan.shape, 640).items()}
    assert torch.allclose(again(**given)[0], net(**given)[0], atol=1e-6)
    with pytest.raises(ModelError, match="has not the weights of this network"):
        weights_of(card.path("fp32"), replace(plan.shape, width=4))


def test_a_graph_of_16_bits_gives_its_weights_back_rounded(exported, tmp_path):
    _, plan, card = exported
    whole = weights_of(card.path("fp32"), plan.shape)
    onnx.save(halved(onnx.load(card.path("fp32"))), tmp_path / "model.fp16.onnx")
    for name, rounded in weights_of(tmp_path / "model.fp16.onnx", plan.shape).items():
        assert torch.allclose(rounded, whole[name], rtol=1e-3, atol=1e-6), name


def test_the_hybrids_latency_is_the_estimates_and_its_own(exported):
    _, plan, card = exported
    if not plan.shape.estimate:
        assert make(card, 16000, "fp32").latency_samples == 32
        return
    short = method_of(card).build(16000, weights="fp32", window_ms="16")
    long = method_of(card).build(16000, weights="fp32", window_ms="32")
    assert short.latency_samples == 256 - 64 + plan.shape.look_ahead
    assert long.latency_samples == 512 - 128 + 128 - 64 + plan.shape.look_ahead
