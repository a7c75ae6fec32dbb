"""ffmpeg's ``adeclip`` beside ``aspade`` in one run: ``python -m bench.adeclip``.

    OMP_NUM_THREADS=1 python -m bench.adeclip --seconds 1 --every 4 --json

Excerpts of ``test/speech`` and ``test/music`` (``RTDECLIP_DATA`` or
``../shared/data``), clipped at θ = 0.2 · peak and to 1 dB input SDR. adeclip reads and
writes temporary float files, scaled so that the clip level is full scale, as it
expects. ΔSDR in dB, mean and worst; RTF is CPU time over audio time, of the ffmpeg
process or of our thread. Without ffmpeg: "not installed".
"""

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import thread_time

import numpy as np
import soundfile

from bench.aspade import Row, report, restored, row
from bench.classical import excerpts
from rtdeclip.distortion import Clipped, clip_at_fraction, clip_to_sdr
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors import aspade
from rtdeclip.types import Samples

CLIPS: dict[str, Callable[[Samples], Clipped]] = {
    "θ 0.2·max": partial(clip_at_fraction, fraction=0.2),
    "1 dB in": partial(clip_to_sdr, sdr_db=1.0),
}
BETTER_DB, FASTER = 5.0, 10.0
Result = tuple[float, float]  # ΔSDR in dB, RTF
Runner = Callable[[Clipped, int], tuple[Samples, float]]


def run_adeclip(clipped: Clipped, rate: int) -> tuple[Samples, float]:
    """The restored signal and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        given, got = Path(folder, "clipped.wav"), Path(folder, "restored.wav")
        soundfile.write(given, clipped.audio / clipped.high, rate, "FLOAT")
        before = getrusage(RUSAGE_CHILDREN)
        one = ["-threads", "1", "-filter_threads", "1"]
        write = ["-af", "adeclip", "-c:a", "pcm_f32le", str(got)]
        subprocess.run(
            ["ffmpeg", "-v", "error", *one, "-i", str(given), *write], check=True
        )
        after = getrusage(RUSAGE_CHILDREN)
        out, _ = soundfile.read(got, dtype="float32")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return out[: len(clipped.audio)] * np.float32(clipped.high), spent


def run_aspade(clipped: Clipped, rate: int) -> tuple[Samples, float]:
    start = thread_time()
    out = restored(aspade.METHOD, clipped, rate)
    return out, thread_time() - start


def results(
    folder: str,
    clip: Callable[[Samples], Clipped],
    run: Runner,
    given: argparse.Namespace,
) -> list[Result]:
    found = []
    for x, rate in excerpts(folder, 0, given.seconds)[:: given.every]:
        clipped = clip(x[:, 0])
        out, spent = run(clipped, rate)
        gain = delta_sdr_db(x[:, 0], clipped.audio, out)
        found.append((gain, spent * rate / len(x)))
    return found


def all_rows(given: argparse.Namespace) -> Iterator[Row]:
    for rate in (16000, 44100):  # loads the compiled kernels
        run_aspade(clip_at_fraction(np.ones(rate, np.float32), 0.5), rate)
    for folder in given.folders:
        for name, clip in CLIPS.items():
            ours = np.array(results(folder, clip, run_aspade, given))
            peer = np.array(results(folder, clip, run_adeclip, given))
            head = f"{folder} {name}, "
            for who, table in (("adeclip", peer), ("aspade", ours)):
                yield row(f"{head}{who} ΔSDR dB, mean", float(table[:, 0].mean()))
                least = 0.0 if who == "aspade" else None
                worst = float(table[:, 0].min())
                yield row(f"{head}{who} ΔSDR dB, worst", worst, low=least)
                yield row(f"{head}{who} RTF, mean", float(table[:, 1].mean()))
            better = float((ours[:, 0] - peer[:, 0]).mean())
            wanted = (
                BETTER_DB if (folder, name) == ("test/speech", "θ 0.2·max") else None
            )
            yield row(f"{head}aspade better by dB", better, low=wanted)
            faster = float(peer[:, 1].mean() / ours[:, 1].mean())
            heavy = FASTER if name == "1 dB in" else None
            yield row(f"{head}aspade faster, times", faster, low=heavy)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--every", type=int, default=4, help="takes every Nth file")
    parser.add_argument("--folders", nargs="*", default=["test/speech", "test/music"])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("ffmpeg adeclip: not installed (apt install ffmpeg)")
        return
    report(all_rows(given), as_json=given.json)


if __name__ == "__main__":
    main()
