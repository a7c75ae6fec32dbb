"""Audio files and pipes, read block by block."""

import stat
import sys
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import soundfile as sf

from rtdeclip.errors import FileError
from rtdeclip.files.extras import unkept_parts
from rtdeclip.files.wav import WavHeader, decode, read_header
from rtdeclip.types import Samples

PIPE = "-"
"""The name that stands for standard input and standard output."""
_UNKNOWN_LENGTH = 1 << 62


class Source(Protocol):
    """Where samples come from.

    Attributes:
        name: for messages.
        sample_rate: Hz.
        n_channels: 1 or more.
        n_samples: per channel as the header promises, None if it does not say.
        tags: title, artist … by name.
        unkept_parts: parts of the file that are neither samples nor tags.
        warnings: what was wrong with it so far, in sentences.
        nonfinite_samples: NaN and infinite samples so far, handed out as 0.
    """

    name: str
    sample_rate: int
    n_channels: int
    n_samples: int | None
    tags: dict[str, str]
    unkept_parts: list[str]
    warnings: list[str]
    nonfinite_samples: int

    def read(self, n_samples: int) -> Samples:
        """Up to ``n_samples``, ``(n, n_channels)`` float32, full scale ±1.

        Nothing, once it has ended. The array is the caller's to keep.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def open_source(name: str) -> Source:
    """A file, or WAV from a pipe (``-`` is standard input).

    Raises:
        FileError: it is not there, not readable, empty or not audio.
    """
    if name == PIPE:
        return PipeSource(sys.stdin.buffer, "standard input")
    path = Path(name)
    if is_pipe(path):
        return PipeSource(path.open("rb"), name)
    return FileSource(path)


def is_pipe(path: Path) -> bool:
    """True for what exists and is neither a regular file nor a folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


class FileSource:
    """An audio file of any format that libsndfile reads; a ``Source``.

    Args:
        path: of the file.

    Raises:
        FileError: it is not there, not readable, empty or not audio.
    """

    def __init__(self, path: Path) -> None:
        _check_readable(path)
        self.name = str(path)
        try:
            self._file = sf.SoundFile(path)
        except sf.LibsndfileError as error:
            raise FileError(
                f"{path} cannot be read as audio ({error.error_string}). Give WAV, "
                "RF64, W64, FLAC, AIFF, CAF, Ogg, Opus or MP3; anything else: "
                f"ffmpeg -i {path.name} -c:a pcm_f32le {path.stem}.wav"
            ) from error
        self.sample_rate: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        frames: int = self._file.frames
        # A FLAC that was streamed does not know its length.
        self.n_samples: int | None = frames if frames < _UNKNOWN_LENGTH else None
        self.tags: dict[str, str] = self._file.copy_metadata()
        self.unkept_parts = unkept_parts(path)
        self.warnings: list[str] = []
        self.nonfinite_samples = 0
        self._n_read = 0
        self._promised = _promised_samples(path) or self.n_samples

    @property
    def container(self) -> str:
        """Name of the format, as libsndfile says it: ``WAV``, ``FLAC`` …."""
        return str(self._file.format)

    def read(self, n_samples: int) -> Samples:
        """See ``Source``; a damaged file ends where its damage begins."""
        try:
            block: Samples = self._file.read(n_samples, np.float32, always_2d=True)
        except sf.LibsndfileError as error:
            block = np.zeros((0, self.n_channels), np.float32)
            reason = error.error_string.strip().rstrip(".") or f"error {error.code}"
            self._warn_short(reason)
        self._n_read += len(block)
        if len(block) < n_samples:
            self._warn_short("the file ends early")
        self.nonfinite_samples += clean(block)
        return block

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _warn_short(self, reason: str) -> None:
        promised = self._promised or 0
        if self._n_read < promised and not self.warnings:
            self.warnings.append(
                f"{self.name} is damaged: {promised} samples are promised, "
                f"{self._n_read} could be read ({reason}). What could be read is "
                "used; look for a complete copy."
            )


class PipeSource:
    """WAV from a pipe; a ``Source``.

    Args:
        pipe: at its beginning.
        name: for messages.

    Raises:
        FileError: it carries no WAV, or one that is packed in a rare way.
    """

    def __init__(self, pipe: BinaryIO, name: str) -> None:
        self.name = name
        self._pipe = pipe
        self._header: WavHeader = read_header(pipe, name)
        self.sample_rate = self._header.sample_rate
        self.n_channels = self._header.n_channels
        self.n_samples = self._header.n_samples
        self.tags: dict[str, str] = {}
        self.unkept_parts = list(self._header.other_chunks)
        self.warnings: list[str] = []
        self.nonfinite_samples = 0
        self._n_read = 0

    def read(self, n_samples: int) -> Samples:
        """See ``Source``; waits for the pipe."""
        if self.n_samples is not None:
            n_samples = min(n_samples, self.n_samples - self._n_read)
        data = self._read_bytes(n_samples * self._header.frame_bytes)
        whole = len(data) // self._header.frame_bytes
        block = decode(data[: whole * self._header.frame_bytes], self._header)
        self._n_read += whole
        if whole < n_samples and self.n_samples is not None and not self.warnings:
            self.warnings.append(
                f"{self.name} ended early: {self.n_samples} samples are promised, "
                f"{self._n_read} came. What came is used."
            )
        self.nonfinite_samples += clean(block)
        return block

    def close(self) -> None:
        """Let go of the pipe, standard input excepted."""
        if self._pipe is not sys.stdin.buffer:
            self._pipe.close()

    def _read_bytes(self, n: int) -> bytes:
        parts: list[bytes] = []
        while n > 0:
            part = self._pipe.read(n)
            if not part:
                break
            parts.append(part)
            n -= len(part)
        return b"".join(parts)


def clean(block: Samples) -> int:
    """Sets NaN and infinite samples to 0 in place; returns how many there were."""
    finite = np.isfinite(block)
    if finite.all():
        return 0
    block[~finite] = 0.0
    return int(block.size - np.count_nonzero(finite))


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise FileError(
                f"{path} is a folder; a file is needed here. For all files in it: "
                f"rtdeclip file {path} --out NEW_FOLDER"
            )
        with path.open("rb") as file:
            if not file.read(1):
                raise FileError(
                    f"{path} is empty (0 bytes); an audio file is needed. "
                    "Copy or record it again."
                )
    except FileNotFoundError as error:
        raise FileError(
            f"There is no file {path}; an audio file is needed. Check the name."
        ) from error
    except OSError as error:
        raise FileError(
            f"{path} cannot be opened ({error.strerror}). Make it readable for you."
        ) from error


def _promised_samples(path: Path) -> int | None:
    """What a WAV header promises; libsndfile silently believes the file's length."""
    try:
        with path.open("rb") as file:
            if file.read(4) in (b"RIFF", b"RF64"):
                file.seek(0)
                return read_header(file, str(path)).n_samples
    except FileError:  # packed in a way that pipes refuse and libsndfile reads
        pass
    return None
