"""A file as the input: read ahead, resampled if need be, in constant memory.

A feeder thread writes the file's samples into the capture ring ahead of the callback,
which then only counts on. Seeking and pausing fade over 10 ms, so that the declipper
sees no edge.
"""

import threading
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

from rtdeclip.errors import FileError
from rtdeclip.live import ring as r
from rtdeclip.live.realtime import lift_thread
from rtdeclip.live.ring import EngineMemory
from rtdeclip.stream.levels import LevelScanner, LevelSchedule, Segment
from rtdeclip.types import Samples

AHEAD_S = 0.25
LEAD_IN_S = 0.25
"""Silence before the file, so that the fade-in costs none of it."""
_FADE_S = 0.01
_READ = 4096
_FOR_EVER = 1 << 62


class FileReader:
    """The samples of a file at another rate, piece by piece.

    Args:
        path: anything libsndfile reads.
        sample_rate: Hz wanted; None takes the file's own.

    Attributes:
        n_channels: of the file.
        n_samples: its length at the wanted rate.

    Raises:
        FileError: missing, unreadable or empty.
    """

    def __init__(self, path: Path, sample_rate: int | None = None) -> None:
        import soundfile

        try:
            self._file: Any = soundfile.SoundFile(path)
        except (OSError, soundfile.LibsndfileError) as error:
            raise FileError(
                f"{path} cannot be read as sound ({error}). Check the name; convert "
                "other formats first: ffmpeg -i INPUT output.wav"
            ) from error
        if self._file.frames == 0:
            raise FileError(f"{path} holds no samples. Choose another file.")
        self.n_channels = int(self._file.channels)
        self._own = int(self._file.samplerate)
        self.sample_rate = sample_rate or self._own
        self.n_samples = round(self._file.frames * self.sample_rate / self._own)
        self._start_resampler()

    def _start_resampler(self) -> None:
        self._resampler: Any = None
        if self.sample_rate != self._own:
            import soxr

            self._resampler = soxr.ResampleStream(
                self._own, self.sample_rate, self.n_channels, dtype="float32"
            )
        self._ended = False

    def seek(self, sample: int) -> None:
        """The next ``read`` begins at ``sample``, counted at the wanted rate."""
        sample = min(max(sample, 0), self.n_samples)
        self._file.seek(min(sample * self._own // self.sample_rate, self._file.frames))
        self._start_resampler()

    def read(self) -> Samples:
        """The next samples, ``(n, n_channels)`` float32; n = 0 at the end."""
        while not self._ended:
            x = self._file.read(_READ, dtype="float32", always_2d=True)
            self._ended = len(x) < _READ
            if self._resampler is not None:
                x = self._resampler.resample_chunk(x, last=self._ended)
            if len(x):
                return np.asarray(x, np.float32).reshape(-1, self.n_channels)
        return np.zeros((0, self.n_channels), np.float32)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def scan_levels(path: Path, sample_rate: int) -> list[LevelSchedule] | None:
    """The file's clip levels, to be locked; None if they change within the file.

    Then a seek would leave the schedule's positions behind: levels are detected as
    the sound goes instead.
    """
    reader = FileReader(path, sample_rate)
    scanner = LevelScanner(sample_rate, reader.n_channels)
    while len(x := reader.read()):
        scanner.feed(x)
    reader.close()
    schedules = scanner.finish()
    if any(len(s.segments) != 1 for s in schedules):
        return None
    return [
        LevelSchedule((Segment(0, _FOR_EVER, s.segments[0].high, s.segments[0].low),))
        for s in schedules
    ]


class Feeder:
    """Keeps the capture ring filled from a file, in a thread of its own.

    Args:
        reader: the file, at the engine's rate.
        memory: the engine's; its callback must be in file mode.
        loop: begin again at the end.
        start_s: where to begin.
    """

    def __init__(
        self,
        reader: FileReader,
        memory: EngineMemory,
        loop: bool = False,
        start_s: float = 0.0,
    ) -> None:
        self._reader, self._memory, self._loop = reader, memory, loop
        self._rate = reader.sample_rate
        self._fade = max(1, round(_FADE_S * self._rate))
        self.paused = False
        self._seek_to: float | None = None
        self._held = np.zeros((0, reader.n_channels), np.float32)
        self._file_at = min(round(start_s * self._rate), reader.n_samples)
        reader.seek(self._file_at)
        self._was_paused = self._file_at > 0  # in the middle of a sound: fade in
        # Where stretches of the file begin: (ring position, file sample).
        lead = round(LEAD_IN_S * self._rate)
        self._places: deque[tuple[int, int]] = deque([(lead, self._file_at)], 64)
        self.end: int | None = None
        self._stopping = threading.Event()
        self._write(np.zeros((lead, reader.n_channels), np.float32))
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Fills the ring once, then keeps it filled."""
        self.fill()
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes the file."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self._reader.close()

    def seek(self, seconds: float) -> None:
        """Go on from there, from the next stretch that is written."""
        self._seek_to = max(0.0, seconds)

    def fill(self) -> None:
        """Writes ahead as far as ``AHEAD_S`` beyond the callback."""
        words = self._memory.words
        target = int(words[r.CAPTURED]) + round(AHEAD_S * self._rate)
        while int(words[r.FED]) < target:
            self._write(self._next(target - int(words[r.FED])))

    def file_position(self) -> int:
        """The file's sample that is being heard now."""
        played = int(self._memory.words[r.PLAYED])
        at = 0
        for place, sample in list(self._places):
            if place <= played or at == 0:
                at = sample + max(0, played - place)
        return min(at, self._reader.n_samples)

    def _run(self) -> None:
        lift_thread()
        while not self._stopping.wait(AHEAD_S / 8):
            self.fill()

    def _next(self, at_most: int) -> Samples:
        """The next stretch to write, faded where the sound jumps."""
        if self._seek_to is not None:
            return self._jump(self._seek_to)
        if self.paused:
            if not self._was_paused:
                self._was_paused = True
                return self._faded_out()
            return np.zeros((at_most, self._reader.n_channels), np.float32)
        x = self._some(at_most)
        if self._was_paused and len(x):
            self._was_paused = False
            self._mark()
            x = self._fade_in(x)
        self._file_at += len(x)
        if len(x) < at_most and self._reader_is_empty:
            return self._at_end(x, at_most)
        return x

    def _mark(self) -> None:
        self._places.append((int(self._memory.words[r.FED]), self._file_at))

    def _jump(self, seconds: float) -> Samples:
        self._seek_to = None
        tail = self._faded_out()
        self._file_at = min(round(seconds * self._rate), self._reader.n_samples)
        self._reader.seek(self._file_at)
        self._held = self._held[:0]
        self.end = None
        self._write(tail)
        self._mark()
        x = self._fade_in(self._some(self._fade))
        self._file_at += len(x)
        return x

    def _at_end(self, x: Samples, at_most: int) -> Samples:
        fed = int(self._memory.words[r.FED])
        if self._loop:
            self._reader.seek(0)
            self._file_at = 0
            self._places.append((fed + len(x), 0))
        elif self.end is None:
            self.end = fed + len(x)
        if len(x) or self._loop:
            return x
        return np.zeros((at_most, self._reader.n_channels), np.float32)

    def _some(self, n: int) -> Samples:
        """``n`` samples of the file; fewer only at its end."""
        self._reader_is_empty = False
        while len(self._held) < n:
            more = self._reader.read()
            if not len(more):
                self._reader_is_empty = True
                break
            self._held = np.concatenate([self._held, more])
        x, self._held = self._held[:n], self._held[n:]
        return x

    def _faded_out(self) -> Samples:
        x = self._some(self._fade)
        self._file_at += len(x)
        return x * np.linspace(1.0, 0.0, len(x), dtype=np.float32)[:, None]

    def _fade_in(self, x: Samples) -> Samples:
        n = min(len(x), self._fade)
        y = x.copy()
        y[:n] *= np.linspace(0.0, 1.0, n, dtype=np.float32)[:, None]
        return y

    def _write(self, x: Samples) -> None:
        words, ring = self._memory.words, self._memory.capture
        fed = int(words[r.FED])
        rows = np.arange(fed, fed + len(x)) & int(words[r.RING_MASK])
        ring[rows] = x[:, : ring.shape[1]]
        words[r.FED] = fed + len(x)  # x86 keeps the order; the callback is far behind
