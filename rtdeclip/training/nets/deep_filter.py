"""Deep filtering: a recurrent network chooses a complex filter for every bin.

Mack and Habets (WASPAA 2019; Signal Processing Letters 2020, doi:10.1109/LSP.2019.
2955818) restore clipped and noisy speech by filtering the short-time spectrum over
neighbouring frames and bins with taps that a network gives, bounded by tanh. Theirs is
two-way; here one LSTM sees the past, and the taps reach into the past only, so that it
streams: 16 ms at 16 kHz, a frame of 256 samples every 128.

The spectrum is that of the signal over the clip level; the level scales the output.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.cells import Cell, Product, through_cells
from rtdeclip.training.nets.network import NetworkShape, Running

WINDOW, HOP = 256, 128
LATE = WINDOW - HOP
BINS = WINDOW // 2 + 1


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        hidden: units of each LSTM layer.
        layers: of the LSTM.
        past: frames a filter reaches back.
        beside: bins it reaches to either side.
    """

    hidden: int = 192
    layers: int = 2
    past: int = 2
    beside: int = 1

    @property
    def taps(self) -> int:
        """Complex taps per bin."""
        return (self.past + 1) * (2 * self.beside + 1)


class DeepFilter(nn.Module):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.into = nn.Linear(2 * BINS, shape.hidden)
        self.lstm = nn.LSTM(shape.hidden, shape.hidden, shape.layers, batch_first=True)
        self.taps = nn.Linear(shape.hidden, 2 * BINS * shape.taps)
        with torch.no_grad():
            self.taps.weight.mul_(0.1)

    # The last hop of a segment has only half of its frames.
    margin = (0, HOP)

    @property
    def running(self) -> Running:
        """For the card."""
        return Running("step", ("y", "theta"), HOP, LATE)

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the same instants as ``item.clean``, for any N."""
        n = item.clean.shape[1]
        whole = item.padded(LATE + -(n + LATE) % HOP)
        state = self.initial_state(len(item.clean))
        out = self(whole.clipped, whole.theta, *state)[0]
        return out[:, LATE : LATE + n]

    def initial_state(self, batch: int = 1) -> list[Tensor]:
        """Last hop, past spectra (real, imaginary), h, c, overlap, last level."""
        s, device = self.shape, self.into.weight.device
        past, deep = (batch, s.past, BINS), (s.layers, batch, s.hidden)
        sizes = [(batch, HOP), past, past, deep, deep, (batch, HOP), (batch, HOP)]
        return [torch.zeros(size, device=device) for size in sizes]

    def stepped(self) -> nn.Module:
        """The network with explicit cells and plain products, for one hop."""
        return _Stepped(self)

    def forward(self, y: Tensor, theta: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """The restored signal, a hop late, and the next state.

        Args:
            y: ``(B, N)`` clipped signal, N a multiple of the hop.
            theta: ``(B, N)`` clip level, > 0.
            state: of the samples before, as ``initial_state`` gives it.
        """
        last, past_re, past_im, h, c, overlap, level = state
        rows = torch.cat([last, y / theta], 1).reshape(len(y), -1, HOP)
        hann = 0.5 - 0.5 * torch.cos(2.0 * torch.pi * torch.arange(WINDOW) / WINDOW)
        window = hann.sqrt().to(y.device)  # its square adds up to one over the frames
        frames = torch.cat([rows[:, :-1], rows[:, 1:]], 2).float() * window
        found = torch.view_as_real(torch.fft.rfft(frames, WINDOW))
        re = torch.cat([past_re, found[..., 0]], 1)
        im = torch.cat([past_im, found[..., 1]], 1)
        taps, h, c = self._taps(found, h, c)
        filtered = self._filtered(re, im, taps.float())
        parts = torch.fft.irfft(torch.view_as_complex(filtered), WINDOW) * window
        now, later = parts.chunk(2, 2)
        out = now + torch.cat([overlap[:, None], later[:, :-1]], 1)
        levels = torch.cat([level, theta], 1)
        n, past = y.shape[1], self.shape.past
        after = (rows[:, -1], re[:, -past:], im[:, -past:], h, c, later[:, -1])
        return out.reshape(len(y), -1) * levels[:, :n], *after, levels[:, n:]

    def _taps(self, found: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        """``(B, T, taps, 2, BINS)`` within ±1, and the LSTM's next state."""
        size = found.square().sum(3, keepdim=True)
        x = (found * (size + 1e-6) ** -0.25).flatten(2)  # square root of the magnitude
        x, (h, c) = self._recur(torch.relu(self.into(x)), h, c)
        taps = torch.tanh(self.taps(x))
        return taps.reshape(*taps.shape[:2], -1, 2, BINS), h, c

    def _recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Any]:
        out, state = self.lstm(x, (h.to(x.dtype), c.to(x.dtype)))
        return out, state

    def _filtered(self, re: Tensor, im: Tensor, taps: Tensor) -> Tensor:
        """Σ taps · neighbours, ``(B, T, BINS, 2)``; the first tap is added to one."""
        shape, count = self.shape, taps.shape[1]
        beside = shape.beside
        wide_re, wide_im = (functional.pad(x, (beside, beside)) for x in (re, im))
        total_re, total_im = re[:, shape.past :], im[:, shape.past :]
        number = 0
        for back in range(shape.past + 1):
            rows = slice(shape.past - back, shape.past - back + count)
            for bin_ in range(2 * beside + 1):
                a = wide_re[:, rows, bin_ : bin_ + BINS]
                b = wide_im[:, rows, bin_ : bin_ + BINS]
                p, q = taps[:, :, number, 0], taps[:, :, number, 1]
                total_re = total_re + a * p - b * q
                total_im = total_im + a * q + b * p
                number += 1
        return torch.stack([total_re, total_im], 3)


class _Stepped(DeepFilter):
    """The same weights in the form that exports and quantises well."""

    def __init__(self, net: DeepFilter) -> None:
        super().__init__(net.shape)
        self.load_state_dict(net.state_dict())
        self.cells = nn.ModuleList(Cell(self.lstm, k) for k in range(net.shape.layers))
        for name in ("into", "taps"):
            linear = getattr(self, name)
            setattr(self, name, Product(linear.weight.T, linear.bias))
        self.eval().requires_grad_(False)

    def _recur(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Any]:
        return through_cells(self.cells, x, h, c)
