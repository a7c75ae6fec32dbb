"""Bias-free U-Net that learns declipping from clipped sound alone, by scale.

Sechaud et al., "Equivariance-based self-supervised learning for audio signal recovery
from clipped measurements" (2024). Sound made louder or softer is still sound, clipping
at a fixed level is not: so the network f must undo clipping at that level of its own
results at any volume. With η clipping at μ and g drawn for each signal,

    L_MC = Σ h²,  h = y − f(y) where |y| < μ or sgn(y)·f(y) < μ, else 0
    L_EI = ‖x₂ − f(η(x₂))‖²,  x₂ = g·f(y),

in equal parts; the clean signal is never looked at. ``supervised`` is the twin that
is told it: ‖x − f(y)‖². Without biases f(α·y) = α·f(y), so scale means level.

A third term is ours. Above the level L_EI has the network's own guess for a truth, so a
wrong one lasts. But for g ≥ 1 clipping the recording once more is clipping the sound
itself, η(g·η(x)) = η(g·x): a heavier measurement, whose answer is known up to the old
level and bounded by it beyond. So with h as above, of f(η(g·y)) against g·y at g·μ,

    L_AC = Σ h²/g,  g from 1 to ``again``, uniform in its logarithm.

Measured on music at an input SDR of 3, 7 and 15 dB: it gains 4.8, 5.0 and 4.4 dB,
before this term 3.8, 4.1 and 2.8 dB, the twin after as much sound 5.7, 5.6 and 3.6 dB.

What differs from the paper: the second channel is the mask of the reliable samples
times μ, since a mask of ones does not scale with the signal; the weight of f at test
time is b = clip((|y|/μ − τ)/(1 − τ), 0, 1), which as printed is right for μ = 1 only;
sums are means over the samples; and no gradient goes through x₂ into the first pass,
because a smaller f(y) is clipped less, so L_EI pulls it below the level (measured: the
twin reaches 12.7 dB of SDR within 150 steps, this 12.2 dB, with that gradient 9.7 dB,
the clipped signal's own), and with the paper's g of 0.1 to 2 for music what is added
grows without bound, so g is 0.5 to 1.5, as for its vectors. Its U-Net is not described:
here, as in DEMUCS, strided convolutions of twice their stride, each followed by one of
three taps, and dilated ones at the bottom, the signal one more channel of the last.

For files. It fails where the training material has nothing of the kind.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rtdeclip.processors.model_card import Chunks
from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running

TINY = 1e-9
TAU = 0.95  # of the level, where the network begins to count


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family, and how it learns.

    Args:
        strides: of the encoder, finest first.
        width: channels of the finest level; doubles per level.
        cap: most channels of any level.
        dilations: of the residual blocks at the bottom.
        mask: whether the second channel is there.
        biases: whether the convolutions have them; then level counts.
        supervised: learns from the clean signal.
        blend: reliable samples are kept, by their distance from the level, at the end.
        lowest: least volume g.
        highest: most.
        again: most volume at which the recording is clipped again; 1: it is not.
        chunk: samples that the host hands over at once, a multiple of the strides'.
    """

    strides: tuple[int, ...] = (4, 4, 4, 4)
    width: int = 16
    cap: int = 96
    dilations: tuple[int, ...] = (1, 2, 4)
    mask: bool = True
    biases: bool = False
    supervised: bool = False
    blend: bool = True
    lowest: float = 0.5
    highest: float = 1.5
    again: float = 6.0
    chunk: int = 22528

    @property
    def multiple(self) -> int:
        """Signals are padded to a multiple of so many samples."""
        product = 1
        for stride in self.strides:
            product *= stride
        return product


