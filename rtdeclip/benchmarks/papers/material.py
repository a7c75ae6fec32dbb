"""Which sound a table is measured on, and how that is told to the reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from rtdeclip.benchmarks.papers.describe import Options, Table
from rtdeclip.benchmarks.quality import SYNTH_S, audio_files, load
from rtdeclip.errors import FileError, InputError
from rtdeclip.processors.model_card import Card, model_cards

SQAM = ("a08", "a16", "a18", "a25", "a35", "a41", "a42", "a58", "a60", "a66")
QUICK_FILES, QUICK_PIECES = 2, 6
QUICK_S = {"speech": 1.5, "music": 0.6}
QUICK_FAD_S = 1.0  # an embedding's windows are 0.96 s long
# Seconds of work for one of sound: --quick tries them at a few conditions only.
SLOW = frozenset(("best", "comp", "consistent-dl", "dl", "janssen", "ss-pew"))
QUICK_COLUMNS = 2
STEP_S = 0.01
SYNTHS = {"speech": "voice", "music": "plucked"}
N_SYNTHS = 4


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a file; ``length_s`` 0 is all of it."""

    file: str
    start_s: float = 0.0
    length_s: float = 0.0


def excerpts(table: Table, options: Options) -> list[Excerpt]:
    """What ``table`` is measured on.

    Raises:
        FileError: there is no audio.
    """
    files = sources(table, options)
    if not table.piece_s:
        if not options.quick:
            return [Excerpt(f) for f in files]
        length_s = quick_s(table, options)
        return [_loudest(f, length_s) for f in _spread(files, QUICK_FILES)]
    if options.quick:
        return [_loudest(f, table.piece_s) for f in _spread(files, QUICK_PIECES)]
    return [
        Excerpt(f, number * table.piece_s, table.piece_s)
        for f in files
        for number in range(int(_duration_s(f) / table.piece_s))
    ]


def quick_s(table: Table, options: Options) -> float:
    """Length of an excerpt with ``--quick``, in seconds."""
    shortest = QUICK_FAD_S if options.embedding and "fad" in table.metrics else 0.0
    return max(QUICK_S[table.data], shortest)


def conditions(table: Table, processor: str, options: Options) -> list[int]:
    """Which columns a processor is measured at: with --quick a few if it is slow.

    Every cell that there is stays comparable with those above and below it.
    """
    n = len(table.columns)
    if not options.quick or processor not in SLOW or n <= QUICK_COLUMNS:
        return list(range(n))
    return [(2 * i + 1) * n // (2 * QUICK_COLUMNS) for i in range(QUICK_COLUMNS)]


def sources(table: Table, options: Options) -> list[str]:
    """Its files; made-up ones without ``--data``.

    Raises:
        FileError: the folder has no audio, or not all of the survey's excerpts.
    """
    if options.sqam and table.id == "survey":
        return _sqam(options.sqam)
    if options.data is None:
        return [f"synth:{SYNTHS[table.data]}:{seed}" for seed in range(N_SYNTHS)]
    return [str(f) for f in folder_files(options.data, table.data)]


def folder_files(folder: Path, kind: str) -> list[Path]:
    """Audio below what ``searched`` gives.

    Raises:
        FileError: there is none.
    """
    found = audio_files(searched(folder, kind))
    if not found:
        raise FileError(
            f"{folder} holds no audio files. Give a folder of clean recordings, best "
            "with subfolders speech and music: rtdeclip bench papers --data DIR"
        )
    return found


def searched(folder: Path, kind: str) -> Path:
    """``folder/speech`` or ``folder/music`` (or these in ``folder/test``), else all."""
    places = (folder / kind, folder / "test" / kind)
    return next((place for place in places if place.is_dir()), folder)


def head(table: Table, options: Options, parts: Sequence[Excerpt]) -> tuple[str, ...]:
    """The lines that say what was measured on what."""
    lines = [table.setup, told(table, options, parts), *table.remarks]
    lines += networks(table)
    if options.quick:
        lines.append("--quick: too few and too short excerpts to rank methods by.")
    return tuple(lines)


def told(table: Table, options: Options, parts: Sequence[Excerpt]) -> str:
    """Which data, beside the paper's."""
    n, files = len(parts), len({part.file for part in parts})
    if table.piece_s:
        size = f"{n} pieces of {table.piece_s:g} s from {_count(files)}"
    else:
        size = _count(n)
        if options.quick:
            size = (
                f"{quick_s(table, options):g} s or less, the loudest, of each of {size}"
            )
    khz = f"at {table.rate_hz / 1000:g} kHz"
    if options.sqam and table.id == "survey":
        return f"the paper's own data: SQAM, {size}, {khz}."
    where = (
        f"synthesised {SYNTHS[table.data]} audio (no --data given)"
        if options.data is None
        else f"{searched(options.data, table.data)}"
    )
    return (
        f"same protocol, other data: {size}, {where}, {khz}; "
        f"the paper: {table.paper_data}."
    )


def networks(table: Table) -> list[str]:
    """Size and training of the table's networks, as their cards state them."""
    names = {system.processor for system in table.systems}
    known = (card for _, card in model_cards() if isinstance(card, Card))
    facts = [
        f"{card.name} {card.training['parameters'] / 1e6:.2f} M, "
        f"{card.training['minutes']:g} min, {card.training['audio_h']:g} h, "
        f"{card.training['seed']}"
        for card in known
        if card.name in names
        and {"parameters", "minutes", "audio_h", "seed"} <= card.training.keys()
    ]
    words = "Networks (parameters, minutes trained, hours of sound seen, seed): "
    return [words + "; ".join(facts) + "."] if facts else []


def _count(n: int) -> str:
    return f"{n} file{'' if n == 1 else 's'}"


def _sqam(folder: Path) -> list[str]:
    found: dict[str, str] = {}
    for path in audio_files(folder):
        for name in SQAM:
            if path.stem.startswith(name):
                found.setdefault(name, str(path))
    if missing := [name for name in SQAM if name not in found]:
        raise FileError(
            f"{folder} has no file that begins with {', '.join(missing)}. --sqam needs "
            "the survey's ten excerpts (a08_violin.wav …, in its authors' repository "
            "rajmic/declipping2020_codes)."
        )
    return [found[name] for name in SQAM]


def _spread(files: list[str], n: int) -> list[str]:
    if n >= len(files):
        return files
    at = np.linspace(0, len(files) - 1, n).round().astype(int)
    return [files[i] for i in at]


def _loudest(file: str, length_s: float) -> Excerpt:
    """Where most is clipped: the part of most energy."""
    try:
        x, rate = load(file)
    except InputError:  # silent: each row says so
        return Excerpt(file)
    if len(x) <= length_s * rate:
        return Excerpt(file)
    step = int(STEP_S * rate)
    total = np.cumsum(np.square(x, dtype=np.float64))[::step]
    ahead = round(length_s / STEP_S)
    start = int(np.argmax(total[ahead:] - total[:-ahead]))
    return Excerpt(file, round(start * step / rate, 3), length_s)


def _duration_s(file: str) -> float:
    if file.startswith("synth:"):
        return SYNTH_S
    try:
        info = soundfile.info(file)
    except (OSError, RuntimeError) as error:
        raise FileError(
            f"{file} cannot be read ({error}); give audio files."
        ) from error
    return float(info.frames / info.samplerate)
