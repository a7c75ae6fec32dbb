"""Open-Unmix: a mask on magnitudes from three LSTM layers.

Stöter, Uhlich, Liutkus and Mitsufuji (JOSS 2019, doi:10.21105/joss.01667), as Imort et
al. (ISMIR 2022) train it against distortion, end to end on the time signal: Hann
1024/256 at 16 kHz, the mask times the input's magnitude, the input's phase. With one
direction each frame uses the past only.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from rtdeclip.training.nets.chunked import Chunked, ChunkShape
from rtdeclip.training.nets.spectra import signal, spectra

WINDOW, HOP = 1024, 256


@dataclass(frozen=True, slots=True)
class Shape(ChunkShape):
    """What makes one network of this family.

    Args:
        hidden: units of each LSTM layer, both directions together.
        two_way: False: the past only.
    """

    hidden: int = 512
    two_way: bool = True


class OpenUnmix(Chunked):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        bins, hidden = WINDOW // 2 + 1, shape.hidden
        self.input_mean = nn.Parameter(torch.zeros(bins))
        self.input_scale = nn.Parameter(torch.ones(bins))
        self.output_mean = nn.Parameter(torch.ones(bins))
        self.output_scale = nn.Parameter(torch.ones(bins))
        self.into = nn.Linear(bins, hidden, bias=False)
        self.into_norm = nn.BatchNorm1d(hidden)
        self.lstm = nn.LSTM(
            hidden,
            hidden // 2 if shape.two_way else hidden,
            3,
            batch_first=True,
            bidirectional=shape.two_way,
        )
        self.mix = nn.Linear(2 * hidden, hidden, bias=False)
        self.mix_norm = nn.BatchNorm1d(hidden)
        self.out = nn.Linear(hidden, bins, bias=False)
        self.out_norm = nn.BatchNorm1d(bins)

    def made(self, y: Tensor) -> Tensor:
        """See ``Chunked``."""
        found = spectra(y.float(), WINDOW, HOP)
        size = found.abs()
        x = (size + self.input_mean) * self.input_scale
        x = torch.tanh(_over_frames(self.into_norm, self.into(x)))
        between, _ = self.lstm(x)
        x = self.mix(torch.cat([x, between], 2))
        x = torch.relu(_over_frames(self.mix_norm, x))
        x = _over_frames(self.out_norm, self.out(x))
        mask = torch.relu(x * self.output_scale + self.output_mean)
        return signal(found * mask.float(), WINDOW, HOP, y.shape[1])


def _over_frames(norm: nn.BatchNorm1d, x: Tensor) -> Tensor:
    """Statistics per channel over batch and frames, ``(B, T, C)``."""
    out: Tensor = norm(x.transpose(1, 2))
    return out.transpose(1, 2)