class EquivariantUNet(nn.Module):
    """The network; see the module's first lines.

    Args:
        shape: its sizes and its way to learn.
    """

    margin = (0, 0)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [min(shape.cap, shape.width << k) for k in range(len(shape.strides))]
        into = [1 + shape.mask, *widths[:-1]]
        outof = [shape.width, *widths[:-1]]
        bias = shape.biases
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for i, o, w, s in zip(into, outof, widths, shape.strides, strict=True):
            strided = nn.Conv1d(i, w, 2 * s, s, s // 2, bias=bias)
            self.down.append(nn.Sequential(strided, nn.ReLU(), _taps(w, bias)))
            wide = nn.ConvTranspose1d(w, o, 2 * s, s, s // 2, bias=bias)
            self.up.append(nn.Sequential(_taps(w, bias), wide))
        self.bottom = nn.ModuleList(
            _taps(widths[-1], bias, dilation) for dilation in shape.dilations
        )
        self.last = nn.Conv1d(shape.width + 1, 1, 3, padding=1, bias=bias)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    @property
    def running(self) -> Running:
        """A second at a time, faded into each other."""
        hop = self.shape.chunk
        faded = Chunks(0.5, "hann", True)
        return Running("chunk", ("y", "sign", "theta"), hop, chunks=faded)

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the batch's instants."""
        n = item.clean.shape[1]
        pad = (0, -n % self.shape.multiple)
        lines = (functional.pad(t, pad) for t in (item.clipped, item.sign, item.theta))
        out: Tensor = self(*lines)
        return out[:, :n]

    def training_loss(self, item: Item, generator: Generator) -> Tensor:
        """L_MC + L_EI, or the squared error of the supervised twin.

        In units of the squared level, so that loud and soft signals count alike.
        """
        y, level = item.clipped, item.theta
        first = self.f(y, (item.sign == 0) * level)
        unit = level[:, :1]
        if self.shape.supervised:
            return ((first - item.clean) / unit).square().mean()
        loss = measurement(first, y, item.sign, level) / unit.square()

        uniform = torch.rand(2, len(y), 1, generator=generator).to(y.device)
        span = self.shape.highest - self.shape.lowest
        louder = (self.shape.lowest + span * uniform[0]) * first.detach()
        loss = loss + ((louder - self._clipped(louder, level)) / unit).square()
        if self.shape.again > 1.0:
            g = self.shape.again ** uniform[1]
            found = self._clipped(g * y, level)
            missed = measurement(found, g * y, item.sign, g * level)
            loss = loss + missed / (g * unit.square())
        return loss.mean()

    def _clipped(self, x: Tensor, level: Tensor) -> Tensor:
        """f(η(x))."""
        y = torch.maximum(torch.minimum(x, level), -level)
        return self.f(y, (y.abs() < level) * level)

    def f(self, y: Tensor, reliable: Tensor) -> Tensor:
        """The network without blending: ``(B, N)``.

        Args:
            y: ``(B, N)``, N a multiple of ``shape.multiple``.
            reliable: ``(B, N)``, the level where samples are reliable, else 0.
        """
        x, skips = torch.stack([y, reliable][: 1 + self.shape.mask], 1), []
        for down in self.down:
            x = down(x)
            skips.append(x)
        for block in self.bottom:
            x = x + block(x)
        for level in reversed(range(len(skips))):
            x = functional.relu(self.up[level](x + skips[level]))
        out: Tensor = self.last(torch.cat([x, y[:, None].to(x.dtype)], 1))[:, 0]
        return out.float()

    def forward(self, y: Tensor, sign: Tensor, theta: Tensor) -> Tensor:
        """The restored signal, blended where the shape says so.

        Args:
            y: ``(B, N)`` clipped signal, N a multiple of ``shape.multiple``.
            sign: ``(B, N)`` 0 reliable, ±1 clipped high or low.
            theta: ``(B, N)`` clip level, > 0.
        """
        reliable = torch.where(sign == 0, theta, torch.zeros_like(theta))
        if self.shape.biases:  # which are for the level of the training, 1
            unit = torch.clamp(theta.amax(1, keepdim=True), min=TINY)
            out = unit * self.f(y / unit, reliable / unit)
        else:
            out = self.f(y, reliable)
        return blended(y, out, theta) if self.shape.blend else out


def measurement(x: Tensor, y: Tensor, sign: Tensor, level: Tensor) -> Tensor:
    """h², ``(B, N)``: what ``x`` contradicts of the measured ``y``.

    One-sided on clipped samples: an excess is no contradiction. The squared distance
    from η(x) would be blind there.
    """
    short = torch.clamp(level - sign * x, min=0.0)
    return torch.where(sign == 0, y - x, short).square()


def blended(y: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """``(1 − b)·y + b·x``; b rises from 0 at τ·level to 1 at the level."""
    b = torch.clamp(
        (y.abs() / torch.clamp(level, min=TINY) - TAU) / (1.0 - TAU), 0.0, 1.0
    )
    return (1.0 - b) * y + b * x


def _taps(width: int, bias: bool, dilation: int = 1) -> nn.Sequential:
    conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=bias)
    return nn.Sequential(conv, nn.ReLU())
