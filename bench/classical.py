"""Order of the classical methods: ``python bench/classical.py --files 4 --seconds 2``.

ΔSDR in dB per method on the music of the audio data (``RTDECLIP_DATA`` or
``../shared/data``), clipped to an input SDR of 3, 7 and 15 dB over each excerpt. With
``--survey``, the iteration counts of the survey (hours). Methods run raw behind the
plain projection, as the host applies it. RTF is CPU time over audio time.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import soundfile

from rtdeclip.processors import ar as ar_method
from rtdeclip.processors import (
    aspade,
    comp,
    cp_parabola,
    cubic,
    dl,
    iht,
    janssen,
    rbar,
    ss_pew,
    sspade,
)
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.processor import Method, Value
from rtdeclip.types import Samples

INPUT_SDR_DB = (3.0, 7.0, 15.0)
Row = tuple[Method, dict[str, Value]]

ROWS: list[Row] = [
    (cubic.METHOD, {}),
    (rbar.METHOD, {}),
    (ar_method.METHOD, {}),
    (comp.METHOD, {}),
    (iht.CONSISTENT, {}),
    (dl.CONSISTENT, {}),
    (janssen.METHOD, {}),
    (cp_parabola.METHOD, {}),
    (sspade.METHOD, {}),
    (ss_pew.METHOD, {}),
]
SURVEY: list[Row] = [
    (dl.CONSISTENT, {"rounds": 50}),
    (cp_parabola.METHOD, {"iterations": 3000}),
    (sspade.METHOD, {"growth": 0.0, "every": 2, "epsilon": 0.01}),
    (ss_pew.METHOD, {"steps": 20, "inner": 500}),
]


def excerpts(
    folder: str, files: int, seconds: float, start_s: float = 0.5
) -> list[tuple[Samples, int]]:
    """``(n, 1)`` excerpts from ``start_s`` on, evenly chosen among the files."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    data = Path(os.environ.get("RTDECLIP_DATA", beside)) / folder
    paths = sorted(data.glob("*.flac"))
    chosen = paths[:: max(len(paths) // files, 1)][:files] if files else paths
    found = []
    for path in chosen:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
        start = round(start_s * rate)
        stop = start + int(seconds * rate) if seconds else len(x)
        found.append((np.ascontiguousarray(x[start:stop, :1]), rate))
    return found


def level_for(x: Samples, sdr_db: float) -> float:
    """The clip level at which ``x`` has this SDR, by bisection."""
    low, high = 0.0, float(np.abs(x).max())
    energy = float(np.sum(x.astype(np.float64) ** 2))
    for _ in range(50):
        middle = 0.5 * (low + high)
        lost = np.maximum(np.abs(x).astype(np.float64) - middle, 0.0)
        sdr = 10 * np.log10(energy / max(float(np.sum(lost**2)), 1e-30))
        low, high = (middle, high) if sdr < sdr_db else (low, middle)
    return high


def measure(row: Row, x: Samples, rate: int, sdr_db: float) -> tuple[float, float]:
    """ΔSDR in dB and CPU seconds."""
    level = np.float32(level_for(x, sdr_db))
    y = np.clip(x, -level, level)
    plateau = Plateau.digital(float(level))
    levels = [LevelSchedule((Segment(0, len(x), plateau, plateau),))]
    method, settings = row
    start = time.process_time()
    out = restore(y, rate, method, levels, settings)[: len(x)]
    spent = time.process_time() - start
    truth = x.astype(np.float64)
    before, after = np.sum((truth - y) ** 2), np.sum((truth - out) ** 2)
    return float(10 * np.log10(before / after)), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="test/music")
    parser.add_argument("--files", type=int, default=0, help="0 takes all")
    parser.add_argument("--seconds", type=float, default=0.0, help="0 takes all")
    parser.add_argument("--survey", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="names of methods")
    given = parser.parse_args()
    found = excerpts(given.folder, given.files, given.seconds)
    audio_s = sum(len(x) / rate for x, rate in found)
    print(f"{len(found)} excerpts of {given.folder}, {audio_s:.0f} s; mean (worst) dB")
    # The classical reference, in frames as long as the restorers use.
    long_frames: Row = (aspade.METHOD, {"window_ms": 186.0})
    for row in [*(SURVEY if given.survey else ROWS), long_frames]:
        if given.only and row[0].name not in given.only:
            continue
        cells = []
        for sdr_db in INPUT_SDR_DB:
            results = [measure(row, x, rate, sdr_db) for x, rate in found]
            gains = [gain for gain, _ in results]
            spent = sum(seconds for _, seconds in results)
            cells.append(
                f"{sdr_db:4.0f}: {np.mean(gains):6.2f} ({min(gains):6.2f}) "
                f"RTF {spent / audio_s:7.3f}"
            )
        print(f"{row[0].name:15s}", *cells, row[1] or "", flush=True)


if __name__ == "__main__":
    main()
