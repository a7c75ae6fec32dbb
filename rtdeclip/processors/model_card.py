"""Model cards: what ``card.toml`` beside a model says, read, checked and found.

A model is a folder with a ``card.toml`` and one ONNX file per precision. The card says
how the model is run; the host trusts nothing else, and the file itself repeats what
matters in its metadata, so that a card and a file that do not belong together are
noticed.
"""

import hashlib
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from rtdeclip.errors import ModelError
from rtdeclip.stream.processor import SEVERITIES, Rung, Value

FORMAT = 1
CARD = "card.toml"
FOLDERS_VARIABLE = "RTDECLIP_MODELS"
INPUTS = ("y", "sign", "theta", "estimate", "partner")
Normalisation = Literal["none", "level", "energy", "fitted", "mean_variance", "peak"]
Kind = Literal["step", "chunk", "whole"]
Scope = Literal["clipped", "all"]


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of a model.

    Args:
        file: name beside the card.
        sha256: of the file, hexadecimal.
    """

    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The classical processor whose output is an input of the model.

    Args:
        processor: its name.
        settings: its settings by name.
        windows_ms: values of its ``window_ms`` the model was trained with; the first is
            the default. Empty: it has no such setting.
        follows: of a partner, the setting (in ms) that is given the model's whole
            latency, so that it looks as far ahead as it may.
    """

    processor: str
    settings: dict[str, Value] = field(default_factory=dict)
    windows_ms: tuple[float, ...] = ()
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """One measured number.

    Args:
        set: folder of clean files, below the data folder.
        fraction: clip level over each file's peak; 0 where ``input_sdr_db`` sets it.
        weights: which file of the model.
        mean_db: ΔSDR over the whole file, mean of the files.
        worst_db: of the worst file.
        window_ms: of the estimate, 0 if there is none.
        input_sdr_db: SDR of the clipped files, which sets their levels; 0: unused.
        protocol: of ``benchmarks.protocol``, in the place of both; empty: unused.
    """

    set: str
    fraction: float
    weights: str
    mean_db: float
    worst_db: float
    window_ms: float = 0.0
    input_sdr_db: float = 0.0
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Chunks:
    """How a network of fixed length sees a whole signal.

    Args:
        overlap: share of a chunk that the next one sees too, 0 up to below 1.
        window: weights of a chunk in the sum: ``flat`` (the average) or ``hann``.
        clipped_only: leave out chunks that hold no clipped sample.
    """

    overlap: float = 0.5
    window: Literal["flat", "hann"] = "flat"
    clipped_only: bool = True


@dataclass(frozen=True, slots=True)
class Card:
    """A model as its card tells it.

    Args:
        name: what the user types.
        summary: one line.
        kind: ``step``: a graph that takes one hop and its own state; ``chunk``: one
            of fixed length, for whole signals; ``whole``: one of any length.
        sample_rate: native rate, Hz.
        also_hz: other rates at which a step graph runs as it is, sample for sample.
        hop: samples per step, or length of a chunk; 0 for ``whole``.
        latency_samples: index delay of the graph, without an estimate's.
        inputs: names of the graph's inputs besides the state, in order: ``y`` the
            clipped signal, ``sign`` the mask (−1, 0, 1), ``theta`` the clip level,
            ``estimate`` another processor's output of the same instants, ``partner``
            a second one's, of the instants of the graph's output.
        weights: files by precision, the first is the default.
        folder: where the card lies.
        estimate: set if ``estimate`` is among the inputs.
        partner: set if ``partner`` is.
        normalisation: of ``y``, ``theta`` and ``estimate`` before a chunk or whole
            graph, undone after it: divided by the clip level, the root mean square,
            the deviation (the mean taken off first) or the peak of what it sees.
            ``fitted``: by the peak; afterwards the level at which the reliable
            samples agree best, for networks whose loss knows no level.
            A step graph normalises itself.
        chunks: of a ``chunk`` graph.
        scope: ``all`` for networks that undo soft distortion, where every sample may
            change; else the host keeps all but the clipped ones.
        note: what it is for if not for daily use, as in ``Method``.
        licence: of the weights.
        data: what it was trained on, with licences, one line each.
        training: settings of the training, for people.
        scores: measured numbers.
        rungs: how it joins ``auto``, as ``bench.ladder`` measured; empty: it does not.
    """

    name: str
    summary: str
    kind: Kind
    sample_rate: int
    hop: int
    latency_samples: int
    inputs: tuple[str, ...]
    weights: dict[str, Weights]
    folder: Path
    estimate: Estimate | None = None
    partner: Estimate | None = None
    licence: str = ""
    data: tuple[str, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    rungs: tuple[Rung, ...] = ()
    normalisation: Normalisation = "none"
    chunks: Chunks = field(default_factory=Chunks)
    scope: Scope = "clipped"
    note: str = ""
    also_hz: tuple[int, ...] = ()

    @property
    def rates(self) -> tuple[int, ...]:
        """Every rate it runs at, the native one first."""
        return (self.sample_rate, *self.also_hz)

    def path(self, precision: str) -> Path:
        """The checked file of one precision.

        Raises:
            ModelError: missing, or not the file the card was written for.
        """
        weights = self.weights[precision]
        path = self.folder / weights.file
        if not path.is_file():
            raise ModelError(
                f"Model {self.name!r} lacks {path}. Copy the whole model folder, "
                "or install rtdeclip again."
            )
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != weights.sha256:
            raise ModelError(
                f"{path} is damaged or not the file its card names (sha256 "
                f"{found[:12]}…, the card says {weights.sha256[:12]}…). Copy it again, "
                "or install rtdeclip again."
            )
        return path


def read_card(folder: Path) -> Card:
    """The card of the model in ``folder``.

    Raises:
        ModelError: no card, a damaged one, or one of a later version.
    """
    path = folder / CARD
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} holds no {CARD}, so it is no model. Give the folder of a model "
            "(rtdeclip models list)."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is damaged ({error}). Copy the model again."
        ) from error
    if raw.get("format", 0) > FORMAT:
        raise ModelError(
            f"{path} has format {raw['format']}, this version reads up to {FORMAT}. "
            "Update rtdeclip."
        )
    try:
        return _card(raw, folder)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path} is not a model card of rtdeclip ({type(error).__name__}: {error})."
            " Export the model again: rtdeclip export"
        ) from error


