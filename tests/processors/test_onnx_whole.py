"""Networks for whole signals, run as their cards say; the graphs are made here."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from rtdeclip.errors import ModelError
from rtdeclip.processors.model_card import read_card
from rtdeclip.processors.onnx_model import method_of
from rtdeclip.processors.step_graph import graph_metadata
from rtdeclip.stream.offline import declip

RATE, LEVEL = 16000, 0.4
NODES = {
    # What a graph gives, from what it is fed.
    "louder": ("y",),  # y + 0.25
    "estimate": ("y", "estimate"),  # the estimate
    "excess": ("y", "sign", "theta"),  # y + sign · theta
    "doubled": ("y",),  # 2 y
}


def model(folder, graph, kind="whole", hop=0, extra="", name="m"):
    """A model folder around a graph of one or two nodes."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = NODES[graph]
    shape = [1, hop or "n"]
    nodes = {
        "louder": [helper.make_node("Add", ["y", "quarter"], ["restored"])],
        "doubled": [helper.make_node("Add", ["y", "y"], ["restored"])],
        "estimate": [
            helper.make_node("Mul", ["y", "zero"], ["nothing"]),
            helper.make_node("Add", ["estimate", "nothing"], ["restored"]),
        ],
        "excess": [
            helper.make_node("Mul", ["sign", "theta"], ["added"]),
            helper.make_node("Add", ["y", "added"], ["restored"]),
        ],
    }[graph]
    proto = helper.make_model(
        helper.make_graph(
            nodes,
            graph,
            [
                helper.make_tensor_value_info(n, TensorProto.FLOAT, shape)
                for n in inputs
            ],
            [helper.make_tensor_value_info("restored", TensorProto.FLOAT, shape)],
            [
                helper.make_tensor("quarter", TensorProto.FLOAT, [1], [0.25]),
                helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    helper.set_model_props(proto, graph_metadata(name, RATE, hop, 0))
    content = proto.SerializeToString()
    (folder / "model.onnx").write_bytes(content)
    quoted = ", ".join(f'"{name}"' for name in inputs)
    (folder / "card.toml").write_text(
        f'format = 1\nname = "m"\nsummary = "s"\nkind = "{kind}"\n'
        f"sample_rate = {RATE}\nhop = {hop}\nlatency_samples = 0\n"
        f"inputs = [{quoted}]\n{extra}\n"
        f'[weights.fp32]\nfile = "model.onnx"\n'
        f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    )
    return read_card(Path(folder))


def build(card):
    return method_of(card).build(RATE)


def clipped(n=2000, seed=0, rate=RATE):
    """A clipped sum of tones as ``restore`` takes it."""
    t = np.arange(n) / rate
    x = 0.5 * np.sin(2 * np.pi * 310 * t + seed) + 0.3 * np.sin(2 * np.pi * 120 * t)
    y = np.clip(x, -LEVEL, LEVEL).astype(np.float32)[:, None]
    sign = (np.sign(y) * (np.abs(y) >= LEVEL)).astype(np.int8)
    return y, sign, np.where(sign == 0, 0, np.float32(LEVEL)).astype(np.float32)


def test_a_whole_graph_sees_the_whole_signal(tmp_path):
    y, sign, bound = clipped()
    out = build(model(tmp_path, "louder")).restore(y, sign, bound, RATE)
    assert np.allclose(out, y + 0.25)


def test_mask_and_level_reach_the_graph(tmp_path):
    y, sign, bound = clipped()
    out = build(model(tmp_path, "excess")).restore(y, sign, bound, RATE)
    assert np.allclose(out, y + sign * np.float32(LEVEL))


@pytest.mark.parametrize(
    ("kind", "added"),
    [
        ("none", lambda y: 0.25),
        ("level", lambda y: 0.25 * LEVEL),
        ("energy", lambda y: 0.25 * np.sqrt(np.mean(y**2))),
        ("mean_variance", lambda y: 0.25 * np.std(y)),
        ("peak", lambda y: 0.25 * np.abs(y).max()),
    ],
)
def test_a_normalisation_is_undone_after_the_graph(tmp_path, kind, added):
    card = model(tmp_path, "louder", extra=f'normalisation = "{kind}"')
    y, sign, bound = clipped()
    y = y + np.float32(0.05)
    out = build(card).restore(y, sign, bound, RATE)
    assert np.allclose(out, y + added(y), atol=1e-6)


@pytest.mark.parametrize("lost", [False, True])
def test_a_fitted_level_is_that_of_the_reliable_samples(tmp_path, lost):
    """Whatever level the graph gives, and where no sample tells: the same power."""
    card = model(tmp_path, "doubled", extra='normalisation = "fitted"')
    y, sign, bound = clipped()
    if lost:
        sign[:] = 1
    out = build(card).restore(y, sign, bound, RATE)
    assert np.allclose(out, y, atol=1e-6)


def test_a_fitted_level_is_not_lowered_by_what_the_graph_adds(tmp_path):
    card = model(tmp_path, "louder", extra='normalisation = "fitted"')
    y, sign, bound = clipped(n=16000)
    out = build(card).restore(y, sign, bound, RATE)
    assert np.allclose(out, y + 0.25 * LEVEL, atol=0.01)


@pytest.mark.parametrize("window", ["flat", "hann"])
@pytest.mark.parametrize("n", [1, 255, 256, 257, 2000])
def test_overlapping_chunks_add_up_to_the_signal(tmp_path, window, n):
    extra = f'chunks = {{ overlap = 0.5, window = "{window}", clipped_only = false }}'
    card = model(tmp_path, "louder", "chunk", 256, extra)
    y, sign, bound = clipped(max(n, 300))
    y, sign, bound = y[-n:], sign[-n:], bound[-n:]
    sign[-1] = 1
    out = build(card).restore(y, sign, bound, RATE)
    assert out.shape == y.shape
    assert np.allclose(out, y + 0.25, atol=1e-6)


def test_only_chunks_with_clipped_samples_are_run_when_the_card_says_so(tmp_path):
    extra = "chunks = { overlap = 0.0, clipped_only = true }"
    card = model(tmp_path, "louder", "chunk", 500, extra)
    y, sign, bound = clipped()
    sign[:] = 0
    sign[700] = 1
    out = build(card).restore(y, sign, bound, RATE)
    inside = slice(500, 1000)
    assert np.allclose(out[inside], y[inside] + 0.25)
    assert np.array_equal(out[:500], y[:500])
    assert np.array_equal(out[1000:], y[1000:])


def test_an_unclipped_channel_is_left_alone(tmp_path):
    y, sign, bound = (np.concatenate([a, a], 1) for a in clipped())
    sign[:, 1] = 0
    out = build(model(tmp_path, "louder")).restore(y, sign, bound, RATE)
    assert np.allclose(out[:, 0], y[:, 0] + 0.25)
    assert np.array_equal(out[:, 1], y[:, 1])


def test_the_named_processors_estimate_is_aligned(tmp_path):
    extra = 'estimate = { processor = "bypass" }'
    y, sign, bound = clipped()
    out = build(model(tmp_path, "estimate", extra=extra)).restore(y, sign, bound, RATE)
    assert np.array_equal(out, y)
    extra = 'estimate = { processor = "aspade", settings = { window_ms = 16.0 } }'
    card = model(tmp_path / "b", "estimate", extra=extra)
    better = build(card).restore(y, sign, bound, RATE)
    assert np.allclose(better[sign == 0], y[sign == 0], atol=1e-4)
    assert (np.abs(better[sign != 0]) >= LEVEL * 0.99).all()
    assert np.abs(better).max() > 1.2 * LEVEL


@pytest.mark.parametrize("rate", [44100, 8000, 16001])
def test_at_another_rate_only_clipped_samples_change(tmp_path, rate):
    y, sign, bound = clipped(3001, rate=rate)
    out = build(model(tmp_path, "doubled")).restore(y, sign, bound, rate)
    assert out.shape == y.shape
    assert np.array_equal(out[sign == 0], y[sign == 0])
    inner = (sign != 0) & (np.arange(len(y)) > 200)[:, None]
    inner &= (np.arange(len(y)) < len(y) - 200)[:, None]
    assert np.allclose(out[inner], 2 * y[inner], atol=0.05)


def test_whole_models_join_the_restorers(tmp_path):
    method = method_of(model(tmp_path, "louder"))
    assert method.kind == "restorer"
    assert method.rates == ()
    y, sign, _ = clipped()
    out = declip(y, RATE, method, level=LEVEL)
    high = sign > 0
    assert np.array_equal(out[sign == 0], y[sign == 0])
    assert np.allclose(out[high], LEVEL + 0.25)


def test_a_graph_that_does_not_fit_its_card_is_refused(tmp_path):
    model(tmp_path, "excess")
    card = tmp_path / "card.toml"
    card.write_text(card.read_text().replace('"y", "sign", "theta"', '"y"'))
    with pytest.raises(ModelError, match="its card names y"):
        build(read_card(tmp_path))
    other = model(tmp_path / "other", "louder", name="somebody-else")
    with pytest.raises(ModelError, match=r"rtdeclip\.name = 'somebody-else'"):
        build(other)


@pytest.mark.parametrize(
    "extra",
    [
        'normalisation = "loud"',
        "chunks = { overlap = 1.0 }",
        'chunks = { window = "x" }',
    ],
)
def test_a_card_with_unknown_words_is_refused(tmp_path, extra):
    with pytest.raises(ModelError, match="is not a model card"):
        model(tmp_path, "louder", "chunk", 64, extra)
