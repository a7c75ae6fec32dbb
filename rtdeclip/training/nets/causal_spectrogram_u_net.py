"""Spectrogram U-Net that streams: every frame is restored from itself and the past.

After Kashani et al. (see ``spectrogram_u_net``), in 16 ms at 16 kHz: Hann frames of 256
samples every 64, the lower 128 bins as an image, the clipped signal's phase, squared
error of the log-magnitude. Convolutions see three bins, this frame and the one before;
halvings are of the bins alone, because frames to come are not there to be pooled; and
the level takes the place of the excerpt's mean and deviation, which a stream has not
seen yet: images are those of the signal over the clip level.

``told`` is ours too: clipped samples are known, so the network sees two images more,
the log-magnitude of the spectrum D of their signs, and the cosine of the angle between
that and the signal's, Y. What clipping took off is about a·D with one a per frame, so
where |Y| is a·|D| and the cosine −1 the clean signal has nothing. Frames without a
clipped sample stay as they are. Told or not, without the host's consistency the network
changes reliable samples too.

One ``forward`` serves whole signals and single hops.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running

WINDOW, HOP = 256, 64
LATE = WINDOW - HOP
ROWS = WINDOW // 2
TINY = 1e-12  # held by clamp: the exporter takes x + 1e-12 for x
FLOOR = 1e-2  # of the magnitude of the signal over its level
MEAN, DEVIATION = -1.0, 2.0  # of such images of speech, about


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        width: filters of the finest level; doubles per level.
        cap: most filters of any level.
        levels: halvings of the bins, at most seven.
        told: see the module.
    """

    width: int = 8
    cap: int = 32
    levels: int = 4
    told: bool = True


class _Frames(NamedTuple):
    """Spectra of ``(B, T)`` frames, and the input's end.

    Args:
        size: ``(B, T, ROWS)`` magnitudes.
        bins: real and imaginary parts, ``(B, T, ROWS + 1)``.
        last: ``(B, LATE)`` samples that the next frames need.
    """

    size: Tensor
    bins: tuple[Tensor, Tensor]
    last: Tensor


