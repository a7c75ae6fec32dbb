"""Clip-aware causal DEMUCS: a waveform U-Net that streams one hop at a time.

Encoder, two LSTM layers and decoder as in Défossez et al., "Real time speech
enhancement in the waveform domain" (Interspeech 2020, doi:10.21437/Interspeech.
2020-2409), every kernel twice its stride and looking back only. What is ours: the
input is the signal over the clip level and the signed mask, so scaling signal and
level together changes nothing; the output is the clipped signal plus a positive
excess on its clipped samples, so reliable samples pass bit-exact and clipped ones
stay beyond the level by construction; skips are delayed by the look-ahead, so the
decoder adds features of the same instant.

Strided convolutions are written as matrix products over rows of ``stride`` samples
(channel last): on a CPU, one row at a time, that is 1.4 times faster than Conv1d.

One ``forward`` serves whole signals and single hops: it takes the state and hands
back the next. The state of a fresh stream is zeros.
"""

from dataclasses import dataclass
from math import prod
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running

State = list[Tensor]
SMALLEST_LEVEL = 1e-9  # the delayed level is 0 before a stream
START = -1.0  # of the partner's share before the logistic function: a quarter


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        strides: of the encoder, finest first; the hop is their product.
        width: channels of the finest level; doubles per level.
        cap: most channels of any level.
        look_ahead: samples the output is late by, beyond the hop.
        layers: of the LSTM.
        estimate: whether a third input, a classical estimate, is the starting point.
        partner: whether a last input, another estimate, is mixed into the output at a
            share that the network gives each sample.
        trust: how much of its way from the estimate to the network's output a sample
            goes. Fitted after the training, on pieces held out: below 1 where data
            were few, so that corrections are made larger than they deserve.
        leak: slope of the activations below zero. At 0 (ReLU) whole levels can die:
            once all of a decoder level is negative, nothing below it learns again.
    """

    strides: tuple[int, ...] = (4, 4, 4, 2)
    width: int = 32
    cap: int = 256
    look_ahead: int = 64
    layers: int = 2
    estimate: bool = False
    partner: bool = False
    trust: float = 1.0
    leak: float = 0.1

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Self:
        """See ``NetworkShape``; checkpoints that name no leak had ReLU."""
        # Named: slots make the class anew, which a bare super() does not know.
        return super(Shape, cls).from_dict({"leak": 0.0} | given)

    @property
    def hop(self) -> int:
        """Samples per step."""
        return prod(self.strides)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of each level, finest first."""
        return tuple(
            min(self.cap, self.width << level) for level in range(len(self.strides))
        )

    @property
    def skip_delays(self) -> tuple[int, ...]:
        """Rows each level's skip is delayed by, finest first."""
        spans = (prod(self.strides[: i + 1]) for i in range(len(self.strides)))
        return tuple(self.look_ahead // span for span in spans)


class Down(nn.Module):
    """Strided causal convolution (kernel 2·stride), leaky ReLU, 1×1, GLU."""

    def __init__(self, c_in: int, c_out: int, stride: int, leak: float) -> None:
        super().__init__()
        self.stride, self.leak = stride, leak
        self.conv = nn.Linear(2 * stride * c_in, c_out)
        self.mix = nn.Linear(c_out, 2 * c_out)

    def forward(self, x: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, T, C)`` and the row before it, ``(B, 1, stride·C)``."""
        rows = x.reshape(x.shape[0], x.shape[1] // self.stride, -1)
        past = torch.cat([last, rows[:, :-1]], 1)
        z = functional.leaky_relu(self.conv(torch.cat([past, rows], 2)), self.leak)
        return functional.glu(self.mix(z), 2), rows[:, -1:]


class Up(nn.Module):
    """1×1, GLU, transposed convolution (kernel 2·stride, overlap-add of two halves)."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.c_out = c_out
        self.mix = nn.Linear(c_in, 2 * c_in)
        self.conv = nn.Linear(c_in, 2 * stride * c_out)

    def forward(self, x: Tensor, overlap: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, T, C)`` and the half-row left over, ``(B, 1, stride·c_out)``."""
        now, later = self.conv(functional.glu(self.mix(x), 2)).chunk(2, 2)
        rows = now + torch.cat([overlap.to(later.dtype), later[:, :-1]], 1)
        out = rows.reshape(x.shape[0], x.shape[1] * self.stride, self.c_out)
        return out, later[:, -1:]


class CausalDemucs(nn.Module):
    """The network; see the module's first lines.

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        inputs = 3 if shape.estimate else 2
        into = (inputs, *shape.channels[:-1])
        outof = (2 if shape.partner else 1, *shape.channels[:-1])
        self.down = nn.ModuleList(
            Down(i, o, s, shape.leak)
            for i, o, s in zip(into, shape.channels, shape.strides, strict=True)
        )
        self.up = nn.ModuleList(
            Up(i, o, s)
            for i, o, s in zip(shape.channels, outof, shape.strides, strict=True)
        )
        deep = shape.channels[-1]
        self.lstm = nn.LSTM(deep, deep, shape.layers, batch_first=True)
        self._rescale()
        if shape.partner:
            lines = inputs + 1
            meet = nn.Linear(lines * shape.strides[0], shape.channels[0])
            nn.init.zeros_(meet.weight)
            nn.init.zeros_(meet.bias)
            self.meet: nn.Module = meet

    def _rescale(self, reference: float = 0.1) -> None:
        """Weights of outlying spread pulled to ``reference``, as DEMUCS does."""
        with torch.no_grad():
            for block in self.blocks:
                for linear in (block.conv, block.mix):
                    scale = float(linear.weight.std() / reference) ** 0.5
                    linear.weight.div_(scale)
                    linear.bias.div_(scale)
            if self.shape.estimate:  # start at the estimate itself
                last = self.blocks[len(self.down)].conv
                last.weight.mul_(0.1)
                last.bias.zero_()

    @property
    def blocks(self) -> "list[Down | Up]":
        """Encoder, finest first, then decoder, finest first."""
        found = [*self.down, *self.up]
        return [block for block in found if isinstance(block, Down | Up)]

    def inner_matrices(self) -> list[nn.Parameter]:
        """For Muon: all matrices but the first and the last."""
        ends = {id(self.blocks[k].conv.weight) for k in (0, len(self.down))}
        return [p for p in self.parameters() if p.ndim == 2 and id(p) not in ends]

    @property
    def margin(self) -> tuple[int, int]:
        """The end of a training segment lacks what the look-ahead would show."""
        return 0, self.shape.look_ahead

    @property
    def running(self) -> Running:
        """For the card."""
        names = ["y", "sign", "theta"]
        names += ["estimate"] if self.shape.estimate else []
        names += ["partner"] if self.shape.partner else []
        return Running("step", tuple(names), self.shape.hop, self.shape.look_ahead)

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the same instants as ``item.clean``, for any N."""
        n, late = item.clean.shape[1], self.shape.look_ahead
        whole = item.padded(late + -(n + late) % self.shape.hop)
        partner = whole.partner
        if partner is not None:
            partner = functional.pad(partner, (late, 0))[:, : partner.shape[1]]
        given = (whole.clipped, whole.sign, whole.theta, whole.estimate)
        out, _ = self(*given, partner=partner)
        return out[:, late : late + n]

    def initial_state(self, batch: int = 1) -> State:
        """The state of a fresh stream, in the order ``forward`` takes it."""
        shape, deep = self.shape, self.shape.channels[-1]
        into = (3 if shape.estimate else 2, *shape.channels[:-1])
        outof = (2 if shape.partner else 1, *shape.channels[:-1])
        sizes: list[tuple[int, ...]]
        sizes = [(batch, 1, s * c) for s, c in zip(shape.strides, into, strict=True)]
        sizes += [
            (batch, d, c)
            for d, c in zip(shape.skip_delays, shape.channels, strict=True)
            if d
        ]
        sizes += [(shape.layers, batch, deep)] * 2
        sizes += [(batch, 1, s * c) for s, c in zip(shape.strides, outof, strict=True)]
        if shape.look_ahead:
            lines = 4 if shape.estimate else 3
            sizes += [(batch, shape.look_ahead)] * lines
        device = next(self.parameters()).device
        return [torch.zeros(size, device=device) for size in sizes]

    def forward(
        self,
        y: Tensor,
        sign: Tensor,
        theta: Tensor,
        estimate: Tensor | None = None,
        state: State | None = None,
        partner: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """The restored signal, ``look_ahead`` samples late, and the next state.

        Args:
            y: ``(B, N)`` clipped signal, N a multiple of the hop.
            sign: ``(B, N)`` 0 reliable, ±1 clipped high or low.
            theta: ``(B, N)`` clip level, > 0.
            estimate: ``(B, N)``, of the same instants as y, if the shape asks for one.
            state: of the samples before; None at the start of a signal.
            partner: ``(B, N)``, if the shape asks for one: of the same instants as
                the output, so that it may look further ahead than the rest.
        """
        left = list(self.initial_state(y.shape[0]) if state is None else state)
        after: State = []

        inputs = [y / theta, sign]
        if estimate is not None:
            inputs.append(estimate / theta)
        x, skips = torch.stack(inputs, 2), []
        for block in self.down:
            x, last = block(x, left.pop(0))
            after.append(last)
            skips.append(x)
        for level, rows in enumerate(self.shape.skip_delays):
            if rows:
                skips[level] = _delayed(skips[level], left.pop(0), after)
        h, c = left.pop(0), left.pop(0)
        x, (h, c) = self._recur(x, h, c)
        after += [h, c]
        ups: State = [left.pop(0) for _ in self.up]
        lines = [y, sign, theta] + ([] if estimate is None else [estimate])
        late: State = []
        if self.shape.look_ahead:
            kept = left[-len(lines) :]
            lines = [
                _delayed(line, past, late)
                for line, past in zip(lines, kept, strict=True)
            ]
        for level in reversed(range(len(skips))):
            x = x + skips[level]
            if partner is not None and level == 0:
                x = x + self._meeting(partner, *lines)
            x, ups[level] = self.up[level](x, ups[level])
            if level:
                x = functional.leaky_relu(x, self.shape.leak)
        x = x.float()
        out = restored(x[:, :, 0], *lines)
        if partner is not None:
            out = mixed(out, partner, x[:, :, 1], lines[0], lines[1])
        if estimate is not None and self.shape.trust < 1.0:
            start = consistent(lines[3], lines[0], lines[1])
            out = start + self.shape.trust * (out - start)
        return out, after + ups + late

    def _meeting(
        self,
        partner: Tensor,
        y: Tensor,
        sign: Tensor,
        theta: Tensor,
        *estimate: Tensor,
    ) -> Tensor:
        """What the finest level sees of the partner and, at its instants, the rest."""
        known = (theta > 0).to(theta.dtype)  # not before the stream
        scale = known / torch.clamp(theta, min=SMALLEST_LEVEL)
        lines = [partner * scale, y * scale, sign, *(e * scale for e in estimate)]
        rows = torch.stack(lines, 2)
        stride = self.shape.strides[0]
        out: Tensor = self.meet(
            rows.reshape(rows.shape[0], rows.shape[1] // stride, -1)
        )
        return out

    def _recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Any]:
        """LSTM over the rows; the export replaces it by explicit cells."""
        out, state = self.lstm(x, (h.to(x.dtype), c.to(x.dtype)))
        return out, state


def restored(
    f: Tensor, y: Tensor, sign: Tensor, theta: Tensor, estimate: Tensor | None = None
) -> Tensor:
    """Clipped signal plus a positive excess on its clipped samples.

    Without an estimate ``y + s·θ·softplus(f − 1)``. With one the start, f = 0, is the
    estimate's own excess v = s·(e − y)/θ: ``y + s·θ·softplus(z0 + f)``, where
    z0 = log(exp(v) − 1), written so that a large v does not overflow.
    """
    if estimate is None:
        return y + sign * theta * functional.softplus(f - 1.0)
    level = torch.clamp(theta, min=SMALLEST_LEVEL)
    v = torch.clamp(sign * (estimate - y) / level, min=1e-3)
    z0 = v + torch.log(1.0 - torch.exp(-v))
    return y + sign * theta * functional.softplus(z0 + f)


def mixed(own: Tensor, partner: Tensor, g: Tensor, y: Tensor, sign: Tensor) -> Tensor:
    """Own and the partner's samples, weighted by 1 − a and a, a = logistic(g − 1).

    Both are consistent with the clipped signal, so their mean is: reliable samples are
    those of y to the bit.
    """
    other = consistent(partner, y, sign)
    return own + torch.sigmoid(g + START) * (other - own)


def consistent(x: Tensor, y: Tensor, sign: Tensor) -> Tensor:
    """``x`` where samples are clipped, and there not within the level; else ``y``."""
    return y + sign * torch.clamp(sign * (x - y), min=0.0)


def with_partner(weights: dict[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """Weights of the network without a partner, as those of the one with it.

    Args:
        weights: a state dict.
        shape: with a partner, else equal.

    Returns:
        a state dict at which the share of the partner is a quarter everywhere.
    """
    found = dict(weights)
    for kind in ("weight", "bias"):
        old = weights[f"up.0.conv.{kind}"]
        new = torch.zeros(len(old), 2, *old.shape[1:])
        new[:, 0] = old
        found[f"up.0.conv.{kind}"] = new.reshape(-1, *old.shape[1:])
    fresh = CausalDemucs(shape).state_dict()
    return found | {name: fresh[name] for name in ("meet.weight", "meet.bias")}


def _delayed(x: Tensor, line: Tensor, after: State) -> Tensor:
    """``x`` late by the length of ``line`` along axis 1; the new line is noted."""
    joined = torch.cat([line.to(x.dtype), x], 1)
    after.append(joined[:, x.shape[1] :])
    return joined[:, : x.shape[1]]
