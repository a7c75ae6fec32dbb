"""Spectrogram U-Net: the clean log-magnitude of speech from the clipped one.

Kashani et al., "Speech enhancement via deep spectrum image translation network": Hann
frames of 512 samples every 128, the lower 256 bins as an image, normalised by the mean
and deviation over the whole excerpt; four levels of two 3×3 convolutions and a maximum
over 2×2, their mirror with 2×2 convolutions after each doubling, a 1×1 one at the end;
mean squared error of the log-magnitude. The phase stays the clipped signal's, and so
does the top bin, which an image of 256 rows has no room for.

What is ours: the signal is divided by its root mean square first, so that the floor of
the logarithm is no level; the network adds to the normalised image instead of making
it anew, and the sum is taken back to the clipped image's mean and deviation, because a
target of absolute level cannot be told from an input that has lost it; frames of pure
zeros (the padding of a short file) do not count in mean and deviation. Convolutions
over time make the image as long as the excerpt.

It needs the whole excerpt and is for files. As published clipped samples are not told
to it. With ``told``, which is ours, it sees two images more: the log-magnitude of the
spectrum D of the signs of clipped samples, and the cosine of the angle between that and
the signal's, Y. What clipping took off is about a·D with one a per frame, so where |Y|
is a·|D| and the cosine −1 the clean signal has nothing. Frames without a clipped sample
stay. Either way, without the host's consistency it changes reliable samples too.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rtdeclip.processors.model_card import Chunks
from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running

TINY = 1e-12  # held by clamp: the exporter takes x + 1e-12 for x
FLOOR = 1e-2  # of the magnitude at an rms of 1, where a busy bin has about 10
MEAN, DEVIATION = -1.0, 2.0  # of the images of clipped samples' signs, about


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        width: filters of the finest level; doubles per level.
        levels: halvings.
        frame: samples of the transform, a power of two; half of it are the rows.
        step: samples between frames, a quarter of ``frame``.
        chunk: samples that the host hands over at once, a multiple of ``multiple``.
        told: see the module.
    """

    width: int = 12
    levels: int = 4
    frame: int = 512
    step: int = 128
    chunk: int = 65536
    told: bool = False

    @property
    def multiple(self) -> int:
        """Signals are cut or padded to a multiple of so many samples."""
        return self.step << self.levels


class _Spectrum(NamedTuple):
    """Magnitudes ``(B, T, frame/2)``; the bins, one more, ``(B, T, frame/2 + 1)``."""

    size: Tensor
    real: Tensor
    imaginary: Tensor


