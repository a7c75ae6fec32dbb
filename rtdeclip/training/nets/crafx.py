"""CRAFx: an audio-effect network of envelopes, modulating a learned filter bank.

Martínez Ramírez, Benetos and Reiss (DAFx-19; Applied Sciences 2020, doi:10.3390/
app10020638), which Imort et al. (ISMIR 2022) train to undo overdrive and clipping. A
filter bank of short kernels splits the sound; each band's envelope, pooled, goes
through a two-way LSTM; what comes out modulates the bands, a small network of learned
activations with squeeze-and-excitation reshapes them, and the filter bank, transposed,
joins them again.

Smaller than the paper's, and simpler in one place: the LSTM runs over a whole chunk,
instead of over every frame of 4096 samples beside its four neighbours on either side.
The activations are piecewise linear between 26 learned values from −1 to 1.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.nets.chunked import Chunked, ChunkShape

KERNEL, SMOOTH, POOL = 64, 128, 64
KNOTS = 26


@dataclass(frozen=True, slots=True)
class Shape(ChunkShape):
    """What makes one network of this family.

    Args:
        bands: of the filter bank.
        hidden: units per direction of the first LSTM layer; halved by each of the
            next two.
    """

    bands: int = 32
    hidden: int = 64


class Curve(nn.Module):
    """A learned activation per channel: straight lines between knots in [−1, 1]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        knots = torch.linspace(-1.0, 1.0, KNOTS)
        self.heights = nn.Parameter(knots.repeat(channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T)``; beyond ±1 the value at the end."""
        at = (x.float().clamp(-1.0, 1.0) + 1.0) * (0.5 * (KNOTS - 1))
        below = at.floor().clamp(max=KNOTS - 2)
        batch, channels, length = x.shape
        start = torch.arange(channels, device=x.device) * KNOTS
        place = (below.long() + start[:, None]).reshape(-1)
        flat = self.heights.reshape(-1)
        low = flat[place].reshape(batch, channels, length)
        high = flat[place + 1].reshape(batch, channels, length)
        return low + (at - below) * (high - low)


class Crafx(Chunked):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        bands, hidden = shape.bands, shape.hidden
        self.bank = nn.Parameter(torch.randn(bands, 1, KERNEL) * KERNEL**-0.5)
        self.smooth = nn.Conv1d(bands, bands, SMOOTH, padding=SMOOTH // 2, groups=bands)
        sizes = [bands, 2 * hidden, hidden, hidden // 2]
        self.lstm = nn.ModuleList(
            nn.LSTM(into, out // 2, batch_first=True, bidirectional=True)
            for into, out in pairwise(sizes)
        )
        self.spread = nn.Linear(sizes[-1], bands)
        self.envelope = Curve(bands)
        half = bands // 2
        self.dense = nn.ModuleList(
            nn.Conv1d(into, out, 1)
            for into, out in ((bands, half), (half, half), (half, bands))
        )
        self.shaped = Curve(bands)
        self.squeeze = nn.Linear(bands, 4 * bands)
        self.excite = nn.Linear(4 * bands, bands)

    def made(self, y: Tensor) -> Tensor:
        """See ``Chunked``."""
        n = y.shape[1]
        whole = functional.pad(y, (KERNEL // 2, -n % POOL + KERNEL // 2 - 1))
        bands = functional.conv1d(whole[:, None], self.bank)
        modulated = bands * self._envelopes(bands)
        x = modulated
        for layer in self.dense:
            x = torch.tanh(layer(x))
        x = self._weighed(self.shaped(x))
        out = functional.conv_transpose1d(x + modulated, self.bank)
        return out[:, 0, KERNEL // 2 : KERNEL // 2 + n]

    def _envelopes(self, bands: Tensor) -> Tensor:
        """What the LSTM makes of the bands' envelopes, ``(B, C, T)``."""
        length = bands.shape[2]
        size = functional.softplus(self.smooth(bands.abs())[:, :, :length])
        rows = functional.max_pool1d(size, POOL).transpose(1, 2)
        for lstm in self.lstm:
            rows, _ = lstm(rows)
        found: Tensor = self.envelope(self.spread(rows).transpose(1, 2))
        return found.repeat_interleave(POOL, 2)

    def _weighed(self, x: Tensor) -> Tensor:
        """Squeeze and excitation: bands weighed by their mean magnitudes."""
        mean = x.abs().mean(2)
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))
        return x * weight[:, :, None]
