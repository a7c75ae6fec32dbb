"""What a network must offer to be trained, scored and exported; and the table of them.

Each network is one file of this folder. It is found by its family's name, so that a
checkpoint can be read without knowing which file made it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from typing import Any, Protocol, Self, runtime_checkable

import torch
from torch import Generator, Tensor, nn

from rtdeclip.errors import SettingError
from rtdeclip.processors.model_card import Chunks, Kind, Normalisation
from rtdeclip.processors.onnx_whole import LEAST_ALIKE, SMALLEST
from rtdeclip.training.degrade import Item


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """What makes one network of a family; each adds its numbers and words."""

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint and a card."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Self:
        """The shape a checkpoint carries; lists, as a file may have them, are tuples.

        Raises:
            TypeError: a name that this family has not.
        """
        made = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given.items()
        }
        return cls(**made)


@dataclass(frozen=True, slots=True)
class Running:
    """How the host runs the network: what its card will say, see ``model_card.Card``.

    Args:
        kind: ``step``: a stateful graph of one hop; ``chunk``; ``whole``.
        inputs: names of the graph's inputs, in order.
        hop: samples per step or chunk; 0 for ``whole``.
        latency_samples: of a step graph.
        normalisation: around a chunk or whole graph.
        chunks: of a chunk graph.
    """

    kind: Kind
    inputs: tuple[str, ...] = ("y",)
    hop: int = 0
    latency_samples: int = 0
    normalisation: Normalisation = "none"
    chunks: Chunks = field(default_factory=Chunks)


@runtime_checkable
class Network(Protocol):
    """An ``nn.Module`` that the harness can train, score and export.

    A chunk or whole network's ``forward`` takes the tensors that ``running.inputs``
    names, ``(B, N)`` each, and gives ``(B, N)``: that is what is exported. A step
    network has ``Streaming`` besides.

    Two methods more are used where a network has them: ``training_loss`` (see
    ``SelfTaught``) and ``inner_matrices`` (see ``Muonable``).

    Attributes:
        shape: of the network.
        margin: samples at the start and at the end of a training segment that lack
            their surroundings, so that they are not judged.
        running: for the card.
    """

    shape: Any

    @property
    def margin(self) -> tuple[int, int]:
        """See the class."""
        ...

    @property
    def running(self) -> Running:
        """See the class."""
        ...

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` float32 of the same instants as ``item.clean``, for any N."""
        ...


@runtime_checkable
class SelfTaught(Protocol):
    """A network whose loss is not a named one on ``restored``."""

    def training_loss(self, item: Item, generator: Generator) -> Tensor:
        """A scalar to minimise.

        Args:
            item: a training batch.
            generator: on the CPU; all randomness comes from it.
        """
        ...


