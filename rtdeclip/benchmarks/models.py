"""The numbers of a model's card, measured: clean files clipped, streamed, scored.

Each file is clipped at a fraction of its own peak or to an input SDR, or distorted by
a protocol, restored by the shipped graph through ``Stream`` with the level known, and
scored over all its samples.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr

from rtdeclip.benchmarks.protocol import apply
from rtdeclip.errors import FileError
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors.model_card import Card, Score
from rtdeclip.processors.onnx_model import method_of
from rtdeclip.stream.offline import find_levels, restore
from rtdeclip.stream.processor import Value
from rtdeclip.types import Samples

FRACTIONS = (0.1, 0.2, 0.3, 0.5, 0.7)
INPUT_SDRS_DB = (3.0, 7.0, 15.0)
SOFT = {
    "overdrive": tuple(f"peak=0.5+overdrive={gain}:0" for gain in (20, 35, 50)),
    "gain": ("peak=1+gain=35+wet=1", "peak=1+gain=35+wet=0.9"),
    "tanh": ("peak=1+tanh=20",),
}
SUFFIXES = (".wav", ".flac", ".ogg", ".opus")
TOLERANCE_DB = 0.05  # other CPUs sum in another order, which int8 rounding amplifies


def clean_files(folder: Path, sample_rate: int) -> list[Samples]:
    """First channels of the audio files in ``folder``, at ``sample_rate``.

    Raises:
        FileError: there are none.
    """
    paths = [p for p in sorted(folder.glob("*")) if p.suffix.lower() in SUFFIXES]
    if not paths:
        raise FileError(
            f"{folder} holds no audio ({', '.join(SUFFIXES)}). Give the data folder "
            "that the card's sets lie in: --data DIR"
        )
    found = []
    for path in paths:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(x[:, 0])
        found.append(_at_rate(mono, rate, sample_rate))
    return found


def measure(card: Card, wanted: Score, clean: Iterable[Samples]) -> Score:
    """``wanted`` with its numbers measured on ``clean``.

    Raises:
        ModelError: the model cannot be run.
    """
    method = method_of(card)
    settings: dict[str, Value] = {"weights": wanted.weights}
    if wanted.window_ms:
        settings["window_ms"] = f"{wanted.window_ms:g}"
    each = []
    for x in clean:
        item = apply(_protocol(wanted), x)
        y = item.distorted[:, None]
        levels = item.levels or find_levels(y, card.sample_rate)
        out = restore(y, card.sample_rate, method, levels, settings)
        each.append(delta_sdr_db(item.target, item.distorted, out[:, 0]))
    mean, worst = float(np.mean(each)), float(np.min(each))
    return replace(wanted, mean_db=round(mean, 2), worst_db=round(worst, 2))


def _protocol(wanted: Score) -> str:
    if wanted.input_sdr_db:
        return f"sdr={wanted.input_sdr_db!r}"
    return wanted.protocol or f"fraction={wanted.fraction!r}"


def wanted_scores(card: Card, folder: str) -> list[Score]:
    """The rows a new card gets on one set: every precision, window and severity.

    Speech is clipped at fractions of the peak, other sound to an input SDR, as in the
    papers; networks against soft distortion get the kinds they were trained on.
    """
    levels = [(fraction, 0.0, "") for fraction in FRACTIONS]
    if "speech" not in folder:
        levels = [(0.0, sdr_db, "") for sdr_db in INPUT_SDRS_DB]
    if card.scope == "all":
        rules = card.training.get("mix", {}).get("rules", ())
        kinds = dict.fromkeys(rule["kind"] for rule in rules)
        levels = [(0.0, 0.0, word) for kind in kinds for word in SOFT.get(kind, ())]
    windows = card.estimate.windows_ms if card.estimate else ()
    return [
        Score(folder, fraction, weights, 0.0, 0.0, window, sdr_db, protocol)
        for weights in card.weights
        for window in windows or (0.0,)
        for fraction, sdr_db, protocol in levels
    ]


def verify(
    card: Card, data: Path, report: Callable[[Score, Score], None]
) -> list[tuple[Score, Score]]:
    """Measures every score of the card again.

    Args:
        card: whose files are checked on the way.
        data: the folder that the scores' sets lie in.
        report: told each (stated, measured) as it comes.

    Returns:
        those that differ by more than ``TOLERANCE_DB``.
    """
    sets: dict[str, list[Samples]] = {}
    differing = []
    for stated in card.scores:
        if stated.set not in sets:
            sets[stated.set] = clean_files(data / stated.set, card.sample_rate)
        found = measure(card, stated, sets[stated.set])
        report(stated, found)
        apart = max(
            abs(found.mean_db - stated.mean_db), abs(found.worst_db - stated.worst_db)
        )
        if apart > TOLERANCE_DB:
            differing.append((stated, found))
    return differing


def measured(
    card: Card, data: Path, sets: Sequence[str], tell: Callable[[str], None]
) -> Card:
    """``card`` with its scores measured on ``sets``, folders below ``data``."""
    rows = []
    for folder in sets:
        clean = clean_files(data / folder, card.sample_rate)
        for wanted in wanted_scores(card, folder):
            row = measure(card, wanted, clean)
            tell(f"{row}")
            rows.append(row)
    return replace(card, scores=tuple(rows))


def _at_rate(x: Samples, rate: int, wanted: int) -> Samples:
    if rate == wanted:
        return x
    return np.asarray(soxr.resample(x, rate, wanted), np.float32)