def _card(raw: dict[str, Any], folder: Path) -> Card:
    estimate, partner = (_estimate(raw.get(key)) for key in ("estimate", "partner"))
    card = Card(
        name=str(raw["name"]),
        summary=str(raw["summary"]),
        kind=raw["kind"],
        sample_rate=int(raw["sample_rate"]),
        hop=int(raw["hop"]),
        latency_samples=int(raw["latency_samples"]),
        inputs=tuple(raw["inputs"]),
        weights={name: Weights(**entry) for name, entry in raw["weights"].items()},
        folder=folder,
        estimate=estimate,
        partner=partner,
        licence=str(raw.get("licence", "")),
        data=tuple(raw.get("data", ())),
        training=dict(raw.get("training", {})),
        scores=tuple(Score(**entry) for entry in raw.get("scores", ())),
        rungs=tuple(_rung(entry) for entry in raw.get("rungs", ())),
        normalisation=raw.get("normalisation", "none"),
        chunks=Chunks(**raw.get("chunks", {})),
        scope=raw.get("scope", "clipped"),
        note=str(raw.get("note", "")),
        also_hz=tuple(int(rate) for rate in raw.get("also_hz", ())),
    )
    for word, known in (
        (card.kind, get_args(Kind)),
        (card.normalisation, get_args(Normalisation)),
        (card.chunks.window, ("flat", "hann")),
        (card.scope, get_args(Scope)),
    ):
        if word not in known:
            raise ValueError(f"{word!r} is unknown; known: {', '.join(known)}")
    if not 0 <= card.chunks.overlap < 1:
        raise ValueError(f"overlap {card.chunks.overlap} is not in [0, 1)")
    if not card.weights:
        raise ValueError("no weights")
    unknown = set(card.inputs) - set(INPUTS)
    if (
        unknown
        or "y" not in card.inputs
        or ("estimate" in card.inputs) != (estimate is not None)
        or ("partner" in card.inputs) != (partner is not None)
        or (partner is not None and card.kind != "step")
    ):
        raise ValueError(f"inputs {card.inputs} do not fit")
    if (
        (card.hop < 1) != (card.kind == "whole")
        or card.latency_samples < 0
        or min(card.rates) < 1
    ):
        raise ValueError("hop, latency_samples or sample_rate is out of range")
    return card


def _estimate(entry: dict[str, Any] | None) -> Estimate | None:
    if entry is None:
        return None
    return Estimate(
        entry["processor"],
        dict(entry.get("settings", {})),
        tuple(float(w) for w in entry.get("windows_ms", ())),
        str(entry.get("follows", "")),
    )


def _rung(entry: dict[str, Any]) -> Rung:
    gain_db = tuple(float(gain) for gain in entry["gain_db"])
    if len(gain_db) != len(SEVERITIES):
        raise ValueError(f"a rung needs {len(SEVERITIES)} gains, one per severity")
    settings = tuple(sorted(entry.get("settings", {}).items()))
    return Rung(settings, float(entry["cost"]), gain_db)


def model_folders() -> list[Path]:
    """Where models are looked for, in this order.

    ``RTDECLIP_MODELS`` (folders as in PATH), the user's data folder, the models that
    came with the package.
    """
    import platformdirs

    package = Path(__file__).resolve().parents[1]
    named = os.environ.get(FOLDERS_VARIABLE, "")
    return [
        *(Path(part) for part in named.split(os.pathsep) if part),
        platformdirs.user_data_path("rtdeclip") / "models",
        package / "_models",
        package.parent / "models",
    ]


def model_cards() -> Iterator[tuple[Path, Card | ModelError]]:
    """Every model found, its folder and its card, or why that cannot be read.

    Of two models of one name the first found counts.
    """
    seen: set[str] = set()
    for root in model_folders():
        for path in sorted(root.glob(f"*/{CARD}")):
            if path.parent.name in seen:
                continue
            seen.add(path.parent.name)
            try:
                yield path.parent, read_card(path.parent)
            except ModelError as error:
                yield path.parent, error


def find_card(name_or_path: str) -> Card:
    """The card of a model by name, or by the path of its folder.

    Raises:
        ModelError: there is no such model, or its card cannot be read.
    """
    path = Path(name_or_path).expanduser()
    if (path / CARD).is_file():
        return read_card(path)
    known = []
    for folder, card in model_cards():
        if folder.name == name_or_path:
            if isinstance(card, ModelError):
                raise card
            return card
        known.append(folder.name)
    raise ModelError(
        f"There is no model {name_or_path!r}; found: {', '.join(known) or 'none'}. "
        f"Give a name of these or a folder with a {CARD}; more folders are searched "
        f"with {FOLDERS_VARIABLE}."
    )
