"""Wave-U-Net: a U-Net on the waveform that decimates and interpolates by two.

Stoller, Ewert and Dixon (ISMIR 2018, arXiv:1806.03185), with eight levels as Imort et
al. (ISMIR 2022) cut it down to a million parameters: convolutions of 15 samples on the
way down, of 5 on the way up, the channels growing by ``width`` a level. The output is
linear, because restored peaks exceed full scale. Clipped waveform in, restored out.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.nets.chunked import Chunked, ChunkShape

DOWN, UP, SLOPE = 15, 5, 0.2


@dataclass(frozen=True, slots=True)
class Shape(ChunkShape):
    """What makes one network of this family.

    Args:
        width: channels of the finest level, and how many more each coarser one has.
        levels: how often the signal is decimated.
    """

    width: int = 24
    levels: int = 8


class WaveUNet(Chunked):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        width, levels = shape.width, shape.levels
        wide = [1, *(width * (level + 1) for level in range(levels))]
        self.down = nn.ModuleList(
            nn.Conv1d(wide[k], wide[k + 1], DOWN, padding=DOWN // 2)
            for k in range(levels)
        )
        deep = width * (levels + 1)
        self.bottom = nn.Conv1d(wide[-1], deep, DOWN, padding=DOWN // 2)
        above = [*wide[2:], deep]
        self.up = nn.ModuleList(
            nn.Conv1d(above[k] + wide[k + 1], wide[k + 1], UP, padding=UP // 2)
            for k in range(levels)
        )
        self.last = nn.Conv1d(width + 1, 1, 1)

    def made(self, y: Tensor) -> Tensor:
        """See ``Chunked``."""
        n = y.shape[1]
        whole = functional.pad(y, (0, -n % (1 << self.shape.levels)))[:, None]
        x, skips = whole, []
        for conv in self.down:
            x = functional.leaky_relu(conv(x), SLOPE)
            skips.append(x)
            x = x[:, :, ::2]
        x = functional.leaky_relu(self.bottom(x), SLOPE)
        for level in reversed(range(self.shape.levels)):
            x = torch.cat([_twice(x), skips[level]], 1)
            x = functional.leaky_relu(self.up[level](x), SLOPE)
        out: Tensor = self.last(torch.cat([x, whole.to(x.dtype)], 1))
        return out[:, 0, :n]


def _twice(x: Tensor) -> Tensor:
    """``(B, C, T)`` to twice the samples, linearly between them."""
    after = torch.cat([x[:, :, 1:], x[:, :, -1:]], 2)
    return torch.stack([x, 0.5 * (x + after)], 3).flatten(2)
