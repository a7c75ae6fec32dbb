"""DEMUCS that sees whole signals: a waveform U-Net around a two-way LSTM.

Défossez, Usunier, Bottou and Bach, "Music source separation in the waveform domain"
(2019, arXiv:1911.13254), as Lasry and Feldinger (six levels, 64 channels) and Imort et
al. (ISMIR 2022; three levels, 32 channels, context 3) use it against clipping: clipped
waveform in, restored waveform out, no mask. Convolutions are padded so that every
level has the length of its skip. 1 M parameters of each are 1 to 2 % of the CPU time
of the sound at 16 kHz.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.nets.chunked import Chunked, ChunkShape

KERNEL, STRIDE = 8, 4
RESCALE = 0.1  # reference of the weights' spread at the start, as in DEMUCS


@dataclass(frozen=True, slots=True)
class Shape(ChunkShape):
    """What makes one network of this family.

    Args:
        width: channels of the finest level; doubles per level.
        depth: levels.
        context: kernel of the convolution before each one that upsamples.
    """

    width: int = 64
    depth: int = 6
    context: int = 3


class Demucs(Chunked):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        outer = [1, *(shape.width << level for level in range(shape.depth))]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        padding = (KERNEL - STRIDE) // 2
        for level in range(shape.depth):
            into, out = outer[level], outer[level + 1]
            self.down.append(
                nn.Sequential(
                    nn.Conv1d(into, out, KERNEL, STRIDE, padding),
                    nn.ReLU(),
                    nn.Conv1d(out, 2 * out, 1),
                    nn.GLU(1),
                )
            )
            context = nn.Conv1d(out, 2 * out, shape.context, 1, shape.context // 2)
            grow = nn.ConvTranspose1d(out, into, KERNEL, STRIDE, padding)
            self.up.append(nn.Sequential(context, nn.GLU(1), grow))
        deep = outer[-1]
        self.lstm = nn.LSTM(deep, deep, 2, batch_first=True, bidirectional=True)
        self.join = nn.Linear(2 * deep, deep)
        self._rescale()

    def _rescale(self) -> None:
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                    scale = (module.weight.std() / RESCALE).sqrt()
                    module.weight.div_(scale)
                    if module.bias is not None:
                        module.bias.div_(scale)

    def made(self, y: Tensor) -> Tensor:
        """See ``Chunked``."""
        n = y.shape[1]
        x = functional.pad(y, (0, -n % STRIDE**self.shape.depth))[:, None]
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
        between, _ = self.lstm(x.transpose(1, 2))
        x = self.join(between).transpose(1, 2)
        for level in reversed(range(self.shape.depth)):
            x = self.up[level](x + skips[level])
            if level:
                x = functional.relu(x)
        return x[:, 0, :n]
