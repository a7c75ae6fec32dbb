"""Which sound a table is measured on, and how that is told to the reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from rtdeclip.benchmarks.papers.describe import Options, Table
from rtdeclip.benchmarks.quality import SYNTH_S, audio_files
from rtdeclip.errors import FileError
from rtdeclip.processors.model_card import Card, model_cards

SQAM = ("a08", "a16", "a18", "a25", "a35", "a41", "a42", "a58", "a60", "a66")
QUICK_FILES, QUICK_PIECES = 2, 6
QUICK_S = {"speech": 2.0, "music": 1.0}
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
        return [_middle(f, QUICK_S[table.data]) for f in _spread(files, QUICK_FILES)]
    if options.quick:
        return [_middle(f, table.piece_s) for f in _spread(files, QUICK_PIECES)]
    return [
        Excerpt(f, number * table.piece_s, table.piece_s)
        for f in files
        for number in range(int(_duration_s(f) / table.piece_s))
    ]


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
    """Audio below ``folder/speech`` or ``folder/music`` if there is such, else below
    ``folder``.

    Raises:
        FileError: there is none.
    """
    own = folder / kind
    found = audio_files(own if own.is_dir() else folder)
    if not found:
        raise FileError(
            f"{folder} holds no audio files. Give a folder of clean recordings, best "
            "with subfolders speech and music: rtdeclip bench papers --data DIR"
        )
    return found


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
            size = f"{QUICK_S[table.data]:g} s or less of each of {size}"
    khz = f"at {table.rate_hz / 1000:g} kHz"
    if options.sqam and table.id == "survey":
        return f"the paper's own data: SQAM, {size}, {khz}."
    where = (
        f"synthesised {SYNTHS[table.data]} audio (no --data given)"
        if options.data is None
        else f"{options.data} ({table.data})"
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


def _middle(file: str, length_s: float) -> Excerpt:
    spare = _duration_s(file) - length_s
    if spare <= 0:
        return Excerpt(file)
    return Excerpt(file, round(spare / 2, 3), length_s)


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