@runtime_checkable
class Muonable(Protocol):
    """A network of matrices, which Muon can move."""

    def inner_matrices(self) -> list[nn.Parameter]:
        """Two-dimensional parameters for Muon; AdamW moves the others."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """A network of kind ``step``."""

    def initial_state(self, batch: int = 1) -> list[Tensor]:
        """The state of a fresh stream."""
        ...

    def stepped(self) -> nn.Module:
        """A module that takes the inputs of one hop, then the state, and gives
        ``(restored, *next_state)``; plain operations that export well."""
        ...


@dataclass(frozen=True, slots=True)
class Family:
    """Where the classes of a network live; looked up when they are needed.

    Args:
        module: file of this folder.
        shape: name of its shape's class.
        network: name of the network's class, made from a shape.
    """

    module: str
    shape: str = "Shape"
    network: str = "Network"

    def shape_from(self, given: dict[str, Any]) -> NetworkShape:
        """The shape that a checkpoint carries."""
        cls: type[NetworkShape] = getattr(self._loaded(), self.shape)
        return cls.from_dict(given)

    def build(self, shape: NetworkShape) -> nn.Module:
        """A fresh network of this shape; it is a ``Network`` too."""
        made: nn.Module = getattr(self._loaded(), self.network)(shape)
        assert isinstance(made, Network)
        return made

    def _loaded(self) -> Any:
        return import_module(f"rtdeclip.training.nets.{self.module}")


FAMILIES: Mapping[str, Family] = {
    "causal-demucs": Family("causal_demucs", network="CausalDemucs"),
    "demucs": Family("demucs", network="Demucs"),
    "rnn": Family("rnn", network="FrameRnn"),
    "wave-u-net": Family("wave_u_net", network="WaveUNet"),
    "open-unmix": Family("open_unmix", network="OpenUnmix"),
    "crafx": Family("crafx", network="Crafx"),
    "deep-filter": Family("deep_filter", network="DeepFilter"),
    "spectrogram-u-net": Family("spectrogram_u_net", network="SpectrogramUNet"),
    "spectrogram-u-net-causal": Family(
        "causal_spectrogram_u_net", network="CausalSpectrogramUNet"
    ),
    "equivariant-u-net": Family("equivariant_u_net", network="EquivariantUNet"),
    "not-miwae": Family("not_miwae", network="NotMiwae"),
}


def family_of(name: str) -> Family:
    """The family called ``name``.

    Raises:
        SettingError: there is none.
    """
    if name not in FAMILIES:
        raise SettingError(
            f"There is no network family {name!r}; there are: {', '.join(FAMILIES)}. "
            "Choose a preset of one of them with --preset."
        )
    return FAMILIES[name]


def through(net: nn.Module, running: Running, item: Item) -> Tensor:
    """``restored`` of a network that is a function of its lines and nothing else.

    The normalisation is the host's: ``y``, ``theta`` and ``estimate`` divided before,
    the output multiplied after.

    Args:
        net: takes the lines of ``running.inputs``, ``(B, N)``, and gives ``(B, N)``.
        running: its inputs and normalisation.
        item: a batch.
    """
    mean, scale = normalisation(running.normalisation, item)
    lines = {
        "y": (item.clipped - mean) / scale,
        "sign": item.sign,
        "theta": item.theta / scale,
    }
    if item.estimate is not None:
        lines["estimate"] = (item.estimate - mean) / scale
    out: Tensor = net(*(lines[name] for name in running.inputs)).float()
    if running.normalisation == "fitted":
        scale = _level(out.detach(), item)
    return out * scale + mean


def _level(out: Tensor, item: Item) -> Tensor:
    """``(B, 1)``, the level of ``out``, found as the host finds it."""
    y, kept = item.clipped, (item.sign == 0).to(out.dtype)
    share = kept.mean(1, keepdim=True).clamp(min=SMALLEST)
    known, found = (_rms(x * kept) / share.sqrt() for x in (y, out))
    alike = (out * y * kept).mean(1, keepdim=True) / share / (known * found)
    level = known / found / alike.clamp(min=LEAST_ALIKE)
    told = torch.minimum(known, found) > SMALLEST
    return torch.where(told, level, _rms(y) / _rms(out).clamp(min=SMALLEST))


def _rms(x: Tensor) -> Tensor:
    return x.square().mean(1, keepdim=True).sqrt()


def normalisation(kind: Normalisation, item: Item) -> tuple[Tensor, Tensor]:
    """Mean and scale of each signal of a batch, ``(B, 1)`` each, as the host has them.

    Args:
        kind: see ``model_card.Card``.
        item: a batch.
    """
    y = item.clipped
    mean = torch.zeros_like(y[:, :1])
    if kind == "mean_variance":
        mean = y.mean(1, keepdim=True)
    scale = {
        "none": torch.ones_like(mean),
        "level": item.theta.amax(1, keepdim=True),
        "energy": _rms(y),
        "mean_variance": y.std(1, keepdim=True, correction=0),
        "peak": (peak := y.abs().amax(1, keepdim=True)),
        "fitted": peak,
    }[kind]
    return mean, torch.where(scale > SMALLEST, scale, torch.ones_like(scale))
