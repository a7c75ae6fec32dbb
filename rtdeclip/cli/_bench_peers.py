"""The peers of ``rtdeclip bench rtf``, and why one of them is absent."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdeclip.processors.model_card import Card

NAME = "denoiser-size"
NOTE = (
    f"{NAME}: random weights, in the size of denoiser's DEMUCS; only its speed means "
    "anything. Latency as published, resampling not counted."
)
NO_TORCH = 'it is made on the spot, which needs: pip install "rtdeclip[train]"'
PRECISIONS = ("fp32", "int8")
RATE = 64000
SHAPE: dict[str, Any] = {"strides": (4, 4, 4, 4, 4), "width": 48, "cap": 768}


def network_rows(modes: list[str], seconds: float) -> tuple[list[Any], str]:
    """Rows of the random network, and why there are none."""
    from rtdeclip.benchmarks.peers import network

    with TemporaryDirectory() as folder:
        try:
            card = _denoiser(Path(folder) / NAME)
        except ModuleNotFoundError as error:
            return [], f"{NO_TORCH} ({error.name} is missing)"
        return [
            network(card, precision, mode, seconds)
            for precision in PRECISIONS
            for mode in modes
        ], ""


def _denoiser(folder: Path) -> "Card":
    from rtdeclip.training.export import export
    from rtdeclip.training.fit import Plan
    from rtdeclip.training.nets.causal_demucs import CausalDemucs, Shape

    shape = Shape(**SHAPE, look_ahead=0, layers=2)
    net = CausalDemucs(shape).eval()
    plan = Plan(NAME, RATE, shape)
    return export(
        net,
        plan,
        folder,
        summary="random weights",
        licence="none",
        precisions=PRECISIONS,
    )
