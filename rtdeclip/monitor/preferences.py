"""What the window remembers: theme, size, source, devices, processor, settings."""

import contextlib
import os
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from rtdeclip.stream.processor import Value


@dataclass
class Preferences:
    """All of it, with the first run's values.

    Args:
        theme: ``system``, ``dark`` or ``light``.
        width: of the window in pixels.
        height: of the window in pixels.
        x: of its upper left corner on the desktop; −1: where the desktop puts it.
        y: the same.
        maximised: it fills the screen.
        source: ``live``, ``demo`` or ``file``.
        input: device name.
        output: device name.
        file: the last audio file.
        processor: name.
        settings: by processor, then by name.
        window_s: time span of the waveforms.
        linked: the clip levels move together.
        headroom: ``limit`` or ``open``.
        gain_db: of ``limit``.
        pre: effects before the repair, (name, settings) each.
        post: effects after it.
        match: the bypass is as loud as the restored sound.
        started: sound has run at least once.
        panel: the side panel is open.
    """

    theme: str = "system"
    width: int = 1280
    height: int = 760
    x: int = -1
    y: int = -1
    maximised: bool = False
    source: str = "live"
    input: str = "default"
    output: str = "default"
    file: str = ""
    processor: str = "auto"
    settings: dict[str, dict[str, Value]] = field(default_factory=dict)
    window_s: float = 2.0
    linked: bool = False
    headroom: str = "limit"
    gain_db: float = -6.0
    pre: list[Any] = field(default_factory=list)
    post: list[Any] = field(default_factory=list)
    match: bool = False
    started: bool = False
    panel: bool = True


def preferences_path() -> Path:
    """Where they are kept; need not exist."""
    from platformdirs import user_config_path

    return user_config_path("rtdeclip") / "monitor.toml"


def load(path: Path) -> Preferences:
    """What was saved; what is missing, damaged or of another type is as at first."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return Preferences()
    first = Preferences()
    good: dict[str, Any] = {}
    for f in fields(Preferences):
        value = content.get(f.name)
        if type(value) is type(getattr(first, f.name)):
            good[f.name] = value
    return Preferences(**good)


def save(preferences: Preferences, path: Path) -> None:
    """Keeps them; a folder that cannot be written to is no reason to complain."""
    import tomli_w

    part = path.with_name(path.name + ".part")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(tomli_w.dumps(asdict(preferences)), "utf-8")
        os.replace(part, path)
