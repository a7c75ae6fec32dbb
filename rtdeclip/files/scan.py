"""Clip levels of a recording, found in a first pass over it."""

import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rtdeclip.errors import FileError
from rtdeclip.files.formats import kept_suffix
from rtdeclip.files.read import PIPE, Source
from rtdeclip.stream.levels import ChannelReport, LevelScanner, LevelSchedule
from rtdeclip.stream.processor import Effect

BLOCK_SAMPLES = 1 << 15
"""Samples per channel that are read at once; all passes take the same."""

Progress: TypeAlias = Callable[[str, float, float | None], None]
"""Told the step (``scan``, ``restore``, ``write``), seconds of sound done, of all."""

SEVERITIES = ((0.0, "none"), (1e-3, "light"), (2e-2, "moderate"), (1.0, "severe"))
"""The word for a clipped share of the samples up to and including the number."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a first pass found.

    Args:
        sample_rate: Hz.
        n_samples: per channel.
        levels: the clip levels, one schedule per channel.
        channels: the same in words, one report per channel.
        warnings: what was wrong with the file, in sentences.
    """

    sample_rate: int
    n_samples: int
    levels: list[LevelSchedule]
    channels: list[ChannelReport]
    warnings: list[str]

    @property
    def clipped_fraction(self) -> float:
        """Share of clipped samples in the worst channel, 0 to 1."""
        return max(clipped_share(channel) for channel in self.channels)

    @property
    def clipped_samples(self) -> int:
        """Clipped samples of all channels."""
        return sum(
            side.clipped_samples
            for channel in self.channels
            for side in (channel.high, channel.low)
            if side
        )

    @property
    def severity(self) -> str:
        """``none``, ``light`` (≤ 0.1 % clipped), ``moderate`` (≤ 2 %), ``severe``."""
        return next(w for most, w in SEVERITIES if self.clipped_fraction <= most)


def scan(
    source: Source, pre: Sequence[Effect] = (), progress: Progress | None = None
) -> Scan:
    """Reads ``source`` to its end.

    Args:
        source: at its beginning.
        pre: effects that come before the declipper; levels are those behind them.
        progress: told how far it is.

    Raises:
        FileError: it holds no samples.
    """
    scanner = LevelScanner(source.sample_rate, source.n_channels)
    n_samples = 0
    while len(block := source.read(BLOCK_SAMPLES)):
        n_samples += len(block)
        scanner.feed(through(pre, block))
        if progress:
            rate, of = source.sample_rate, source.n_samples
            progress("scan", n_samples / rate, of / rate if of is not None else None)
    if not n_samples:
        raise no_samples(source.name)
    late = sum(effect.latency_samples for effect in pre)
    scanner.feed(through(pre, np.zeros((late, source.n_channels), np.float32)))
    levels = scanner.finish()
    return Scan(
        source.sample_rate, n_samples, levels, scanner.reports(), source.warnings
    )


def through(effects: Sequence[Effect], block: "Any") -> "Any":
    """``block`` after all ``effects``, latency included."""
    for effect in effects:
        block = effect.process(block)
    return block


def clipped_share(channel: ChannelReport) -> float:
    """Share of a channel's samples that are clipped, of both polarities, 0 to 1."""
    return sum(s.clipped_fraction for s in (channel.high, channel.low) if s)


def scan_row(name: str, found: Scan) -> dict[str, Any]:
    """One row of ``rtdeclip scan --json``.

    Args:
        name: the file as it was given.
        found: its scan.
    """
    return {
        "file": name,
        "sample_rate": found.sample_rate,
        "duration_s": found.n_samples / found.sample_rate,
        "severity": found.severity,
        "command": restoring_command(name),
        "channels": channel_rows(found.channels),
    }


def channel_rows(channels: Sequence[ChannelReport]) -> list[dict[str, Any]]:
    """The reports as plain data: ``high`` and ``low`` of each channel, or None."""
    return [asdict(channel) for channel in channels]


def restoring_command(name: str) -> str:
    """The line that restores ``name`` when typed into a shell.

    Example:
        >>> restoring_command("my take.flac")
        "rtdeclip file 'my take.flac' 'my take.restored.flac'"
    """
    if name == PIPE:
        return shlex.join(["rtdeclip", "file", PIPE, PIPE])
    path = Path(name)
    if name.startswith("-"):
        path = Path(".") / name
        name = f"./{name}"
    target = path.with_name(f"{path.stem}.restored{kept_suffix(path, None)}")
    shown = f"./{target}" if name.startswith("./") else str(target)
    return shlex.join(["rtdeclip", "file", name, shown])


def no_samples(name: str) -> FileError:
    """The error for a file with a header and nothing behind it."""
    return FileError(
        f"{name} holds no samples; at least one is needed. Record or copy it again."
    )
