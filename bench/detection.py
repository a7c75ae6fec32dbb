"""How many clip levels are found, and how exactly, after what sound goes through.

    python -m bench.detection --data ../shared/data/test
    python -m bench.detection --data ../shared/data/train --unclipped
    python -m bench.detection --data ../shared/data/test --live --json

Every file is clipped at 0.2 and 0.5 of its peak, then degraded; asked is each
polarity with at least 20 clipped samples. ``--live`` measures the causal detector
(the levels in force at the file's end) in place of the whole-file scan, and after
how many seconds that hold clipped samples the level came into force. ``--unclipped``
counts false alarms only, on files as they are.
"""

import argparse
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.detect import ClipDetector
from rtdeclip.stream.levels import LevelScanner
from rtdeclip.types import Samples

FRACTIONS = (0.2, 0.5)
FEWEST_CLIPPED = 20
HOP = 256
LAME_GAIN = 0.95
"""LAME scales what it encodes, so the level in the decoded file is lower."""

Degrade = Callable[[Samples, int, float, np.random.Generator], Samples]


def dither(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
    """16 bits with triangular dither."""
    noise = rng.random(len(y)) - rng.random(len(y))
    return (np.round(y * 32768.0 + noise) / 32768.0).astype(np.float32)


def noise(db: float) -> Degrade:
    """White noise, its rms in dB re. the clip level."""

    def add(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
        sigma = level * 10.0 ** (db / 20.0)
        return (y + sigma * rng.standard_normal(len(y))).astype(np.float32)

    return add


def resample(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
    """By 48 / 44.1, whatever the rate."""
    return np.asarray(soxr.resample(y, 44100, 48000), np.float32)


def coded(y: Samples, rate: int, kind: str, subtype: str, quality: float) -> Samples:
    """Through libsndfile's own encoder and decoder."""
    memory = io.BytesIO()
    mode = "CONSTANT" if kind == "MP3" else None
    soundfile.write(
        memory,
        y,
        rate,
        format=kind,
        subtype=subtype,
        compression_level=quality,
        bitrate_mode=mode,
    )
    memory.seek(0)
    return np.asarray(soundfile.read(memory, dtype="float32")[0])


def mp3(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
    """128 kbit/s, constant."""
    most, least = (320, 32) if rate >= 32000 else (160, 8)
    quality = (most - 128) / (most - least)
    return coded(y, rate, "MP3", "MPEG_LAYER_III", quality)


def opus(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
    """64 kbit/s, at 48 kHz where Opus does not take the file's rate."""
    if rate not in (8000, 12000, 16000, 24000, 48000):
        y, rate = np.asarray(soxr.resample(y, rate, 48000), np.float32), 48000
    return coded(y, rate, "OGG", "OPUS", (256 - 64) / (256 - 6))


def highpass(hz: float) -> Degrade:
    """Second-order Butterworth, causal: the plateaus droop."""

    def droop(y: Samples, rate: int, level: float, rng: np.random.Generator) -> Samples:
        n = 1 << (2 * len(y) - 1).bit_length()
        s = (
            2j
            * np.tan(np.pi * np.fft.rfftfreq(n))[:-1]
            / (2 * np.tan(np.pi * hz / rate))
        )
        gain = np.append(s * s / (s * s + np.sqrt(2.0) * s + 1.0), 1.0)
        padded = np.fft.irfft(np.fft.rfft(y, n) * gain, n)[: len(y)]
        return padded.astype(np.float32)

    return droop


CONDITIONS: dict[str, Degrade] = {
    "float": lambda y, rate, level, rng: y,
    "dither": dither,
    "noise-50": noise(-50.0),
    "noise-40": noise(-40.0),
    "resampled": resample,
    "mp3-128k": mp3,
    "opus-64k": opus,
    "highpass-20": highpass(20.0),
    "highpass-40": highpass(40.0),
    "highpass-80": highpass(80.0),
}


@dataclass(frozen=True)
class Row:
    """One condition at one fraction (0: unclipped, ``found`` are false alarms)."""

    condition: str
    fraction: float
    asked: int
    found: int
    within_1_percent: int
    median_error_percent: float | None
    median_delay_s: float | None


@dataclass(frozen=True)
class Answer:
    """What a detector says of one polarity."""

    level: float | None
    first_sample: int | None = None

    @property
    def alarmed(self) -> bool:
        """A level at the end, or any sample masked on the way."""
        return self.level is not None or self.first_sample is not None


def scan(y: Samples, rate: int) -> tuple[Answer, Answer]:
    """The whole-file scan."""
    scanner = LevelScanner(rate, 1)
    scanner.feed(y[:, None])
    scanner.finish()
    report = scanner.reports()[0]
    high, low = report.high, report.low
    return Answer(high.level if high else None), Answer(low.level if low else None)


def listen(y: Samples, rate: int) -> tuple[Answer, Answer]:
    """The causal detector: levels at the end, and the sample of the first mask."""
    detector = ClipDetector(rate, HOP)
    clip = Clip(HOP)
    first: list[int | None] = [None, None]
    for start in range(0, len(y) - HOP + 1, HOP):
        detector.process(y[start : start + HOP], clip)
        for p, sign in enumerate((1, -1)):
            if clip.count and first[p] is None and (clip.sign == sign).any():
                first[p] = start + int(np.argmax(clip.sign == sign))

    def answer(plateau: Plateau | None, at: int | None) -> Answer:
        return Answer(plateau.level if plateau else None, at)

    return answer(detector.high, first[0]), answer(detector.low, first[1])


def clipped_seconds(hit: np.ndarray, rate: int, until: float) -> float:
    """Steps of 0.1 s that hold clipped samples before sample ``until``, in seconds."""
    steps = np.flatnonzero(hit[: round(until)]) // max(1, rate // 10)
    return 0.1 * len(np.unique(steps))


def files(folder: Path) -> Iterator[tuple[str, Samples, int]]:
    """First channels of all FLAC and WAV files below ``folder``."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".flac", ".wav"):
            x, rate = soundfile.read(path, dtype="float32", always_2d=True)
            yield path.name, np.ascontiguousarray(x[:, 0]), rate


def measure(folder: Path, detect: Callable[..., tuple[Answer, Answer]]) -> list[Row]:
    """All conditions and fractions, over all files of ``folder``."""
    errors: dict[tuple[str, float], list[float]] = {}
    delays: dict[tuple[str, float], list[float]] = {}
    for number, (_, x, rate) in enumerate(files(folder)):
        for fraction in (*FRACTIONS, 0.0):
            level = (fraction or 1.0) * float(np.abs(x).max())
            y = np.clip(x, -level, level) if fraction else x
            for name, degrade in CONDITIONS.items():
                rng = np.random.default_rng([number, round(10 * fraction)])
                z = np.ascontiguousarray(degrade(y, rate, level, rng))
                truth = level * (LAME_GAIN if name.startswith("mp3") else 1.0)
                stretch = len(z) / len(y)
                for answer, sign in zip(detect(z, rate), (1, -1), strict=True):
                    hit = sign * x >= level
                    if fraction and hit.sum() < FEWEST_CLIPPED:
                        continue
                    found = answer.level
                    if not fraction:
                        found = truth if answer.alarmed else None
                    error = np.nan if found is None else abs(found / truth - 1.0)
                    errors.setdefault((name, fraction), []).append(error)
                    if answer.first_sample is not None:
                        until = answer.first_sample / stretch
                        waited = clipped_seconds(hit, rate, until)
                        delays.setdefault((name, fraction), []).append(waited)
    return [summary(*key, values, delays.get(key)) for key, values in errors.items()]


def summary(
    name: str, fraction: float, errors: list[float], delays: list[float] | None
) -> Row:
    """The row of one condition; an error that is not a number was not found."""
    found = np.array([e for e in errors if not np.isnan(e)])
    clipped = fraction > 0.0
    return Row(
        name,
        fraction,
        len(errors),
        len(found),
        int((found <= 0.01).sum()) if clipped else 0,
        float(100.0 * np.median(found)) if clipped and len(found) else None,
        float(np.median(delays)) if clipped and delays else None,
    )


def false_alarms(
    folder: Path, detect: Callable[..., tuple[Answer, Answer]]
) -> dict[str, list[float | None]]:
    """The files said to be clipped, with the levels; the count of all under ``""``."""
    alarms: dict[str, list[float | None]] = {}
    total = 0
    for name, x, rate in files(folder):
        total += 1
        answers = detect(x, rate)
        if any(answer.alarmed for answer in answers):
            alarms[name] = [answer.level for answer in answers]
    return {"": [float(total)], **alarms}


def show(rows: list[Row]) -> None:
    """The table, a line a condition and fraction."""
    print(f"{'condition':12} frac  asked  found    ≤1 %  median error  delay")
    for r in rows:
        if r.fraction == 0.0:
            print(f"{r.condition:12} none  {r.asked:5}  {r.found:5} false alarms")
            continue
        share, near = (100.0 * k / r.asked for k in (r.found, r.within_1_percent))
        case = f"{r.condition:12} {r.fraction:.1f}"
        error = f"{r.median_error_percent:.2f} %" if r.found else "-"
        delay = "" if r.median_delay_s is None else f"{r.median_delay_s:.1f} s"
        print(f"{case}   {r.asked:5}  {share:5.1f}  {near:6.1f}  {error:>12}  {delay}")


def main() -> None:
    """Parses the command line, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--live", action="store_true")
    parser.add_argument("--unclipped", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    detect = listen if args.live else scan
    if args.unclipped:
        alarms = false_alarms(args.data, detect)
        total = int(alarms.pop("")[0] or 0)
        if args.json:
            print(json.dumps({"files": total, "alarms": alarms}, indent=1))
            return
        print(f"{len(alarms)} of {total} files")
        for name, levels in alarms.items():
            print(f"  {name}  {levels}")
        return
    rows = measure(args.data, detect)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        show(rows)


if __name__ == "__main__":
    main()