class SpectrogramUNet(nn.Module):
    """The network; see the module's first lines.

    Args:
        shape: its sizes.
    """

    margin = (0, 0)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths = [shape.width << level for level in range(shape.levels + 1)]
        self.down = nn.ModuleList(
            _pair(i, o)
            for i, o in zip([1 + 2 * shape.told, *widths[:-1]], widths, strict=True)
        )
        self.grow = nn.ModuleList(
            nn.Conv2d(i, o, 2) for i, o in zip(widths[1:], widths[:-1], strict=True)
        )
        self.up = nn.ModuleList(_pair(2 * o, o) for o in widths[:-1])
        self.last = nn.Conv2d(shape.width, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # 20 layers of the default fade away
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        with torch.no_grad():  # begins at the image as it is
            for parameter in self.last.parameters():
                parameter.zero_()
        window = torch.hann_window(shape.frame).reshape(4, -1)
        for k in range(4):
            self.register_buffer(f"window_{k}", window[k].clone(), persistent=False)

    @property
    def running(self) -> Running:
        """Chunks of a sentence's length, faded into each other."""
        hop, told = self.shape.chunk, self.shape.told
        inputs = ("y", "sign") if told else ("y",)
        return Running("chunk", inputs, hop, chunks=Chunks(0.5, "hann", True))

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the batch's instants."""
        n = item.clipped.shape[1]
        pad = (0, -n % self.shape.multiple)
        y, sign = (functional.pad(line, pad) for line in (item.clipped, item.sign))
        out: Tensor = self(y, sign)
        return out[:, :n]

    def training_loss(self, item: Item, generator: Generator) -> Tensor:
        """Mean squared error of the log-magnitude of the signal at an rms of 1."""
        scale = _rms(item.clipped)
        seen = self._spectrum(item.clipped / scale)
        truth = _log(self._spectrum(item.clean / scale).size)
        return (self._restored(seen, item.sign) - truth).square().mean()

    def forward(self, y: Tensor, sign: Tensor | None = None) -> Tensor:
        """The restored signal.

        Args:
            y: ``(B, N)`` clipped signal, N a multiple of ``shape.multiple``.
            sign: ``(B, N)`` 0 reliable, ±1 clipped high or low; read if ``told``.
        """
        scale = _rms(y)
        seen = self._spectrum(y / scale)
        wanted = torch.exp(self._restored(seen, sign)) - FLOOR
        gain = torch.clamp(wanted, min=0.0) / seen.size
        gain = functional.pad(gain, (0, 1), value=1.0)  # the top bin as it is
        return self._signal(gain * seen.real, gain * seen.imaginary) * scale

    def _spectrum(self, x: Tensor) -> _Spectrum:
        """Frame t has its middle at sample t · step, zeros outside; T is N / step."""
        step = self.shape.step
        count = x.shape[1] // step
        rows = functional.pad(x, (2 * step, 2 * step)).reshape(x.shape[0], -1, step)
        seen = [rows[:, k : k + count] * self._quarter(k) for k in range(4)]
        bins = torch.fft.rfft(torch.cat(seen, 2))
        real, imaginary = bins.real, bins.imag
        half = self.shape.frame // 2
        power = real[..., :half].square() + imaginary[..., :half].square()
        return _Spectrum(torch.sqrt(torch.clamp(power, min=TINY)), real, imaginary)

    def _signal(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Frames overlap-added, the analysis window as dual, over its energy."""
        step, count = self.shape.step, real.shape[1]
        frames = torch.fft.irfft(torch.complex(real, imaginary))
        total = torch.zeros_like(frames[:, :1, :step])
        for k, part in enumerate(frames.split(step, 2)):
            room = (0, 0, k, 3 - k)
            total = total + functional.pad(part * self._quarter(k), room)
        rows = total[:, 2 : count + 2]
        # Σ w² is 1.5; at the ends frames are missing.
        first, second, last = (self._quarter(k).square() for k in (0, 1, 3))
        ends = (rows[:, -2:-1] / (1.5 - first), rows[:, -1:] / (1.5 - first - second))
        inner = rows[:, 1:-2] / 1.5
        whole = torch.cat([rows[:, :1] / (1.5 - last), inner, *ends], 1)
        return whole.reshape(real.shape[0], -1)

    def _quarter(self, k: int) -> Tensor:
        """The Hann window's part k of 4; so small that an export keeps it exact."""
        part: Tensor = getattr(self, f"window_{k}")
        return part

    def _restored(self, found: _Spectrum, sign: Tensor | None) -> Tensor:
        """Log-magnitudes ``(B, T, rows)`` as the network would have them."""
        seen = _log(found.size)
        live = (seen.amax(2, keepdim=True) > _SILENT).to(seen.dtype)
        count = torch.clamp(live.sum((1, 2), keepdim=True) * seen.shape[2], min=1.0)
        mean = (live * seen).sum((1, 2), keepdim=True) / count
        variance = (live * (seen - mean).square()).sum((1, 2), keepdim=True) / count
        deviation = torch.sqrt(torch.clamp(variance, min=TINY))
        images = [live * (seen - mean) / deviation]
        if not self.shape.told:
            return seen + deviation * self._added(torch.stack(images, 1))
        assert sign is not None
        lost = self._spectrum(sign)
        images += [(_log(lost.size) - MEAN) / DEVIATION, _cosine(found, lost)]
        added = self._added(torch.stack(images, 1))
        return seen + deviation * added * (lost.size.amax(2, keepdim=True) > FLOOR)

    def _added(self, x: Tensor) -> Tensor:
        """What ``(B, C, T, rows)`` images ask to be added to the first."""
        x, skips = x.contiguous(memory_format=torch.channels_last), []
        for level, pair in enumerate(self.down):
            x = pair(x)
            if level < self.shape.levels:
                skips.append(x)
                x = functional.max_pool2d(x, 2)
        for level in reversed(range(self.shape.levels)):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = functional.relu(self.grow[level](functional.pad(x, (0, 1, 0, 1))))
            x = self.up[level](torch.cat([skips[level], x], 1))
        out: Tensor = self.last(x)
        return out[:, 0].float()


_SILENT = -4.6  # log(FLOOR) is −4.605: no bin of such a frame rises above the floor


def _pair(c_in: int, c_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(c_out, c_out, 3, padding=1),
        nn.ReLU(),
    )


def _cosine(a: _Spectrum, b: _Spectrum) -> Tensor:
    """Of the angle between two spectra, ``(B, T, rows)``; 0 where one has nothing."""
    product = a.real * b.real + a.imaginary * b.imaginary
    return product[..., :-1] / (a.size * b.size)


def _rms(x: Tensor) -> Tensor:
    """``(B, 1)``, over the samples that are not exactly zero."""
    count = torch.clamp((x != 0).to(x.dtype).sum(1, keepdim=True), min=1.0)
    return torch.sqrt(torch.clamp(x.square().sum(1, keepdim=True) / count, min=TINY))


def _log(magnitude: Tensor) -> Tensor:
    return torch.log(magnitude + FLOOR)
