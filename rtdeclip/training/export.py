"""A checkpoint as a shipped model: an ONNX graph per precision, and its card.

Graphs are written by torch's exporter at opset 20 / IR 10, which every supported
onnxruntime reads. In a step graph the LSTM becomes explicit cells with one weight
matrix each, because the dynamic quantiser finds plain matrix products only. Networks
that see whole signals keep their form; they ship with weights of 16 bits.
"""

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import tomli_w
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from rtdeclip.errors import ModelError
from rtdeclip.processors.model_card import CARD, FORMAT, Card, Weights
from rtdeclip.processors.step_graph import graph_metadata
from rtdeclip.training.estimates import estimate_of, partner_of
from rtdeclip.training.fit import Plan, read_checkpoint
from rtdeclip.training.nets.causal_demucs import CausalDemucs, Shape, with_partner
from rtdeclip.training.nets.cells import Cell, Product, through_cells
from rtdeclip.training.nets.network import Network, Running, Streaming, family_of

OPSET = 20
IR_VERSION = 10
FILES = {"int8": "model.int8.onnx", "fp32": "model.onnx", "fp16": "model.fp16.onnx"}
WHOLE_SAMPLES = 16384  # of the example that a graph of any length is traced with
HALVED = "_h"  # ends the name of a tensor of 16 bits
LARGE = 256  # numbers; smaller tensors stay as they are


class _Celled(CausalDemucs):
    """The network with explicit LSTM cells and named matrices, for one hop."""

    def __init__(self, net: CausalDemucs) -> None:
        super().__init__(net.shape)
        self.load_state_dict(net.state_dict())
        self.cells = nn.ModuleList(Cell(self.lstm, k) for k in range(net.shape.layers))
        for block in self.blocks:
            for name in ("conv", "mix"):
                linear = getattr(block, name)
                setattr(block, name, Product(linear.weight.T, linear.bias))
        if net.shape.partner:
            assert isinstance(self.meet, nn.Linear)
            self.meet = Product(self.meet.weight.T, self.meet.bias)
        self.eval().requires_grad_(False)

    def _recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Any]:
        return through_cells(self.cells, x, h, c)


class Step(nn.Module):
    """The network as a step graph: tensors in, tensors out, one hop at a time."""

    def __init__(self, net: CausalDemucs) -> None:
        super().__init__()
        self.net = _Celled(net)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Inputs, then the state; the restored hop, then the next state."""
        y, sign, theta, *rest = tensors
        estimate = rest.pop(0) if self.net.shape.estimate else None
        partner = rest.pop(0) if self.net.shape.partner else None
        out, after = self.net(y, sign, theta, estimate, rest, partner)
        return (out, *after)


def graph_of(net: nn.Module) -> onnx.ModelProto:
    """``net`` as the ONNX graph that its ``running`` promises, all weights inside."""
    assert isinstance(net, Network)
    if net.running.kind == "step":
        return step_graph(net, net.running)
    return signal_graph(net, net.running)


def step_graph(net: nn.Module, running: Running) -> onnx.ModelProto:
    """A graph of one hop: the lines and the state in, the restored and the next out."""
    assert isinstance(net, CausalDemucs | Streaming)
    state = net.initial_state()
    step = Step(net) if isinstance(net, CausalDemucs) else net.stepped()
    lines = [_line(name, running.hop) for name in running.inputs]
    return _traced(
        step,
        (*lines, *state),
        [*running.inputs, *(f"state_{k}" for k in range(len(state)))],
        ["restored", *(f"next_{k}" for k in range(len(state)))],
    )


def signal_graph(net: nn.Module, running: Running) -> onnx.ModelProto:
    """A graph of a chunk, or of any length: the lines in, the restored out."""
    whole = running.kind == "whole"
    lines = [_line(name, running.hop or WHOLE_SAMPLES) for name in running.inputs]
    free = tuple({1: torch.export.Dim.DYNAMIC} for _ in lines) if whole else None
    return _traced(net, tuple(lines), list(running.inputs), ["restored"], free)


def _line(name: str, length: int) -> Tensor:
    return torch.ones(1, length) if name == "theta" else torch.zeros(1, length)


def _traced(
    net: nn.Module,
    given: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    free: tuple[dict[int, Any], ...] | None = None,
) -> onnx.ModelProto:
    with _quiet():
        program = torch.onnx.export(
            net.eval().requires_grad_(False),
            given,
            input_names=inputs,
            output_names=outputs,
            opset_version=OPSET,
            dynamo=True,
            dynamic_shapes=free,
            verbose=False,
        )
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    model.ir_version = IR_VERSION
    for value in (*model.graph.input, *model.graph.output, *model.graph.node):
        del value.metadata_props[:]  # the exporter's stack traces
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    return model


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, its large tensors stored in 16 bits and widened when loaded."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph, casts = result.graph, []
    for stored in graph.initializer:
        value = numpy_helper.to_array(stored)
        if value.dtype != np.float32 or value.size < LARGE:
            continue
        name = stored.name
        stored.CopyFrom(
            numpy_helper.from_array(value.astype(np.float16), name + HALVED)
        )
        casts.append(
            helper.make_node("Cast", [name + HALVED], [name], to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with int8 weights and activations scaled as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet(), TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_dynamic(model, path, weight_type=QuantType.QInt8)
        result: onnx.ModelProto = onnx.load(path)
    result.ir_version = IR_VERSION
    return result


FORMS: dict[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
    "int8": quantised,
    "fp16": halved,
    "fp32": lambda model: model,
}


def export(
    net: nn.Module,
    plan: Plan,
    folder: Path,
    *,
    summary: str,
    licence: str = "",
    data: Sequence[str] = (),
    training: dict[str, Any] | None = None,
    note: str = "",
    precisions: Sequence[str] = (),
) -> Card:
    """Writes ``folder`` as a model: its graphs and the card.


    Args:
        net: trained; its running-mean weights.
        plan: of the training.
        folder: made if missing; its name becomes the model's.
        summary: one line.
        licence: of the weights.
        data: what it was trained on, a line each.
        training: for the card's readers.
        note: what it is for, if not for daily use.
        precisions: names of ``FORMS``, the first is the default; empty: int8 and fp32
            of a step network, fp16 of others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    assert isinstance(net, Network)
    running, model = net.running, graph_of(net)
    estimate = estimate_of(plan) if plan.estimate else None
    partner = partner_of(plan) if plan.partner else None
    late = running.latency_samples
    tags = graph_metadata(folder.name, plan.sample_rate, running.hop, late)
    usual = ("int8", "fp32") if running.kind == "step" else ("fp16",)
    weights = {}
    for precision in precisions or usual:
        graph = FORMS[precision](model)
        onnx.helper.set_model_props(graph, tags | {"rtdeclip.licence": licence})
        content = graph.SerializeToString()
        (folder / FILES[precision]).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        weights[precision] = Weights(FILES[precision], digest)
    card = Card(
        name=folder.name,
        summary=summary,
        kind=running.kind,
        sample_rate=plan.sample_rate,
        also_hz=plan.also_hz,
        hop=running.hop,
        latency_samples=late,
        inputs=running.inputs,
        weights=weights,
        folder=folder,
        estimate=estimate,
        partner=partner,
        licence=licence,
        data=tuple(data),
        training=(training or {}) | {"shape": plan.shape.to_dict()},
        normalisation=running.normalisation,
        chunks=running.chunks,
        scope="all" if plan.distortions and plan.distortions.soft else "clipped",
        note=note,
    )
    write_card(card)
    return card