class CausalSpectrogramUNet(nn.Module):
    """The network; see the module's first lines.

    Args:
        shape: its sizes.
    """

    # The last samples of a segment lie in fewer frames.
    margin = (0, LATE)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [min(shape.cap, shape.width << k) for k in range(shape.levels + 1)]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for i, o in zip([1 + 2 * shape.told, *widths[:-1]], widths, strict=True):
            self.down.extend((_Past(i, o, 3), _Past(o, o, 3)))
        for i, o in zip(widths[:0:-1], widths[-2::-1], strict=True):
            self.up.extend((_Past(i, o, 2), _Past(2 * o, o, 3), _Past(o, o, 3)))
        self.last = nn.Conv2d(shape.width, 1, 1)
        with torch.no_grad():  # begins at the image as it is
            for parameter in self.last.parameters():
                parameter.zero_()
        window = torch.hann_window(WINDOW).reshape(4, -1)
        for k in range(4):  # so small that an export keeps it exact
            self.register_buffer(f"window_{k}", window[k].clone(), persistent=False)

    @property
    def running(self) -> Running:
        """For the card."""
        return Running("step", ("y", "sign", "theta"), HOP, LATE)

    def initial_state(self, batch: int = 1) -> list[Tensor]:
        """Samples, signs, frames to add up, levels; then a frame per convolution."""
        device = self.last.weight.device
        past = (batch, LATE)
        sizes: list[tuple[int, ...]] = [past, past, (batch, 3, WINDOW), past]
        rows, convs = ROWS, iter([*self.down, *self.up])
        for level in range(self.shape.levels + 1):
            sizes += [(batch, next(convs).c_in, 1, rows >> level) for _ in range(2)]
        for level in reversed(range(self.shape.levels)):
            sizes += [(batch, next(convs).c_in, 1, rows >> level) for _ in range(3)]
        return [torch.zeros(size, device=device) for size in sizes]

    def stepped(self) -> nn.Module:
        """The network itself: its convolutions export as they are."""
        return self

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the same instants as ``item.clean``, for any N."""
        n = item.clean.shape[1]
        whole = item.padded(LATE + -(n + LATE) % HOP)
        state = self.initial_state(len(item.clean))
        out = self(whole.clipped, whole.sign, whole.theta, *state)[0]
        return out[:, LATE : LATE + n]

    def training_loss(self, item: Item, generator: Generator) -> Tensor:
        """Mean squared error of the log-magnitude of the signal over its level."""
        last, _, _, _, *fresh = self.initial_state(len(item.clean))
        truth = self._spectra(item.clean / item.theta, last).size
        seen = self._spectra(item.clipped / item.theta, last)
        made, _ = self._image(seen, self._spectra(item.sign, last), fresh)
        return (made - _log(truth)).square().mean()

    def forward(
        self, y: Tensor, sign: Tensor, theta: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """The restored signal, ``LATE`` samples late, and the next state.

        Args:
            y: ``(B, N)`` clipped signal, N a multiple of the hop.
            sign: ``(B, N)`` 0 reliable, ±1 clipped high or low.
            theta: ``(B, N)`` clip level, > 0.
            state: of the samples before, as ``initial_state`` gives it.
        """
        last, last_sign, parts, level = state[:4]
        found, lost = self._spectra(y / theta, last), self._spectra(sign, last_sign)
        image, after = self._image(found, lost, list(state[4:]))
        wanted = torch.clamp(torch.exp(image) - FLOOR, min=0.0)
        gain = functional.pad(wanted / found.size, (0, 1), value=1.0)  # top bin stays
        made = torch.complex(gain * found.bins[0], gain * found.bins[1])
        parts = torch.cat([parts, torch.fft.irfft(made, WINDOW)], 1)
        out, count = torch.zeros_like(found.bins[0][..., :HOP]), y.shape[1] // HOP
        for k in range(4):  # block t−3 is quarter k of frame t−k
            quarter = parts[:, 3 - k : 3 - k + count, k * HOP : (k + 1) * HOP]
            out = out + quarter * self._quarter(k) / 1.5
        levels = torch.cat([level, theta], 1)
        whole = out.reshape(len(y), -1) * levels[:, : y.shape[1]]
        kept = (found.last, lost.last, parts[:, -3:], levels[:, -LATE:])
        return whole, *kept, *after

    def _spectra(self, x: Tensor, last: Tensor) -> _Frames:
        rows = torch.cat([last, x], 1).float().reshape(len(x), -1, HOP)
        count = rows.shape[1] - 3
        seen = [rows[:, k : k + count] * self._quarter(k) for k in range(4)]
        bins = torch.fft.rfft(torch.cat(seen, 2))
        real, imaginary = bins.real, bins.imag
        power = real[..., :ROWS].square() + imaginary[..., :ROWS].square()
        size = torch.sqrt(torch.clamp(power, min=TINY))
        return _Frames(size, (real, imaginary), rows[:, -3:].reshape(len(x), -1))

    def _quarter(self, k: int) -> Tensor:
        """The Hann window's part k of 4."""
        part: Tensor = getattr(self, f"window_{k}")
        return part

    def _image(
        self, found: _Frames, lost: _Frames, past: list[Tensor]
    ) -> tuple[Tensor, list[Tensor]]:
        """Restored log-magnitudes ``(B, T, ROWS)``, and the network's next state."""
        seen = _log(found.size)
        lines = [(seen - MEAN) / DEVIATION]
        if self.shape.told:
            lines += [(_log(lost.size) - MEAN) / DEVIATION, _cosine(found, lost)]
        x, skips, after = torch.stack(lines, 1), [], []
        frames = iter(past)

        def through(conv: nn.Module, x: Tensor) -> Tensor:
            out, kept = conv(x, next(frames))
            after.append(kept)
            return functional.relu(out)

        for level in range(self.shape.levels + 1):
            x = through(self.down[2 * level], x)
            x = through(self.down[2 * level + 1], x)
            if level < self.shape.levels:
                skips.append(x)
                x = functional.max_pool2d(x, (1, 2))
        for number, skip in enumerate(reversed(skips)):
            grow, first, second = self.up[3 * number : 3 * number + 3]
            x = through(grow, functional.interpolate(x, scale_factor=(1.0, 2.0)))
            x = through(second, through(first, torch.cat([skip, x], 1)))
        added: Tensor = self.last(x)[:, 0].float()
        if self.shape.told:
            added = added * (lost.size.amax(2, keepdim=True) > FLOOR)
        return seen + DEVIATION * added, after


class _Past(nn.Module):
    """A convolution over ``bins`` bins, the frame before and this one."""

    def __init__(self, c_in: int, c_out: int, bins: int) -> None:
        super().__init__()
        self.c_in = c_in
        self.sides = ((bins - 1) // 2, bins // 2)
        self.conv = nn.Conv2d(c_in, c_out, (2, bins))
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")

    def forward(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """``(B, C, T, F)`` and the frame before it; the result, and the last frame."""
        joined = torch.cat([before.to(x.dtype), x], 2)
        return self.conv(functional.pad(joined, self.sides)), x[:, :, -1:]


def _cosine(a: _Frames, b: _Frames) -> Tensor:
    """Of the angle between two spectra, ``(B, T, ROWS)``; 0 where one has nothing."""
    product = a.bins[0] * b.bins[0] + a.bins[1] * b.bins[1]
    return product[..., :ROWS] / (a.size * b.size)


def _log(magnitude: Tensor) -> Tensor:
    return torch.log(magnitude + FLOOR)
