"""Order of the classical methods: ``python -m bench.classical --files 4 --seconds 2``.

ΔSDR in dB per method on the music of the audio data (``RTDECLIP_DATA`` or
``../shared/data``), clipped to an input SDR of 3, 7 and 15 dB over each excerpt. With
``--survey``, the parameters and iteration counts of the survey: frames of 8192 under
Hann windows, s = 1, r = 2, ε = 0.1, thresholds from 0.1 to 1e-4 for a clean peak of 1
(so excerpts are scaled to that), 20 × 500 and 3000 iterations. It takes some minutes.
Methods run behind the plain projection, as the host applies it. RTF is CPU time over
audio time.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from rtdeclip.distortion import clip_to_sdr
from rtdeclip.metrics.sdr import delta_sdr_db
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
from rtdeclip.processors.gabor import hann
from rtdeclip.processors.spade_kernel import SURVEY as SURVEY_SCHEDULE
from rtdeclip.processors.spade_kernel import SpadeFrame
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.offline import restore
from rtdeclip.stream.overlap_add import OverlapAdd
from rtdeclip.stream.processor import Method, Value
from rtdeclip.types import Samples

INPUT_SDR_DB = (3.0, 7.0, 15.0)
Row = tuple[Method, dict[str, Value]]
Rows = Callable[[float], list[Row]]  # by clip level
Result = tuple[float, float]

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
WINDOW = 8192


def survey_spade(name: str, *, synthesis: bool) -> Method:
    """The survey's SPADE: Hann before the method, the overlap divided out after."""

    def make(rate: int) -> OverlapAdd:
        kernel = SpadeFrame(WINDOW, SURVEY_SCHEDULE, synthesis=synthesis)
        flat = np.ones(WINDOW, np.float32)
        return OverlapAdd(kernel, WINDOW // 4, hann(WINDOW), flat)

    return Method(name, "", make)


def survey_rows(level: float) -> list[Row]:
    """The survey's methods for a clean peak of 1 and this clip level."""
    path: dict[str, Value] = {
        "first": 0.1 / level,
        "last": 1e-4 / level,
    }  # ss-pew scales to the level
    return [
        (survey_spade("aspade", synthesis=False), {}),
        (survey_spade("sspade", synthesis=True), {}),
        (ss_pew.METHOD, {"steps": 20, "inner": 500, **path}),
        (cp_parabola.METHOD, {"iterations": 3000}),
        (dl.CONSISTENT, {"rounds": 50}),
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


def measure(rows: Rows, at: int, x: Samples, rate: int, sdr_db: float) -> Result:
    """ΔSDR in dB and CPU seconds of the row ``at``."""
    clipped = clip_to_sdr(x[:, 0], sdr_db)
    method, settings = rows(clipped.high)[at]
    ends = Plateau.digital(clipped.high), Plateau.digital(clipped.low)
    levels = [LevelSchedule((Segment(0, len(x), *ends),))]
    start = time.process_time()
    out = restore(clipped.audio[:, None], rate, method, levels, settings)[: len(x)]
    spent = time.process_time() - start
    return delta_sdr_db(x[:, 0], clipped.audio, out[:, 0]), spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="test/music")
    parser.add_argument("--files", type=int, default=0, help="0 takes all")
    parser.add_argument("--seconds", type=float, default=0.0, help="0 takes all")
    parser.add_argument("--survey", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="names of methods")
    parser.add_argument("--input-sdr", nargs="*", type=float, default=INPUT_SDR_DB)
    given = parser.parse_args()
    found = excerpts(given.folder, given.files, given.seconds)
    audio_s = sum(len(x) / rate for x, rate in found)
    print(f"{len(found)} excerpts of {given.folder}, {audio_s:.0f} s; mean (worst) dB")
    # The classical reference, in frames as long as the restorers use.
    ours: list[Row] = [*ROWS, (aspade.METHOD, {"window_ms": 186.0})]
    rows: Rows = survey_rows if given.survey else lambda level: ours
    if given.survey:
        found = [(x / np.abs(x).max(), rate) for x, rate in found]
    for at, (method, settings) in enumerate(rows(1.0)):
        if given.only and method.name not in given.only:
            continue
        cells = []
        for sdr_db in given.input_sdr:
            results = [measure(rows, at, x, rate, sdr_db) for x, rate in found]
            gains = [gain for gain, _ in results]
            spent = sum(seconds for _, seconds in results)
            cells.append(
                f"{sdr_db:4.0f}: {np.mean(gains):6.2f} ({min(gains):6.2f}) "
                f"RTF {spent / audio_s:7.3f}"
            )
        print(f"{method.name:15s}", *cells, settings or "", flush=True)


if __name__ == "__main__":
    main()
