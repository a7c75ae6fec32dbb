"""A checkpoint as a shipped model: one ONNX step graph per precision, and its card.

The graph is written by torch's exporter at opset 20 / IR 10, which every supported
onnxruntime reads. The LSTM becomes explicit cells with one weight matrix each, because
the dynamic quantiser finds plain matrix products only.
"""

import hashlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import tomli_w
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from rtdeclip.errors import ModelError
from rtdeclip.processors.model_card import CARD, FORMAT, Card, Estimate, Weights
from rtdeclip.processors.step_graph import graph_metadata
from rtdeclip.training.fit import Plan, read_checkpoint
from rtdeclip.training.nets.causal_demucs import CausalDemucs, Shape, State

OPSET = 20
IR_VERSION = 10
FILES = {"int8": "model.int8.onnx", "fp32": "model.onnx"}


class Product(nn.Module):
    """A linear layer as a plain product with a named ``(in, out)`` matrix.

    The exporter would store a Linear's transposed weight under a number; with the
    names kept a shipped model can be the start of a new training.
    """

    def __init__(self, matrix: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.matrix = nn.Parameter(matrix.detach().clone().contiguous())
        self.bias = nn.Parameter(bias.detach().clone())

    def forward(self, x: Tensor) -> Tensor:
        """``x @ matrix + bias``."""
        return x @ self.matrix + self.bias


class Cell(nn.Module):
    """One LSTM layer, a row at a time, its two weight matrices side by side."""

    def __init__(self, lstm: nn.LSTM, layer: int) -> None:
        super().__init__()
        taken = (getattr(lstm, f"weight_{k}_l{layer}") for k in ("ih", "hh"))
        bias = getattr(lstm, f"bias_ih_l{layer}") + getattr(lstm, f"bias_hh_l{layer}")
        self.gates = Product(torch.cat(list(taken), 1).T, bias)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C)`` each; the next h and c."""
        i, f, g, o = self.gates(torch.cat([x, h], 1)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


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
        self.eval().requires_grad_(False)

    def _recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Any]:
        row, hs, cs = x[:, 0], [], []
        for layer, cell in enumerate(self.cells):
            row, kept = cell(row, h[layer], c[layer])
            hs.append(row)
            cs.append(kept)
        return row[:, None], (torch.stack(hs), torch.stack(cs))


class Step(nn.Module):
    """The network as a step graph: tensors in, tensors out, one hop at a time."""

    def __init__(self, net: CausalDemucs) -> None:
        super().__init__()
        self.net = _Celled(net)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Inputs, then the state; the restored hop, then the next state."""
        y, sign, theta, *rest = tensors
        estimate = rest.pop(0) if self.net.shape.estimate else None
        out, after = self.net(y, sign, theta, estimate, rest)
        return (out, *after)


def step_graph(net: CausalDemucs) -> onnx.ModelProto:
    """``net`` as an ONNX step graph, all weights inside."""
    step = Step(net)
    state: State = net.initial_state()
    names = ["y", "sign", "theta", *(["estimate"] if net.shape.estimate else [])]
    hop = [torch.zeros(1, net.shape.hop) for _ in names]
    hop[2] += 1.0
    with _quiet():
        program = torch.onnx.export(
            step,
            (*hop, *state),
            input_names=[*names, *(f"state_{k}" for k in range(len(state)))],
            output_names=["restored", *(f"next_{k}" for k in range(len(state)))],
            opset_version=OPSET,
            dynamo=True,
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


def quantised(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with int8 weights and activations scaled as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with _quiet(), TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        quantize_dynamic(model, path, weight_type=QuantType.QInt8)
        result: onnx.ModelProto = onnx.load(path)
    result.ir_version = IR_VERSION
    return result


def export(
    net: CausalDemucs,
    plan: Plan,
    folder: Path,
    *,
    summary: str,
    licence: str = "",
    data: Sequence[str] = (),
    training: dict[str, Any] | None = None,
) -> Card:
    """Writes ``folder`` as a model: int8 and fp32 graphs and the card.

    Args:
        net: trained; its running-mean weights.
        plan: of the training.
        folder: made if missing; its name becomes the model's.
        summary: one line.
        licence: of the weights.
        data: what it was trained on, a line each.
        training: for the card's readers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape, model = plan.shape, step_graph(net)
    estimate = Estimate("aspade", {}, plan.windows_ms) if shape.estimate else None
    tags = graph_metadata(folder.name, plan.sample_rate, shape.hop, shape.look_ahead)
    weights = {}
    for precision, graph in (("int8", quantised(model)), ("fp32", model)):
        onnx.helper.set_model_props(graph, tags | {"rtdeclip.licence": licence})
        content = graph.SerializeToString()
        (folder / FILES[precision]).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        weights[precision] = Weights(FILES[precision], digest)
    card = Card(
        name=folder.name,
        summary=summary,
        kind="step",
        sample_rate=plan.sample_rate,
        hop=shape.hop,
        latency_samples=shape.look_ahead,
        inputs=("y", "sign", "theta", *(["estimate"] if shape.estimate else [])),
        weights=weights,
        folder=folder,
        estimate=estimate,
        licence=licence,
        data=tuple(data),
        training=(training or {}) | {"shape": shape.to_dict()},
    )
    write_card(card)
    return card


def load_trained(checkpoint: Path) -> tuple[CausalDemucs, Plan, dict[str, Any]]:
    """The running-mean network of a checkpoint, its plan, and facts for the card.

    Raises:
        ModelError: the file is no checkpoint.
    """
    kept = read_checkpoint(checkpoint)
    plan = Plan.from_dict(kept["plan"])
    net = CausalDemucs(plan.shape)
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
        "mix": plan.mix.to_dict(),
        "torch": torch.__version__,
    }
    return net.eval(), plan, facts


def write_card(card: Card) -> None:
    """``card.toml`` in the card's folder."""
    raw = {"format": FORMAT} | {
        key: value
        for key, value in asdict(card).items()
        if key not in ("folder", "rungs", "chunks", "normalisation")
        and value not in (None, (), {}, "")
    }
    if card.rungs:
        raw["rungs"] = [
            {"cost": r.cost, "gain_db": r.gain_db, "settings": dict(r.settings)}
            for r in card.rungs
        ]
    (card.folder / CARD).write_text(tomli_w.dumps(raw, multiline_strings=False))


def weights_of(path: Path, shape: Shape) -> dict[str, Tensor]:
    """The named weights of a shipped fp32 graph, as a state dict to start from.

    Raises:
        ModelError: the graph has not the weights of this shape.
    """
    try:
        stored = {
            i.name.removeprefix("net."): torch.from_numpy(
                numpy_helper.to_array(i).copy()
            )
            for i in onnx.load(path).graph.initializer
        }
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
            f"{path} has not the weights of this network ({error}). Give an fp32 graph "
            "that rtdeclip export wrote, and its own shape."
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
