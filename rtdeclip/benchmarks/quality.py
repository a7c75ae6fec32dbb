"""Quality: processors × protocols × files, every metric, resumable and parallel.

Work items are plain rows, so that any executor can take them; here they go to
processes on this machine, one item at a time.
"""

import contextlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import soundfile

from rtdeclip.benchmarks.oracles import ORACLES
from rtdeclip.benchmarks.protocol import Item, apply, parse
from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.errors import FileError, InputError, RtdeclipError
from rtdeclip.metrics.resample import to_rate
from rtdeclip.metrics.score import Pair, check_names, score
from rtdeclip.stream.bank import Bank
from rtdeclip.stream.offline import find_levels, restore
from rtdeclip.stream.registry import find
from rtdeclip.types import Samples

LOWER_IS_BETTER = (
    "mse",
    "rmse_missing",
    "llr",
    "llr_composite",
    "spectral_convergence",
    "spectral_convergence_db",
    "fad",
)
SYNTH_S, SYNTH_HZ = 4.0, 44100
AUDIO = (".wav", ".flac", ".ogg", ".opus", ".aiff", ".mp3", ".caf", ".w64")


@dataclass(frozen=True, slots=True)
class Work:
    """One item of work.

    Args:
        file: path of a clean file; its first channel is used. See also ``load``.
        protocol: see ``protocol``.
        processor: name of a processor or restorer, or one of ``oracles``.
        settings: of the processor, ``key=value`` joined by commas.
        levels: ``known`` (the protocol's own) or ``found`` (by the scan).
        consistency: False scores the raw output.
        metrics: comma-separated names.
        rate_hz: the file is brought to this rate first; 0: as it is.
        start_s: where the part begins that is used.
        length_s: its length; 0: to the end.
    """

    file: str
    protocol: str
    processor: str
    settings: str = ""
    levels: str = "known"
    consistency: bool = True
    metrics: str = ""
    rate_hz: int = 0
    start_s: float = 0.0
    length_s: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from the others in a log."""
        return json.dumps(asdict(self), sort_keys=True)


def plan(
    folder: Path,
    processors: Sequence[str],
    protocols: Sequence[str],
    levels: str = "known",
    consistency: bool = True,
    metrics: str = "",
    limit: int = 0,
) -> list[Work]:
    """Every combination, files in order.

    Args:
        folder: searched for audio files, its subfolders too; or one file.
        processors: names, or ``name:key=value,…``.
        protocols: see ``protocol``.
        levels: ``known`` or ``found``.
        consistency: False scores raw outputs.
        metrics: comma-separated names besides the basic ones.
        limit: use only so many files, evenly spread; 0: all.

    Raises:
        FileError: no audio there.
        SettingError: an unknown protocol or metric.
        PluginError: an unknown processor.
    """
    files = [folder] if folder.is_file() else audio_files(folder)
    if not files:
        raise FileError(
            f"{folder} holds no audio files. Give a folder of clean recordings: "
            "rtdeclip bench quality --data DIR"
        )
    if limit and limit < len(files):
        at = np.linspace(0, len(files) - 1, limit).round().astype(int)
        files = [files[i] for i in at]
    for protocol in protocols:
        parse(protocol)
    check_names([name for name in metrics.split(",") if name])
    named = [(word.partition(":")[0], word.partition(":")[2]) for word in processors]
    for name, _ in named:
        if name not in ORACLES:
            find(name)
    return [
        Work(str(f), protocol, name, settings, levels, consistency, metrics)
        for name, settings in named
        for protocol in protocols
        for f in files
    ]


def audio_files(folder: Path) -> list[Path]:
    """Audio files below a folder, by name."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in AUDIO)
    return sorted(p for p in found if p.is_file())


def run(
    work: Sequence[Work], jobs: int = 1, log: Path | None = None
) -> Iterator[dict[str, Any]]:
    """A row per item, as they finish; what ``log`` already holds is not done again.

    Args:
        work: from ``plan``.
        jobs: processes.
        log: JSON lines; appended to as rows come.
    """
    done = _read_log(log) if log else {}
    yield from (done[w.key] for w in work if w.key in done)
    left = [w for w in work if w.key not in done]
    if jobs <= 1 or len(left) <= 1:
        yield from _logged(map(evaluate, left), log)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from _logged(pool.imap_unordered(evaluate, left), log)


def evaluate(work: Work) -> dict[str, Any]:
    """One item restored and scored; a failure is a row with ``error``."""
    row: dict[str, Any] = asdict(work)
    try:
        clean, rate = part(work)
        item, restored, rtf = restored_item(work, clean, rate)
        pair = Pair(
            item.target[:, None], restored[:, None], rate, item.distorted[:, None]
        )
        values, notes = score(pair, [n for n in work.metrics.split(",") if n])
    except RtdeclipError as error:
        return row | {"error": str(error)}
    row |= {"sample_rate": rate, "seconds": len(clean) / rate, "rtf": rtf}
    latency = _latency_ms(work.processor, work.settings, rate)
    row |= {"latency_ms": latency, **values}
    return row | ({"notes": notes} if notes else {})


