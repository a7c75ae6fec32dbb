"""Does a recogniser understand it better: word error rate, speaker similarity.

The recogniser is yours: a command that prints what it hears in a file, or an ONNX
model of speaker embeddings. Kashani et al. declip for recognition, which is why a
declipper should be judged by it.
"""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import RtdeclipError, SettingError
from rtdeclip.metrics.embedding import EmbeddingModel

PLACE = "{file}"
LIMIT_S = 600.0


def word_error_rate(reference: str, heard: str) -> float:
    """Substitutions, deletions and insertions per word of the reference, ≥ 0.

    Case and punctuation do not count; apostrophes do. NaN for an empty reference.

    >>> word_error_rate("The cat sat.", "the cat sat down")
    0.3333333333333333
    """
    expected, words = (_words(text) for text in (reference, heard))
    if not expected:
        return float("nan")
    row = list(range(len(words) + 1))
    for i, wanted in enumerate(expected, 1):
        corner, row[0] = row[0], i
        for j, word in enumerate(words, 1):
            change = corner + (wanted != word)
            corner, row[j] = row[j], min(change, row[j] + 1, row[j - 1] + 1)
    return row[-1] / len(expected)


def recognise(command: str, path: Path) -> str:
    """What ``command`` prints when given the file.

    Args:
        command: a command line with ``{file}`` where the path goes; no shell runs it.
        path: the sound file.

    Raises:
        SettingError: ``{file}`` is missing, or there is no such command.
        RtdeclipError: the command failed, or took longer than 10 minutes.
    """
    words = shlex.split(command)
    if not any(PLACE in word for word in words):
        raise SettingError(
            f"The recogniser {command!r} does not say where the file goes; write "
            "{file} there, like: whisper-cli -nt -f {file}"
        )
    words = [word.replace(PLACE, str(path)) for word in words]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, timeout=LIMIT_S
        )
    except (FileNotFoundError, PermissionError) as error:
        raise SettingError(
            f"There is no command {words[0]!r} to recognise with; check the name."
        ) from error
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", "") or "").strip()[-300:]
        raise RtdeclipError(
            f"The recogniser failed on {path} ({error}): {said}"
        ) from error
    return done.stdout


def speaker_similarity(
    reference: NDArray[Any],
    test: NDArray[Any],
    sample_rate: int,
    model: EmbeddingModel,
) -> float:
    """Cosine of the mean embeddings of both, −1 to 1; NaN if one is all zeros.

    Args:
        reference: ``(n_samples,)`` or ``(n_samples, n_channels)``, 0.96 s or more.
        test: same.
        sample_rate: Hz.
        model: of speakers, from ``load_embedding``.

    Raises:
        InputError: shorter than one window.
    """
    x, z = (model.embed(s, sample_rate).mean(axis=0) for s in (reference, test))
    size = float(np.linalg.norm(x) * np.linalg.norm(z))
    return float(x @ z / size) if size > 0 else float("nan")


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("’", "'"))
