"""Four two-way LSTM layers over frames of the waveform.

The RNN that Lasry and Feldinger compare DEMUCS with: four layers of 64 units, clipped
waveform in, restored waveform out. What one step sees is not given in the paper; here
it is a frame of 64 samples, because a sample a step would be 16 000 steps a second.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.training.nets.chunked import Chunked, ChunkShape


@dataclass(frozen=True, slots=True)
class Shape(ChunkShape):
    """What makes one network of this family.

    Args:
        frame: samples per step.
        hidden: units of each layer and direction.
        layers: of the LSTM.
    """

    frame: int = 64
    hidden: int = 64
    layers: int = 4


class FrameRnn(Chunked):
    """The network; see the module's first lines."""

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.lstm = nn.LSTM(
            shape.frame,
            shape.hidden,
            shape.layers,
            batch_first=True,
            bidirectional=True,
        )
        self.out = nn.Linear(2 * shape.hidden, shape.frame)

    def made(self, y: Tensor) -> Tensor:
        """See ``Chunked``."""
        n, frame = y.shape[1], self.shape.frame
        rows = functional.pad(y, (0, -n % frame)).reshape(y.shape[0], -1, frame)
        found, _ = self.lstm(rows)
        out: Tensor = self.out(found)
        return out.reshape(y.shape[0], -1)[:, :n]
