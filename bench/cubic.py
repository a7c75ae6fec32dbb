"""Quality and speed of cubic: ``python bench/cubic.py [--look-ahead MS ...]``.

Prints, per clip level (share of the file's peak), mean and worst ΔSDR in dB on the
test folders of the audio data (``RTDECLIP_DATA`` or ``../shared/data``), and the CPU
time of one block with and without clipped samples.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import soundfile

from rtdeclip.processors import cubic, cubic_paper
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples, Signs

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def data_folder() -> Path:
    beside = Path(__file__).parents[2] / "shared" / "data"
    return Path(os.environ.get("RTDECLIP_DATA", beside))


def load(folder: str) -> list[tuple[str, Samples, int]]:
    found = []
    for path in sorted((data_folder() / folder).glob("*.flac")):
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
        found.append((path.stem, np.ascontiguousarray(x[:, 0]), rate))
    return found


def clip_at(x: Samples, share: float) -> tuple[Samples, Signs, Samples]:
    level = np.float32(share * np.abs(x).max())
    y = np.clip(x, -level, level)
    sign = ((y == level).astype(np.int8) - (y == -level)).astype(np.int8)
    return y, sign, np.where(sign != 0, level, np.float32(0))


def stream(processor: cubic.Cubic, y: Samples, sign: Signs, bound: Samples) -> Samples:
    """``y`` through the processor, its latency taken off."""
    hop, late = processor.hop, processor.latency_samples
    processor.reset()
    clip, out = Clip(hop), []
    n = -(-(len(y) + late) // hop) * hop
    tail = n - len(y)
    y, sign, bound = (
        np.pad(y, (0, tail)),
        np.pad(sign, (0, tail)),
        np.pad(bound, (0, tail)),
    )
    for at in range(0, n, hop):
        clip.sign[:], clip.bound[:] = sign[at : at + hop], bound[at : at + hop]
        clip.count = int(np.count_nonzero(clip.sign))
        out.append(processor.process(y[at : at + hop], clip).copy())
    return np.concatenate(out)[late:]


def gain_db(x: Samples, y: Samples, restored: Samples) -> float:
    before = float(np.sum((x.astype(np.float64) - y) ** 2))
    after = float(np.sum((x.astype(np.float64) - restored) ** 2))
    return 10 * np.log10(before / max(after, 1e-30))


def quality(folder: str, look_ahead: float, fit: str) -> None:
    cells = []
    files = load(folder)
    for share in LEVELS:
        gains = []
        for _, x, rate in files:
            y, sign, bound = clip_at(x, share)
            if not np.array_equal(x, y):
                made = cubic.METHOD.build(rate, fit=fit, look_ahead=look_ahead)
                restored = stream(made, y, sign, bound)[: len(x)]
                gains.append(gain_db(x, y, restored))
        cells.append(f"{np.mean(gains):5.2f} ({min(gains):5.2f})")
    print(f"{folder:12s} {fit:13s} {look_ahead:4.1f} ms", *cells)


def paper_quality(folder: str, points: int) -> None:
    cells = []
    for share in LEVELS:
        gains = []
        for _, x, rate in load(folder):
            y, sign, bound = clip_at(x, share)
            if not np.array_equal(x, y):
                method = cubic_paper.METHOD.build(rate, points=points)
                restored = method.restore(y[:, None], sign[:, None], bound, rate)
                gains.append(gain_db(x, y, restored[:, 0]))
        cells.append(f"{np.mean(gains):5.2f} ({min(gains):5.2f})")
    print(f"{folder:12s} paper, {points} a side       ", *cells)


def speed(share: float, hop: int = 256) -> None:
    """CPU time per block on a 48 kHz tone mix, the share of clipped samples stated."""
    rng = np.random.default_rng(0)
    t = np.arange(48000 * 4) / 48000
    x = sum(
        np.sin(2 * np.pi * f * t + p)
        for f, p in zip((220, 331, 523, 787), rng.uniform(0, 6, 4), strict=True)
    )
    level = np.quantile(np.abs(x), 1 - share)
    y, sign, bound = clip_at(x.astype(np.float32), float(level / np.abs(x).max()))
    made = cubic.METHOD.build(48000, hop=hop)
    clips = []
    for at in range(0, len(y) - hop + 1, hop):
        clip = Clip(hop)
        clip.sign[:], clip.bound[:] = sign[at : at + hop], bound[at : at + hop]
        clip.count = int(np.count_nonzero(clip.sign))
        clips.append((y[at : at + hop], clip))
    times = []
    for _ in range(15):
        start = time.thread_time()
        for block, clip in clips:
            made.process(block, clip)
        times.append((time.thread_time() - start) / len(clips))
    per_block = float(np.median(times))
    print(
        f"{np.mean(sign != 0):6.1%} clipped: {per_block * 1e6:5.2f} us per block of "
        f"{hop}, {per_block / hop * 1e9:5.1f} ns per sample, "
        f"RTF {per_block / hop * 48000:.5f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--look-ahead", type=float, nargs="*", default=[5.0])
    parser.add_argument("--speed-only", action="store_true")
    given = parser.parse_args()
    for share in (0.0, 0.01, 0.05, 0.2, 0.5):
        speed(share)
    if given.speed_only:
        return
    for folder in ("test/speech", "test/music"):
        for look_ahead in given.look_ahead:
            for fit in ("hermite", "least-squares"):
                quality(folder, look_ahead, fit)
        for points in (2, 4, 8):
            paper_quality(folder, points)


if __name__ == "__main__":
    main()
