"""What ``score`` needs a model or a command for: FAD, speakers, word errors."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, SettingError
from rtdeclip.metrics.downstream import recognise, speaker_similarity, word_error_rate
from rtdeclip.metrics.embedding import load_embedding
from rtdeclip.metrics.fad import fad
from rtdeclip.metrics.score import OUTSIDE, Pair

Sound = tuple[NDArray[Any], int]


class Outside:
    """The metrics of ``OUTSIDE`` that were asked for.

    Args:
        names: all metrics asked for.
        embedding: the ONNX model, or None.
        recogniser: the command, or empty.

    Raises:
        SettingError: a metric without the model or command that it needs.
        ModelError: the model cannot be used.
    """

    def __init__(
        self, names: list[str], embedding: Path | None, recogniser: str
    ) -> None:
        self._names = [name for name in names if name in OUTSIDE]
        models = [name for name in self._names if name != "wer"]
        if models and embedding is None:
            raise SettingError(
                f"{models[0]} needs a model of your own: --embedding MODEL.onnx. None "
                "ships, and another model's number would not be comparable."
            )
        if "wer" in self._names and not recogniser:
            raise SettingError(
                "wer needs a recogniser of your own: --recogniser 'COMMAND {file}'."
            )
        self._model = load_embedding(embedding) if embedding and models else None
        self._recogniser = recogniser
        self._sounds: tuple[list[Sound], list[Sound]] = ([], [])

    def row(self, reference: Path, test: Path, pair: Pair) -> dict[str, float | None]:
        """The values of one file, by key.

        Raises:
            InputError: shorter than a window of the model.
            RtdeclipError: the recogniser failed.
        """
        row: dict[str, float | None] = {}
        if self._model and "fad" in self._names:
            for sounds, audio in zip(
                self._sounds, (pair.reference, pair.test), strict=True
            ):
                sounds.append((audio.astype(np.float32), pair.sample_rate))
        if self._model and "speaker" in self._names:
            row["speaker_similarity"] = _number(
                speaker_similarity(
                    pair.reference, pair.test, pair.sample_rate, self._model
                )
            )
        if "wer" in self._names:
            heard = recognise(self._recogniser, test)
            row["wer"] = _number(word_error_rate(self._words(reference), heard))
        return row

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Adds the value of the whole set to each row, with what it was measured by."""
        if not self._model or not self._sounds[0]:
            return
        good = [row for row in rows if "error" not in row]
        try:
            found = fad(*self._sounds, self._model)
        except InputError as error:
            for row in good:
                row["fad"] = None
                row["notes"]["fad"] = str(error)
            return
        for row in good:
            row["fad"] = found.distance
            row["fad_model"] = {
                "sha256": found.sha256,
                "convention": found.convention,
                "dimension": found.dimension,
                "n_reference": found.n_reference,
                "n_test": found.n_test,
            }

    def _words(self, reference: Path) -> str:
        transcript = reference.with_suffix(".txt")
        if transcript.is_file():
            return transcript.read_text(encoding="utf-8")
        return recognise(self._recogniser, reference)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
