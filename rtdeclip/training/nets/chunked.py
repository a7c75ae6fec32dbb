"""What the papers' networks for whole signals share: clipped chunk in, restored out.

They know neither mask nor level, see a second or two at a time, and are told apart by
what lies between.
"""

from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from rtdeclip.processors.model_card import Chunks, Normalisation
from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running, through


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkShape(NetworkShape):
    """How the host runs one; each family adds its sizes.

    Args:
        chunk: samples the host gives at a time.
        overlap: share of a chunk that the next one sees too.
        window: weight of a chunk in the sum.
        clipped_only: chunks without a clipped sample are left alone.
        residual: the output is added to the input, which the papers do not; a short
            training then starts from the clipped signal instead of from nothing.
        normalisation: of what is given, see ``model_card.Card``.
    """

    chunk: int = 32768
    overlap: float = 0.25
    window: Literal["flat", "hann"] = "hann"
    clipped_only: bool = True
    residual: bool = False
    normalisation: Normalisation = "energy"


class Chunked(nn.Module):
    """A network of ``y`` alone, see ``network.Network``."""

    margin = (0, 0)
    shape: Any

    def __init__(self, shape: ChunkShape) -> None:
        super().__init__()
        self.shape = shape

    @property
    def running(self) -> Running:
        """For the card."""
        s = self.shape
        chunks = Chunks(s.overlap, s.window, s.clipped_only)
        return Running("chunk", ("y",), s.chunk, 0, s.normalisation, chunks)

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the same instants as ``item.clean``, for any N."""
        return through(self, self.running, item)

    def forward(self, y: Tensor) -> Tensor:
        """``(B, N)`` clipped in, ``(B, N)`` restored out."""
        made = self.made(y)
        return made + y if self.shape.residual else made

    def made(self, y: Tensor) -> Tensor:
        """What the layers make of ``(B, N)``, same shape."""
        raise NotImplementedError
