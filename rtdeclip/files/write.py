"""Audio files written so that no half file ever stands under the final name.

Samples go to ``NAME.part`` beside the output, which is renamed when it is complete,
flushed to disk and read back. After ctrl-C what there is stays as ``NAME.partial.EXT``
and can be played; after any other failure nothing stays.
"""

import contextlib
import io
import os
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self, cast

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from rtdeclip.errors import FileError
from rtdeclip.files.formats import Container, big_format, data_bytes
from rtdeclip.files.read import PIPE
from rtdeclip.files.wav import downgrade_rf64, header_bytes
from rtdeclip.types import Samples

TAG_NAMES = (
    *("title", "artist", "album", "date", "tracknumber", "genre"),
    *("comment", "copyright", "license"),
)


class Sink(Protocol):
    """Where samples go.

    Attributes:
        lost_tags: names of tags that the format did not keep, after ``commit``.
        partial: what an interrupted run left behind, None if nothing.
    """

    lost_tags: list[str]
    partial: Path | None

    def write(self, block: Samples) -> None:
        """Appends ``(n, n_channels)`` float32."""
        ...

    def commit(self) -> None:
        """All samples are written: the file appears under its name."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class FileSink:
    """An audio file in the making; a ``Sink``.

    Args:
        path: final name.
        container: its format.
        subtype: how samples are stored.
        sample_rate: Hz.
        n_channels: 1 or more.
        n_samples: about how many will come, None if unknown: chooses RF64 above
            4 GB and tells a full disk before the work.
        tags: text tags by name.

    Attributes:
        part: where the samples are until ``commit``.
        keep_partial: False if ctrl-C shall leave nothing.

    Raises:
        FileError: the folder is missing, not writable or too full, or the format does
            not take this sound.
    """

    def __init__(
        self,
        path: Path,
        container: Container,
        subtype: str,
        sample_rate: int,
        n_channels: int,
        n_samples: int | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        container.check(path, sample_rate, n_channels)
        n_bytes = data_bytes(subtype, n_samples, n_channels)
        check_room(path, n_bytes or 0)
        # The name may be a link; the file it points to is what is replaced.
        self.path = path.resolve()
        self.part = self.path.with_name(self.path.name + ".part")
        self.partial: Path | None = None
        self.keep_partial = True
        self.lost_tags: list[str] = []
        self._tags = {k: v for k, v in (tags or {}).items() if k in TAG_NAMES and v}
        self._committed = False
        self._n_written = 0
        self._subtype = subtype
        self._format = big_format(container, n_bytes)
        self._shrink = self._format != container.format
        try:
            self._file = sf.SoundFile(
                self.part, "w", sample_rate, n_channels, subtype, format=self._format
            )
        except sf.LibsndfileError as error:
            self._remove()
            raise self._error(error.error_string) from error
        for name, value in self._tags.items():
            with contextlib.suppress(sf.LibsndfileError):  # told after reading back
                setattr(self._file, name, value)

    def write(self, block: Samples) -> None:
        """Appends ``(n, n_channels)`` float32.

        Raises:
            FileError: the disk is full or went away.
        """
        try:
            self._file.write(to_int24(block) if self._subtype == "PCM_24" else block)
        except sf.LibsndfileError as error:
            raise self._error(error.error_string) from error
        self._n_written += len(block)

    def close(self) -> None:
        """Ends the file under its temporary name.

        Raises:
            FileError: the end of it could not be written.
        """
        if self._file.closed:
            return
        try:
            self._file.close()
        except sf.LibsndfileError as error:
            raise self._error(error.error_string) from error
        if self._shrink:
            downgrade_rf64(self.part)

    def commit(self) -> None:
        """Ends, checks and renames the file.

        Raises:
            FileError: what stands on the disk is not what was written.
        """
        self.close()
        self._read_back()
        try:
            with self.part.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self.part, self.path)
        except OSError as error:
            raise self._error(error.strerror or str(error)) from error
        self._committed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._committed:
            return
        with contextlib.suppress(FileError):
            self.close()
        stopped = kind is not None and issubclass(kind, KeyboardInterrupt)
        if stopped and self.keep_partial and self._n_written:
            with contextlib.suppress(OSError):
                os.replace(self.part, partial_name(self.path))
                self.partial = partial_name(self.path)
        else:
            self._remove()

    def _read_back(self) -> None:
        try:
            with sf.SoundFile(self.part) as file:
                found, kept = file.frames, file.copy_metadata()
        except sf.LibsndfileError as error:
            raise self._error(error.error_string) from error
        if found < self._n_written:
            raise self._error(f"{found} of {self._n_written} samples arrived")
        self.lost_tags = sorted(k for k, v in self._tags.items() if kept.get(k) != v)

    def _remove(self) -> None:
        with contextlib.suppress(OSError):
            self.part.unlink()

    def _error(self, reason: str) -> FileError:
        try:
            room = f"{_size(shutil.disk_usage(self.path.parent).free)} free there"
        except OSError:
            room = "its folder is gone"
        return FileError(
            f"{self.path} could not be written ({reason.strip().rstrip('.')}; {room}). "
            "Nothing was left behind. Make room or choose another folder."
        )


class PipeSink:
    """WAV into a pipe, 32-bit float; a ``Sink``.

    Args:
        name: ``-`` for standard output, or the path of a pipe or device.
        sample_rate: Hz.
        n_channels: 1 or more.
        n_samples: how many will come, None if unknown.

    Raises:
        FileError: the pipe cannot be opened or written to.
    """

    def __init__(
        self,
        name: str,
        sample_rate: int,
        n_channels: int,
        n_samples: int | None = None,
    ) -> None:
        self.lost_tags: list[str] = []
        self.partial: Path | None = None
        self._pipe: BinaryIO = _binary_output(name)
        try:
            self._put(header_bytes(sample_rate, n_channels, n_samples))
        except FileError:
            self._close()
            raise

    def write(self, block: Samples) -> None:
        """Appends ``(n, n_channels)`` float32 and sends it.

        Raises:
            FileError: the reading end is gone.
        """
        self._put(np.ascontiguousarray(block, "<f4").tobytes())

    def commit(self) -> None:
        """Nothing more to do: a pipe has no name to appear under."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._pipe is not sys.stdout.buffer:
            self._pipe.close()

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._pipe.write(rest) :]
            self._pipe.flush()
        except BrokenPipeError as error:
            if self._pipe is sys.stdout.buffer:
                # Python would try again, and complain, when it exits.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise FileError(
                "The program that reads the output pipe has ended; its end must stay "
                "open. Check that program's messages."
            ) from error
        except OSError as error:
            raise FileError(
                f"The output pipe cannot be written to ({error.strerror}). "
                "Write to a file instead: rtdeclip file IN OUT.wav"
            ) from error