def restored_item(work: Work, clean: Samples, rate: int) -> tuple[Any, Any, float]:
    """(item, restored ``(n_samples,)``, CPU time / audio time) of one work item.

    A method runs once on something short first, so that its loading is not timed.
    """
    item = apply(work.protocol, clean)
    if work.processor in ORACLES:
        start = process_time()
        restored = ORACLES[work.processor](item)
    else:
        _warmed(work.processor, work.settings, rate)
        start = process_time()
        restored = _restored(work, item, rate)
    return item, restored, (process_time() - start) * rate / max(1, len(clean))


def _restored(work: Work, item: Item, rate: int) -> Samples:
    y = item.distorted[:, None]
    levels = item.levels if work.levels == "known" else None
    return restore(
        y,
        rate,
        find(work.processor),
        levels or find_levels(y, rate),
        parse_settings(work.settings),
        consistency=work.consistency,
    )[:, 0]


@cache
def _warmed(processor: str, settings: str, rate: int) -> None:
    """Lets a method load and compile what it needs; its own run tells if it fails."""
    work = Work("", "fraction=0.5", processor, settings)
    with contextlib.suppress(RtdeclipError):
        _restored(work, apply(work.protocol, plucked(0.2, rate)), rate)


def part(work: Work) -> tuple[Samples, int]:
    """The part of its file that an item uses, at its rate, and the rate.

    Raises:
        FileError: unreadable.
        InputError: empty or silent.
    """
    x, rate = _at_rate(work.file, work.rate_hz)
    start = round(work.start_s * rate)
    end = start + round(work.length_s * rate) if work.length_s else len(x)
    if not np.any(x[start:end]):
        raise InputError(
            f"{work.file} is silent from {work.start_s:g} s to {end / rate:g} s; "
            "take it out of the folder or use other parts."
        )
    return np.ascontiguousarray(x[start:end]), rate


@lru_cache(maxsize=4)
def _at_rate(path: str, rate_hz: int) -> tuple[Samples, int]:
    x, rate = load(path)
    if not rate_hz or rate_hz == rate:
        return x, rate
    return to_rate(x, rate, rate_hz).astype(np.float32), rate_hz


def load(path: str) -> tuple[Any, int]:
    """First channel and rate of a file.

    Args:
        path: of the file; or ``synth:voice:SEED``, ``synth:plucked:SEED`` for four
            seconds of made-up audio at 44.1 kHz.

    Raises:
        FileError: unreadable.
        InputError: empty or silent.
    """
    kind, _, rest = path.partition(":")
    if kind == "synth":
        name, _, seed = rest.partition(":")
        make = voice if name == "voice" else plucked
        return make(SYNTH_S, SYNTH_HZ, int(seed)), SYNTH_HZ
    try:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise FileError(
            f"{path} cannot be read ({error}); give audio files."
        ) from error
    if not np.any(x[:, 0]):
        raise InputError(f"{path} is empty or silent; take it out of the folder.")
    return np.ascontiguousarray(x[:, 0]), int(rate)


def parse_settings(text: str) -> dict[str, str]:
    """``a=1,b=2`` as a dictionary."""
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: value for name, _, value in pairs}


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per processor and protocol: mean, spread and worst file of every metric."""
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if "error" not in row:
            key = (row["processor"], row["settings"], row["protocol"])
            groups.setdefault(key, []).append(row)
    out = []
    for (processor, settings, protocol), group in groups.items():
        line: dict[str, Any] = {
            "processor": processor,
            "settings": settings,
            "protocol": protocol,
            "files": len(group),
            "latency_ms": group[0]["latency_ms"],
            "rtf": float(np.median([row["rtf"] for row in group])),
        }
        for name in _metric_keys(group[0]):
            values = np.array([row[name] for row in group], float)
            fine = np.isfinite(values)
            if fine.any():
                sign = -1 if name in LOWER_IS_BETTER else 1
                worst = np.nanargmin(np.where(fine, sign * values, np.nan))
                line[name] = {
                    "mean": float(values[fine].mean()),
                    "sd": float(values[fine].std()),
                    "worst": float(values[worst]),
                    "worst_file": group[int(worst)]["file"],
                    "files": int(fine.sum()),
                }
        out.append(line)
    return out


def _metric_keys(row: dict[str, Any]) -> list[str]:
    known = {*Work.__dataclass_fields__, "sample_rate", "seconds", "rtf", "latency_ms"}
    return [key for key in row if key not in known and key != "notes"]


@cache
def _latency_ms(processor: str, settings: str, rate: int) -> float | None:
    if processor in ORACLES:
        return None
    method = find(processor)
    if method.kind != "processor":
        return None
    bank = Bank(method, rate, 1, dict(parse_settings(settings)))
    return 1e3 * (bank.latency_samples + bank.hop) / rate


def _logged(
    rows: Iterator[dict[str, Any]], log: Path | None
) -> Iterator[dict[str, Any]]:
    for row in rows:
        if log:
            with log.open("a") as file:
                file.write(json.dumps(row) + "\n")
        yield row


def _read_log(log: Path) -> dict[str, dict[str, Any]]:
    """Rows by the key of their work; a line cut short by a crash is left out."""
    if not log.exists():
        return {}
    done = {}
    for line in log.read_text().splitlines():
        try:
            row = json.loads(line)
            names = row.keys() & Work.__dataclass_fields__.keys()
            work = Work(**{name: row[name] for name in names})
        except (ValueError, AttributeError, TypeError):
            continue
        if "error" not in row:
            done[work.key] = row
    return done
