"""A denoiser-sized DEMUCS in our runtime, beside the models that ship.

    python -m bench.network_size

DEMUCS of the real-time denoiser (Défossez et al., 2020; 48 channels, depth 5, stride 4,
two LSTM layers, 18.9 million parameters) as a step graph with random weights, which
decide nothing about speed. It works at 64 kHz inside, in steps of 16 ms of sound at
16 kHz; its resampling is not counted, its latency is as published (37.3 ms window and
4 ms of resampling). Ours are read from ``models/``, without their estimates' time,
but with their latency.
RTF is CPU time over audio time of one core, hop after hop, the median of many.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from rtdeclip.processors.model_card import Card, find_card
from rtdeclip.processors.onnx_model import method_of
from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.training.export import export
from rtdeclip.training.fit import Plan
from rtdeclip.training.nets.causal_demucs import CausalDemucs, Shape

DENOISER = Shape((4, 4, 4, 4, 4), width=48, cap=768, look_ahead=0, layers=2)
DENOISER_HZ = 64000
DENOISER_MS = 41.3
OURS = ("demucs-speech-16k", "hybrid-speech-16k", "hybrid-48k")
STEPS = 300


def denoiser(folder: Path) -> Card:
    """The network of random weights as a model in ``folder``."""
    torch.manual_seed(0)
    net = CausalDemucs(DENOISER).eval()
    plan = Plan("denoiser-size", DENOISER_HZ, DENOISER)
    return export(net, plan, folder, summary="random weights", licence="none")


def step_ms(card: Card, precision: str) -> float:
    """Median CPU time of one step."""
    tags = graph_metadata(card.name, card.sample_rate, card.hop, card.latency_samples)
    graph = StepGraph(card.path(precision), card.inputs, tags)
    rng = np.random.default_rng(0)
    took = []
    for _ in range(STEPS):
        for value in graph.inputs.values():
            value[:] = rng.uniform(0.1, 1.0, len(value))
        start = time.thread_time()
        graph.step()
        took.append(time.thread_time() - start)
    return 1e3 * float(np.median(took))


def rows(cards: list[tuple[Card, float]]) -> Iterator[str]:
    """A line a model and precision."""
    yield f"{'network':20} weights {'MB':>7} {'latency ms':>10} {'step ms':>8} RTF"
    for card, latency_ms in cards:
        hop_ms = 1e3 * card.hop / card.sample_rate
        for precision in ("fp32", "int8"):
            took = step_ms(card, precision)
            size = card.path(precision).stat().st_size / 1e6
            yield (
                f"{card.name:20} {precision:8} {size:6.1f} {latency_ms:10.1f} "
                f"{took:8.3f} {took / hop_ms:.3f}"
            )


def main() -> None:
    with TemporaryDirectory() as folder:
        cards = [(denoiser(Path(folder) / "denoiser-size"), DENOISER_MS)]
        for name in OURS:
            card = find_card(name)
            made = method_of(card).build(card.sample_rate)
            late = made.hop + made.latency_samples
            cards.append((card, 1e3 * late / card.sample_rate))
        for line in rows(cards):
            print(line, flush=True)


if __name__ == "__main__":
    main()
