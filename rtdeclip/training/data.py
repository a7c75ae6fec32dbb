"""Training audio: folders decoded once, resident as 16-bit integers, cut at random.

A ``Pool`` is one long tensor; on a GPU it lies there, so that a batch is a gather.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from rtdeclip.errors import FileError, InputError
from rtdeclip.types import Samples

SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aif", ".aiff"}
QUIET = 0.01  # a segment whose peak is below −40 dBFS teaches nothing about clipping
TRIES = 20


@dataclass(frozen=True)
class Pool:
    """Audio of one rate to cut segments from.

    Args:
        samples: ``(n_samples,)`` int16, all files one after another.
        sample_rate: Hz.
    """

    samples: Tensor
    sample_rate: int

    def to(self, device: str) -> "Pool":
        """The pool on another device, so that batches are cut there."""
        return Pool(self.samples.to(device), self.sample_rate)

    def draw(self, batch: int, length: int, generator: Generator) -> Tensor:
        """``(batch, length)`` float32 in ±1, from places loud enough to learn from.

        Raises:
            InputError: the audio is shorter than one segment, or silent.
        """
        room = len(self.samples) - length
        if room <= 0:
            raise InputError(
                f"The training audio has {len(self.samples)} samples, one segment "
                f"needs more than {length}. Give more audio with --data."
            )
        found: list[Tensor] = []
        for _ in range(TRIES):
            for start in torch.randint(room, (batch,), generator=generator).tolist():
                cut = self.samples[start : start + length].float() / 32768.0
                if len(found) < batch and float(cut.abs().max()) > QUIET:
                    found.append(cut)
            if len(found) == batch:
                return torch.stack(found)
        raise InputError(
            f"{TRIES} × {batch} random segments are nearly all below {QUIET:g} of full "
            "scale. Give audio that is louder with --data."
        )


def audio_files(folders: Iterable[Path]) -> list[Path]:
    """Every audio file below ``folders``, sorted.

    Raises:
        FileError: a folder is missing or holds no audio.
    """
    found: list[Path] = []
    for folder in folders:
        below = [p for p in sorted(folder.rglob("*")) if p.suffix.lower() in SUFFIXES]
        if not below:
            raise FileError(
                f"{folder} holds no audio ({', '.join(sorted(SUFFIXES))}). "
                "Give a folder that does with --data."
            )
        found += below
    return found


def load(
    paths: Sequence[Path],
    sample_rate: int,
    speeds: Sequence[float] = (1.0,),
    cache: Path | None = None,
) -> Pool:
    """The files as one pool, decoded and resampled once.

    Args:
        paths: audio files; channels are averaged.
        sample_rate: Hz of the pool.
        speeds: each file is taken in once per speed (0.93: 7 % slower and deeper),
            by resampling.
        cache: folder to keep the result in, keyed by names, sizes and settings.

    Raises:
        FileError: a file cannot be decoded.
    """
    key = f"{sample_rate} {list(speeds)} " + " ".join(
        f"{p.name}:{p.stat().st_size}" for p in paths
    )
    kept = cache and cache / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if kept and kept.exists():
        return Pool(torch.from_numpy(np.load(kept)), sample_rate)
    pieces: list[NDArray[np.int16]] = []
    for path in paths:
        for speed in speeds:
            x = read(path, sample_rate, speed)
            pieces.append((np.clip(x, -1.0, 32767 / 32768) * 32768.0).astype(np.int16))
    samples = np.concatenate(pieces)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, samples)
    return Pool(torch.from_numpy(samples), sample_rate)


def read(path: Path, sample_rate: int, speed: float = 1.0) -> Samples:
    """One file, channels averaged: ``(n_samples,)`` float32 at ``sample_rate``.

    Raises:
        FileError: it cannot be decoded.
    """
    try:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise FileError(
            f"{path} cannot be decoded ({error}). Remove it from the folder."
        ) from error
    mono: Samples = np.ascontiguousarray(x.mean(1), np.float32)
    if speed != 1.0 or rate != sample_rate:
        mono = soxr.resample(mono, rate * speed, sample_rate).astype(np.float32)
    return mono
