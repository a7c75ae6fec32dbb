"""Measures what each rung of ``auto`` gives and costs, on training audio.

    python -m bench.ladder --data ../shared/data/train/speech aspade cubic
    python -m bench.ladder --data ../shared/data/train/music aspade:window=2048

Prints one ``Rung`` line a candidate: mean ΔSDR at each of ``SEVERITIES`` and the worst
RTF of one core. What it prints is copied into the
methods' declarations; run it again after a kernel has changed.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
import soundfile

from rtdeclip.distortion import clip
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.processor import SEVERITIES, Method
from rtdeclip.stream.registry import find
from rtdeclip.types import Samples


def excerpts(
    folder: Path, count: int, seconds: float, seed: int
) -> Iterator[tuple[Samples, int]]:
    """Mono excerpts of randomly chosen files, each with its rate."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix in (".flac", ".wav"))
    rng = np.random.default_rng(seed)
    for path in rng.permutation(np.array(paths, dtype=object))[:count]:
        with soundfile.SoundFile(path) as file:
            n = min(file.frames, round(seconds * file.samplerate))
            file.seek(int(rng.integers(0, file.frames - n + 1)))
            x = file.read(n, dtype="float32", always_2d=True)[:, 0]
            if np.abs(x).max() > 1e-3:
                yield x, file.samplerate


def one(method: Method, settings: dict[str, Any], x: Samples, rate: int) -> list[Any]:
    """(ΔSDR, RTF) at every severity; None where too little is clipped."""
    row: list[Any] = []
    for target in SEVERITIES:
        level = level_for(x, target, default_hop(rate))
        if level <= 1e-5:
            row.append((np.nan, np.nan))
            continue
        y = clip(x, level).audio
        plateau = Plateau.digital(level)
        schedule = LevelSchedule((Segment(0, len(y), plateau, plateau),))
        start = thread_time()
        z = restore(y[:, None], rate, method, [schedule], settings)[:, 0]
        rtf = (thread_time() - start) * rate / len(y)
        row.append((delta_sdr_db(x, y, z), rtf))
    return row


def level_for(x: Samples, target: float, hop: int) -> float:
    """The clip level at which ``x`` has the severity nearest to ``target``."""
    size = np.abs(x[: len(x) // hop * hop]).reshape(-1, hop)
    levels = np.quantile(size, 1 - np.geomspace(0.0005, 0.9, 60))
    counts = np.stack([(size >= level).sum(axis=1) for level in levels])
    severity = (counts**2).sum(axis=1) / (hop * np.maximum(counts.sum(axis=1), 1))
    return float(levels[np.abs(np.log(severity / target)).argmin()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--files", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("rungs", nargs="+", help="name or name:key=value,key=value")
    arguments = parser.parse_args()
    audio = list(
        excerpts(arguments.data, arguments.files, arguments.seconds, arguments.seed)
    )
    for word in arguments.rungs:
        name, _, rest = word.partition(":")
        settings = dict(part.split("=") for part in rest.split(",") if part)
        method = find(name)
        table = np.array([one(method, settings, x, rate) for x, rate in audio])
        gain = np.nanmean(table[:, :, 0], axis=0)
        cost = np.nanmedian(table[:, :, 1], axis=0).max()
        numbers = ", ".join(f"{g:.2f}" for g in gain)
        print(f"{word}: cost={cost:.4f}, gain_db=({numbers})", flush=True)


if __name__ == "__main__":
    main()