def load_trained(checkpoint: Path) -> tuple[nn.Module, Plan, dict[str, Any]]:
    """The running-mean network of a checkpoint, its plan, and facts for the card.

    Raises:
        ModelError: the file is no checkpoint.
    """
    kept = read_checkpoint(checkpoint)
    plan = Plan.from_dict(kept["plan"])
    net = family_of(plan.family).build(plan.shape)
    net.load_state_dict(kept["mean"])
    seconds = kept["step"] * plan.batch * plan.segment_samples / plan.sample_rate
    facts: dict[str, Any] = {
        "steps": kept["step"],
        "minutes": round(kept["spent_s"] / 60.0, 1),
        "audio_h": round(seconds / 3600.0, 1),
        "parameters": sum(p.numel() for p in net.parameters()),
        "loss": plan.loss,
        "batch": plan.batch,
        "rate": plan.rate,
        "seed": plan.seed,
        "family": plan.family,
        "optimiser": plan.optimiser,
        "torch": torch.__version__,
        "mix": (plan.distortions or plan.mix).to_dict(),
    }
    return net.eval(), plan, facts


def write_card(card: Card) -> None:
    """``card.toml`` in the card's folder; what is as always is left out."""
    left = {"folder", "rungs"}
    left |= set() if card.kind == "chunk" else {"chunks"}
    left |= {"normalisation"} if card.normalisation == "none" else set()
    left |= {"scope"} if card.scope == "clipped" else set()
    raw = {"format": FORMAT} | {
        key: value
        for key, value in asdict(card).items()
        if key not in left and value not in (None, (), {}, "")
    }
    if card.rungs:
        raw["rungs"] = [
            {"cost": r.cost, "gain_db": r.gain_db, "settings": dict(r.settings)}
            for r in card.rungs
        ]
    (card.folder / CARD).write_text(tomli_w.dumps(raw, multiline_strings=False))


def weights_of(path: Path, shape: Shape) -> dict[str, Tensor]:
    """A state dict to start from: the named weights of a shipped fp32 or fp16 graph.

    One without a partner serves a shape that has one, see ``with_partner``.

    Raises:
        ModelError: the graph has not the weights of this shape.
    """
    try:
        stored = {
            i.name.removeprefix("net.").removesuffix(HALVED): torch.from_numpy(
                numpy_helper.to_array(i).copy()
            ).float()
            for i in onnx.load(path).graph.initializer
        }
        if shape.partner and "meet.matrix" not in stored:
            alone = weights_of(path, replace(shape, partner=False))
            return with_partner(alone, shape)
        net = CausalDemucs(shape)
        found = {}
        for name in net.state_dict():
            owner, kind = name.rsplit(".", 1)
            if owner != "lstm":
                key = f"{owner}.{'matrix' if kind == 'weight' else 'bias'}"
                found[name] = stored[key].T if kind == "weight" else stored[key]
                continue
            part, side, layer = kind.split("_")
            gates = f"cells.{layer[1:]}.gates"
            size = net.lstm.hidden_size
            if part == "weight":
                rows = slice(0, size) if side == "ih" else slice(size, None)
                found[name] = stored[f"{gates}.matrix"][rows].T
            else:
                whole = stored[f"{gates}.bias"]
                found[name] = whole if side == "ih" else torch.zeros_like(whole)
        net.load_state_dict(found)
    except (
        KeyError,
        RuntimeError,
        onnx.onnx_cpp2py_export.checker.ValidationError,
    ) as error:
        raise ModelError(
            f"{path} has not the weights of this network ({error}). Give an fp32 or "
            "fp16 graph that rtdeclip export wrote, and its own shape."
        ) from error
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what the exporter and the quantiser say about their own internals."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
