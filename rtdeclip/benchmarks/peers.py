"""Others' declippers beside ours: ffmpeg's ``adeclip``, a network of denoiser's size.

The network is DEMUCS of the real-time denoiser (Défossez et al., 2020: 48 channels,
depth 5, stride 4, two LSTM layers, 18.9 million parameters) as a step graph of ours
with random weights, which decide nothing about speed; of its output nothing is said. It
works at 64 kHz inside, in steps of 16 ms of sound at 16 kHz. Its resampling is not
counted, its latency is as published (37.3 ms of window, 4 ms of resampling).
"""

import shutil
import subprocess
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter

import numpy as np
import soundfile

from rtdeclip.benchmarks.hops import resident_mb, time_of, timed
from rtdeclip.benchmarks.rtf import Case, Row, row_of, signal
from rtdeclip.benchmarks.rtf_full import Whole
from rtdeclip.processors.model_card import Card
from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.types import Samples

ADECLIP = "ffmpeg adeclip"
NO_FFMPEG = "ffmpeg is not installed: apt install ffmpeg"
NETWORK_MS = 41.3
NETWORK_HZ = 16000


def adeclip(severity: str, seconds: float, sample_rate: int) -> Whole | None:
    """The speed of ffmpeg's filter, its start taken off; None without ffmpeg.

    It takes full scale for the clip level, so the sound is scaled to that.
    """
    if shutil.which("ffmpeg") is None:
        return None
    y = signal(severity, seconds, sample_rate)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clipped.wav")
        soundfile.write(path, y / np.abs(y).max(), sample_rate, "FLOAT")
        spent = _filtered(path, "adeclip") - _filtered(path, "anull")
    return Whole(ADECLIP, sample_rate, severity, seconds, max(0.0, spent) / seconds)


def _filtered(path: Path, filter_name: str) -> float:
    """CPU seconds of one run."""
    before = getrusage(RUSAGE_CHILDREN)
    read = ["-threads", "1", "-filter_threads", "1", "-i", str(path)]
    write = ["-af", filter_name, "-f", "null", "-"]
    subprocess.run(["ffmpeg", "-v", "error", *read, *write], check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def network(card: Card, precision: str, mode: str, seconds: float) -> Row:
    """The speed of a step graph that works at a multiple of 16 kHz.

    Args:
        card: of the graph.
        precision: which file of it.
        mode: ``hot`` or ``paced``.
        seconds: of sound.
    """
    tags = graph_metadata(card.name, card.sample_rate, card.hop, card.latency_samples)
    held, start = resident_mb(), perf_counter()
    graph = StepGraph(card.path(precision), card.inputs, tags)
    built = perf_counter() - start
    times = card.sample_rate // NETWORK_HZ
    hop = card.hop // times
    y = signal("heavy", seconds, NETWORK_HZ)
    blocks = list(y[: len(y) // hop * hop].reshape(-1, hop))

    def step(block: Samples) -> None:
        for value in graph.inputs.values():
            value.reshape(hop, times)[:] = block[:, None]
        graph.step()

    first, _ = time_of(step, blocks[0])
    name = f"{card.name} {precision}"
    return row_of(
        Case(name, NETWORK_HZ, hop, mode=mode, seconds=seconds),
        hop,
        NETWORK_MS,
        timed(step, blocks, hop / NETWORK_HZ, mode),
        first_hop_ms=1e3 * first,
        built_ms=1e3 * built,
        memory_mb=max(0.0, resident_mb() - held),
    )