def _binary_output(name: str) -> BinaryIO:
    if name == PIPE:
        return sys.stdout.buffer
    try:
        return cast(BinaryIO, io.FileIO(name, "wb"))
    except OSError as error:
        raise FileError(
            f"{name} cannot be opened for writing ({error.strerror}). "
            "Make it writable, or give a file name that ends in .wav."
        ) from error


def to_int24(block: Samples) -> NDArray[np.int32]:
    """Samples as 24-bit integers in the upper bits of 32.

    libsndfile would scale by 2^23 − 1 and read back by 2^23, which moves samples that
    were integers; so 2^23 here, and what came from 24 bits or fewer stays as it was.

    Args:
        block: ``(n, n_channels)`` float32 within −1 ≤ x < 1; beyond it is a mistake of
            ours that would cut peaks.

    Example:
        >>> import numpy as np
        >>> (to_int24(np.array([[-1.0], [0.5]], np.float32)) >> 8).tolist()
        [[-8388608], [4194304]]
    """
    scaled = np.rint(block * np.float32(1 << 23))
    assert not block.size or (scaled.min() >= -(1 << 23) and scaled.max() < 1 << 23)
    return scaled.astype(np.int32) << 8


def partial_name(path: Path) -> Path:
    """What an interrupted ``path`` is left as.

    Example:
        >>> partial_name(Path("take/one.flac")).as_posix()
        'take/one.partial.flac'
    """
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def check_room(path: Path, n_bytes: int) -> None:
    """Raises FileError if ``path``'s folder is missing, closed or too full."""
    folder = path.resolve().parent
    if not folder.is_dir():
        raise FileError(
            f"{path} cannot be written: there is no folder {folder}. "
            f"Make it: mkdir -p {folder}"
        )
    if path.is_dir():
        raise FileError(
            f"{path} is a folder; the output must be a file name. "
            f"Write all results into it with: --out {path}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(
            f"{path} cannot be written: you may not write into {folder}. "
            "Choose another folder."
        )
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise FileError(
            f"{path} needs {_size(n_bytes)}, {folder} has {_size(free)} free. "
            "Make room or choose another folder."
        )


def _size(n_bytes: int) -> str:
    if n_bytes < 1_000_000_000:
        return f"{n_bytes / 1e6:.1f} MB"
    return f"{n_bytes / 1e9:.2f} GB"
