"""The training loop: one step, checkpoints that resume exactly, a CSV log.

Any network of ``nets.network`` goes through it. Of the causal DEMUCS Muon (Jordan et
al., 2024, as ``torch.optim.Muon``) moves the matrices, AdamW the rest. Measured on
speech at 16 kHz, two minutes of one core: 6.5 dB of ΔSDR with Muon against 5.6 dB with
AdamW alone, the best rate and batch of each.
"""

import copy
import csv
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from rtdeclip.errors import ModelError, SettingError
from rtdeclip.training.degrade import Degradation, Item
from rtdeclip.training.distort import Distortions
from rtdeclip.training.losses import LOSSES
from rtdeclip.training.nets.causal_demucs import Shape as CausalDemucsShape
from rtdeclip.training.nets.network import (
    Muonable,
    Network,
    SelfTaught,
    family_of,
)

FORMAT = 1
WARM_UP_STEPS = 100  # at most a tenth of a training given in steps
ADAM_SHARE = 0.25  # AdamW's learning rate over Muon's
FLOOR = 0.01  # of the peak learning rate, at the end of the cosine


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a training, stored in its checkpoints.

    Args:
        name: of the model.
        sample_rate: Hz.
        shape: of the network, one of its family's.
        mix: the degradations.
        loss: a name of ``losses.LOSSES``.
        batch: segments per step.
        segment_samples: length of one, a multiple of the hop.
        rate: peak learning rate.
        ema: decay of the weights' running mean, which is what is exported.
        clip_norm: largest gradient norm.
        steps: length of the cosine schedule; None: by time.
        minutes: length of the schedule, used when ``steps`` is None: CPU time of
            this process where it trains on a CPU, else by the clock.
        precision: ``bf16`` (autocast) or ``fp32``.
        seed: of the weights and of every draw.
        estimator: the processor whose estimate it is, if the shape takes one.
        windows_ms: of A-SPADE, if that is the one.
        also_hz: other rates at which the network is to run as it is.
        family: of the network, a name of ``nets.network.FAMILIES``.
        optimiser: ``muon`` (AdamW beside it, for networks that offer matrices) or
            ``adam``.
        distortions: the rules of a paper, which then take the place of ``mix``.
    """

    name: str
    sample_rate: int
    shape: Any = field(default_factory=CausalDemucsShape)
    mix: Degradation = field(default_factory=Degradation)
    loss: str = "delta_sdr"
    batch: int = 12
    segment_samples: int = 16384
    rate: float = 8e-3
    ema: float = 0.999
    clip_norm: float = 5.0
    steps: int | None = None
    minutes: float = 60.0
    precision: str = "bf16"
    seed: int = 0
    estimator: str = "aspade"
    windows_ms: tuple[float, ...] = ()
    also_hz: tuple[int, ...] = ()
    family: str = "causal-demucs"
    optimiser: str = "muon"
    distortions: Distortions | None = None

    @property
    def estimate(self) -> bool:
        """Whether the network starts from a classical estimate."""
        return bool(getattr(self.shape, "estimate", False))

    @property
    def partner(self) -> bool:
        """Whether it mixes in another one."""
        return bool(getattr(self.shape, "partner", False))

    @property
    def warm_up_steps(self) -> int:
        """Over which the learning rate rises."""
        return min(WARM_UP_STEPS, max(1, (self.steps or WARM_UP_STEPS * 10) // 10))

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "Plan":
        """The plan a checkpoint carries; one without a family is a causal DEMUCS."""
        family = given.get("family", "causal-demucs")
        rules = given.get("distortions")
        made = {
            "shape": family_of(family).shape_from(given["shape"]),
            "mix": Degradation(**given["mix"]),
            "windows_ms": tuple(given.get("windows_ms", ())),
            "also_hz": tuple(given.get("also_hz", ())),
            "distortions": Distortions.from_dict(rules) if rules else None,
        }
        return cls(**{**given, **made})


# Of the draws' generator and the number of the step.
Source = Callable[[Generator, int], Item]


class Fit:
    """A training under way.

    Args:
        plan: what to train and how.
        source: gives the next batch; all its randomness comes from the generator.
        device: ``cpu`` or ``cuda``.
    """

    def __init__(self, plan: Plan, source: Source, device: str = "cpu") -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.source, self.device = plan, source, device
        self.net = family_of(plan.family).build(plan.shape).to(device)
        self.mean = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.generator = Generator().manual_seed(plan.seed)
        self.optimisers = _optimisers(self.net, plan)
        self.step = 0
        self.spent_s = 0.0

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Begins at the weights of another network of the same shape."""
        self.net.load_state_dict(weights)
        self.mean.load_state_dict(weights)

    @property
    def progress(self) -> float:
        """0 at the start, 1 when the schedule is used up."""
        if self.plan.steps is not None:
            return self.step / self.plan.steps
        return self.spent_s / (60.0 * self.plan.minutes)

    def advance(self) -> float:
        """One step; the loss before it."""
        clock = time.process_time if self.device == "cpu" else time.perf_counter
        start = clock()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                pace = schedule(
                    self.progress, (self.step + 1) / self.plan.warm_up_steps
                )
                group["lr"] = self.plan.rate * group["share"] * pace
            optimiser.zero_grad()
        loss = self._loss(self.source(self.generator, self.step))
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.net.parameters(), self.plan.clip_norm)
        for optimiser in self.optimisers:
            optimiser.step()
        self._average()
        self.step += 1
        self.spent_s += clock() - start
        return float(loss.detach())

    def _loss(self, item: Item) -> Tensor:
        item, net = item.to(self.device), self.net
        with _autocast(self.device, self.plan.precision):
            if isinstance(net, SelfTaught):
                return net.training_loss(item, self.generator)
            assert isinstance(net, Network)
            out = net.restored(item)
        left, right = net.margin
        kept = slice(left, item.clean.shape[1] - right)
        return LOSSES[self.plan.loss](
            out[:, kept], item.clean[:, kept], item.clipped[:, kept]
        )

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.plan.ema, (1 + self.step) / (10 + self.step))
        pairs = zip(self.mean.parameters(), self.net.parameters(), strict=True)
        for mean, now in pairs:
            mean.lerp_(now, 1.0 - decay)
        counts = zip(self.mean.buffers(), self.net.buffers(), strict=True)
        for kept, latest in counts:
            kept.copy_(latest)

    def save(self, path: Path) -> None:
        """All that an exact resume needs; written beside and moved into place."""
        part = path.with_suffix(".part")
        torch.save(
            {
                "format": FORMAT,
                "plan": asdict(self.plan),
                "net": self.net.state_dict(),
                "mean": self.mean.state_dict(),
                "optimisers": [o.state_dict() for o in self.optimisers],
                "generator": self.generator.get_state(),
                "step": self.step,
                "spent_s": self.spent_s,
            },
            part,
        )
        part.replace(path)

    def restore(self, path: Path) -> None:
        """Goes on where ``save`` stopped.

        Raises:
            ModelError: the file is no checkpoint of this network.
        """
        kept = read_checkpoint(path)
        self.net.load_state_dict(kept["net"])
        self.mean.load_state_dict(kept["mean"])
        for optimiser, state in zip(self.optimisers, kept["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        self.generator.set_state(kept["generator"])
        self.step, self.spent_s = kept["step"], kept["spent_s"]


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint's content.

    Raises:
        ModelError: missing, damaged or written by a later version.
    """
    try:
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        known = kept["format"] <= FORMAT
    except Exception as error:
        raise ModelError(
            f"{path} is not a checkpoint of rtdeclip ({type(error).__name__}). "
            "Give a file that `rtdeclip train` wrote."
        ) from error
    if not known:
        raise ModelError(
            f"{path} has format {kept['format']}, this version reads up to {FORMAT}. "
            "Update rtdeclip."
        )
    return kept


def schedule(progress: float, warmth: float) -> float:
    """Learning rate over its peak: linear warm-up, then a cosine down to a floor.

    Args:
        progress: of the whole training, 0 to 1.
        warmth: of the warm-up, from 1 on it is over.
    """
    cosine = 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return max(FLOOR, cosine) * min(1.0, warmth)


def _optimisers(net: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """Muon for the inner matrices, AdamW for the rest; or Adam for all.

    Muon's steps have a fixed size whatever the gradient, so without decay the weights
    walk away until the output saturates; 0.1 holds them near 1/√fan-in.
    """
    made: list[tuple[torch.optim.Optimizer, float]]
    if plan.optimiser == "adam":
        made = [(torch.optim.Adam(net.parameters(), plan.rate), 1.0)]
    elif plan.optimiser == "muon" and isinstance(net, Muonable):
        inner = net.inner_matrices()
        known = {id(p) for p in inner}
        rest = [p for p in net.parameters() if id(p) not in known]
        muon = torch.optim.Muon(
            inner, plan.rate, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
        )
        adam = torch.optim.AdamW(rest, plan.rate, weight_decay=0.0)
        made = [(muon, 1.0), (adam, ADAM_SHARE)]
    else:
        raise SettingError(
            f"The optimiser {plan.optimiser!r} does not fit the network family "
            f"{plan.family!r}; give adam, or muon where the network names its matrices."
        )
    for optimiser, share in made:
        for group in optimiser.param_groups:
            group["share"] = share
    return [optimiser for optimiser, _ in made]


@torch.no_grad()
def score(
    net: nn.Module, items: Sequence[Item], precision: str = "fp32"
) -> list[float]:
    """ΔSDR in dB of each item, a whole signal as ``(1, N)`` tensors of any length."""
    found = []
    assert isinstance(net, Network)
    device = next(net.parameters()).device
    for item in items:
        with _autocast(device.type, precision):
            restored = net.restored(item.to(device)).cpu()
        found.append(-float(LOSSES["delta_sdr"](restored, item.clean, item.clipped)))
    return found


def _autocast(device: str, precision: str) -> torch.autocast:
    """Products in bfloat16, where the plan says so."""
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16")


def append_row(path: Path, row: dict[str, float | int]) -> None:
    """One line more in a CSV log; its header when the file is new."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
