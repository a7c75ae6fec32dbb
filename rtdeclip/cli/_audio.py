"""Whole files in and out for the commands that make and score test material."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdeclip.errors import FileError
from rtdeclip.types import Samples

# The gain of what rtdeclip wrote, kept in the comment tag so that `score` can undo it.
GAIN_TAG = re.compile(r"rtdeclip gain_db=([+-]?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Sound:
    """A file's audio, ``(n_samples, n_channels)`` float32, and its sample rate in Hz.

    ``gain_db`` is the gain that rtdeclip noted in the file's comment, 0 if none.
    """

    audio: Samples
    sample_rate: int
    gain_db: float = 0.0


def read(path: Path) -> Sound:
    """The whole file.

    Raises:
        FileError: missing, not audio, empty, or damaged.
    """
    import soundfile

    if not path.is_file():
        raise FileError(f"{path} is not a file; check the name.")
    try:
        with soundfile.SoundFile(path) as file:
            audio = file.read(dtype="float32", always_2d=True)
            rate, comment = file.samplerate, file.comment
    except (soundfile.LibsndfileError, OSError) as error:
        raise FileError(
            f"{path} cannot be read as audio ({error}); give WAV, FLAC, AIFF, CAF, "
            "OGG, Opus or MP3."
        ) from error
    if not len(audio):
        raise FileError(f"{path} holds no samples; give a file with sound in it.")
    noted = GAIN_TAG.search(comment or "")
    return Sound(audio, rate, float(noted[1]) if noted else 0.0)


def float_format(path: Path) -> str:
    """The container that ``path`` names by its ending, if it can hold floats.

    Raises:
        FileError: the ending is unknown or its format holds integers only.
    """
    import soundfile

    name = path.suffix[1:].upper().replace("AIF", "AIFF").replace("AIFFF", "AIFF")
    if name not in soundfile.available_formats() or not soundfile.check_format(
        name, "FLOAT"
    ):
        raise FileError(
            f"{path} cannot hold float samples; name it .wav, .aiff, .caf or .w64."
        )
    return name


def write_float(path: Path, audio: Samples, sample_rate: int, gain_db: float) -> None:
    """Writes float32 beside ``path`` and renames, so no half file ever has its name.

    Args:
        path: its ending names the format.
        audio: ``(n_samples, n_channels)`` float32.
        sample_rate: Hz.
        gain_db: noted in the comment tag if not 0.

    Raises:
        FileError: the format holds no floats, or the disk refuses.
    """
    import soundfile

    container = float_format(path)
    part = path.with_name(path.name + ".part")
    try:
        with soundfile.SoundFile(
            part, "w", sample_rate, audio.shape[1], "FLOAT", format=container
        ) as file:
            if gain_db:
                file.comment = f"rtdeclip gain_db={gain_db:.6f}"
            file.write(np.ascontiguousarray(audio))
        os.replace(part, path)
    except (soundfile.LibsndfileError, OSError) as error:
        part.unlink(missing_ok=True)
        raise FileError(
            f"{path} cannot be written ({error}); check the folder, its rights and "
            "the free space."
        ) from error
