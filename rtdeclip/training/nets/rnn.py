"""Four two-way LSTM layers over frames of the waveform.

The RNN that Lasry and Feldinger compare DEMUCS with: four layers of 64 units, clipped
waveform in, restored waveform out. What one step sees is not given in the paper; here
it is a frame of 64 samples, because a sample a step would be 16 000 steps a second.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from rtdeclip.processors.model_card import Chunks, Normalisation
from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running, through


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        frame: samples per step.
        hidden: units of each layer and direction.
        layers: of the LSTM.
        chunk: samples the host gives at a time.
        overlap: share of a chunk that the next one sees too.
        residual: the output is added to the input, which the papers do not; a short
            training then starts from the clipped signal instead of from nothing.
        normalisation: of what is given, see ``model_card.Card``.
    """

    frame: int = 64
    hidden: int = 64
    layers: int = 4
    chunk: int = 16000
    overlap: float = 0.5
    residual: bool = False
    normalisation: Normalisation = "none"


class FrameRnn(nn.Module):
    """The network; see the module's first lines."""

    margin = (0, 0)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.lstm = nn.LSTM(
            shape.frame,
            shape.hidden,
            shape.layers,
            batch_first=True,
            bidirectional=True,
        )
        self.out = nn.Linear(2 * shape.hidden, shape.frame)

    @property
    def running(self) -> Running:
        """For the card."""
        s = self.shape
        return Running("chunk", ("y",), s.chunk, 0, s.normalisation, Chunks(s.overlap))

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the same instants as ``item.clean``, for any N."""
        return through(self, self.running, item)

    def forward(self, y: Tensor) -> Tensor:
        """``(B, N)`` clipped in, ``(B, N)`` restored out."""
        n, frame = y.shape[1], self.shape.frame
        rows = functional.pad(y, (0, -n % frame)).reshape(y.shape[0], -1, frame)
        found, _ = self.lstm(rows)
        out: Tensor = self.out(found)
        found = out.reshape(y.shape[0], -1)[:, :n]
        return found + y if self.shape.residual else found
