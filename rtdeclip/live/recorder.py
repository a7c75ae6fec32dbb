"""Records dry and wet while the sound runs, from the telemetry's scope.

It runs in a host, so that no disk can hold up the audio process, and goes on when
that is replaced. Twice a second the data is written and the header brought up to
date: after a crash both files open, half a second short at most.
"""

import contextlib
import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtdeclip.errors import FileError
from rtdeclip.files.wav import header_bytes
from rtdeclip.live.telemetry import TelemetryReader
from rtdeclip.types import Samples

WRITE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Take:
    """What was recorded.

    Args:
        dry: the file with what came in.
        wet: the file with what was made of it.
        n_samples: of each.
        lost_samples: that left the ring before they could be written; zeros.
        error: why it stopped early; empty if it did not.
    """

    dry: Path
    wet: Path
    n_samples: int
    lost_samples: int
    error: str


class WavWriter:
    """A float WAV that opens at any moment; mode 0600.

    Args:
        path: must not exist yet.
        sample_rate: Hz.
        n_channels: 1 or more.

    Raises:
        FileError: it exists, or cannot be made.
    """

    def __init__(self, path: Path, sample_rate: int, n_channels: int) -> None:
        self.path, self.n_samples = path, 0
        self._rate, self._n_channels = sample_rate, n_channels
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise FileError(
                f"{path} cannot be made ({error.strerror}). Choose another name for "
                "the recording: --record FILE"
            ) from error
        self._file = io.FileIO(handle, "wb")
        self._head = len(header_bytes(sample_rate, n_channels, 0))
        self._write_header()

    def _write_header(self) -> None:
        self._file.seek(0)
        self._file.write(header_bytes(self._rate, self._n_channels, self.n_samples))

    def write(self, x: Samples) -> None:
        """Appends ``(n, n_channels)`` float32 and brings the header up to date.

        Raises:
            OSError: the disk is full …; what was written before stays readable.
        """
        start = self._head + 4 * self._n_channels * self.n_samples
        self._file.seek(start)
        data = memoryview(x.astype("<f4").tobytes())
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(start)
            raise
        self.n_samples += len(x)
        self._write_header()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Recorder:
    """Follows a session and writes ``NAME.dry.wav`` and ``NAME.wet.wav``.

    Args:
        path: ``NAME.wav`` or ``NAME``.

    Raises:
        FileError: a file of that name is there already, or cannot be made.
    """

    def __init__(self, path: Path) -> None:
        stem = path.with_suffix("") if path.suffix.lower() == ".wav" else path
        self.dry_path = stem.with_name(stem.name + ".dry.wav")
        self.wet_path = stem.with_name(stem.name + ".wet.wav")
        for one in (self.dry_path, self.wet_path):
            if one.exists() or not one.parent.is_dir():
                raise FileError(
                    f"{one} is there already, or its folder is not. Choose another "
                    "name for the recording: --record FILE"
                )
        self._writers: tuple[WavWriter, WavWriter] | None = None
        self._next: TelemetryReader | None = None
        self._reader: TelemetryReader | None = None
        self._at = self._lost = 0
        self._error = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def follow(self, reader: TelemetryReader) -> None:
        """Record from this session's telemetry from now on."""
        self._next = reader

    @property
    def error(self) -> str:
        """Why it has stopped; empty while it records."""
        return self._error

    def stop(self) -> Take:
        """Writes the rest and closes the files."""
        self._stopping.set()
        self._thread.join()
        writers = self._writers or ()
        for writer in writers:
            writer.close()
        n = writers[0].n_samples if writers else 0
        return Take(self.dry_path, self.wet_path, n, self._lost, self._error)

    def _run(self) -> None:
        while not self._stopping.wait(WRITE_EVERY_S):
            self._write()
        self._write()

    def _write(self) -> None:
        if self._error:
            return
        try:
            self._drain()
            if self._next is not self._reader and self._next is not None:
                self._reader, self._at = self._next, 0
                self._open(self._reader)
                self._drain()
        except (OSError, FileError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self._error = f"the recording has stopped: {reason}"

    def _open(self, reader: TelemetryReader) -> None:
        if self._writers is None:
            shape = reader.sample_rate, reader.n_channels
            self._writers = (
                WavWriter(self.dry_path, *shape),
                WavWriter(self.wet_path, *shape),
            )
            self._shape = shape
        elif self._shape != (reader.sample_rate, reader.n_channels):
            raise FileError("the device came back with another rate or channels")

    def _drain(self) -> None:
        reader, writers = self._reader, self._writers
        if reader is None or writers is None:
            return
        piece = reader.scope_samples // 4
        while (end := min(reader.wet_end, self._at + piece)) > self._at:
            part = reader.stretch(self._at, end)
            missing = part.position - self._at
            self._lost += missing
            for writer, x in zip(writers, (part.dry, part.wet), strict=True):
                if missing:
                    writer.write(np.zeros((missing, x.shape[1]), np.float32))
                writer.write(x)
            self._at = end
