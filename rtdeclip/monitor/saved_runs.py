"""Benchmark runs that were kept to compare with, as ``bench rtf --json`` writes."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs

_KEPT = 20


def folder() -> Path:
    """Where finished runs are kept; need not exist."""
    return platformdirs.user_data_path("rtdeclip") / "bench"


def keep(content: dict[str, Any], when: datetime, where: Path | None = None) -> Path:
    """Keeps a run, and of the older ones the newest.

    Args:
        content: ``machine``, ``rows`` and ``summary``.
        when: the run ended.
        where: another folder than ``folder()``.

    Raises:
        OSError: it cannot be written.
    """
    where = where or folder()
    where.mkdir(parents=True, exist_ok=True)
    path = where / f"rtf-{when:%Y-%m-%d-%H%M%S}.json"
    path.write_text(json.dumps(content, indent=1), "utf-8")
    for old in runs(where)[_KEPT:]:
        old.unlink()
    return path


def runs(where: Path | None = None) -> list[Path]:
    """Those that are kept, the newest first."""
    return sorted((where or folder()).glob("rtf-*.json"), reverse=True)


def title(path: Path) -> str:
    """A run's day and time.

    Example:
        >>> title(Path("rtf-2026-11-21-063000.json"))
        '2026-11-21 06:30:00'
    """
    day, clock = path.stem[4:14], path.stem[15:]
    return f"{day} {clock[:2]}:{clock[2:4]}:{clock[4:]}"
