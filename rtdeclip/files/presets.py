"""Presets: chains kept by name, one TOML file each, shared by all commands.

version = 1
name = "cassette"
processor = "cubic"

[settings]
fit = "hermite"

[[post]]
effect = "highpass"
settings = { corner_hz = 30.0 }

[headroom]
output = "fit"
"""

import contextlib
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs
import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rtdeclip.errors import FileError, SettingError
from rtdeclip.files.chain import Chain, EffectChoice
from rtdeclip.stream.headroom import LIVE_CEILING_DB, LIVE_GAIN_DB, Policy
from rtdeclip.stream.processor import Value

VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class _Part(BaseModel):
    """Unknown keys are refused: a typing mistake must not be a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class EffectSlot(_Part):
    """One effect and its settings."""

    effect: str
    settings: dict[str, Value] = {}


class Headroom(_Part):
    """Where peaks above full scale go, in files and live.

    ``output`` is None where the format decides; gains in dB, ceilings in dBFS.
    """

    output: Policy | None = None
    ceiling_db: float = Field(default=LIVE_CEILING_DB, ge=-60.0, le=0.0)
    live_gain_db: float = Field(default=LIVE_GAIN_DB, ge=-60.0, le=0.0)


class Preset(_Part):
    """A saved chain; see this module's example for its file."""

    version: Literal[1] = 1
    name: str
    summary: str = ""
    processor: str
    settings: dict[str, Value] = {}
    wet: float = Field(default=1.0, ge=0.0, le=1.0)
    pre: list[EffectSlot] = []
    post: list[EffectSlot] = []
    headroom: Headroom = Headroom()

    def chain(self) -> Chain:
        """What ``rtdeclip file`` runs."""
        return Chain(
            processor=self.processor,
            settings=self.settings,
            pre=_choices(self.pre),
            post=_choices(self.post),
            policy=self.headroom.output,
            ceiling_db=self.headroom.ceiling_db,
            wet=self.wet,
            reason=f"from the preset {self.name!r}",
        )


@dataclass(frozen=True, slots=True)
class PresetListing:
    """One preset file: the preset, or the reason why it cannot be used."""

    name: str
    preset: Preset | None
    reason: str = ""


def preset_from_chain(
    name: str, chain: Chain, summary: str = "", live_gain_db: float = LIVE_GAIN_DB
) -> Preset:
    """A chain under a name, its settings checked and converted to their types.

    Raises:
        SettingError: the name or a setting is out of range.
        PluginError: an unknown processor or effect.
    """
    from rtdeclip.stream import registry

    _check_name(name)
    chain.check()
    method = chain.method()
    checked = method.check(dict(chain.settings))

    def slots(choices: tuple[EffectChoice, ...]) -> list[EffectSlot]:
        return [
            EffectSlot(
                effect=choice.name,
                settings=registry.find(choice.name, "effects").check(
                    dict(choice.settings)
                ),
            )
            for choice in choices
        ]

    return _validated(
        {
            "name": name,
            "summary": summary,
            "processor": method.name,
            "settings": {key: checked[key] for key in chain.settings},
            "wet": chain.wet,
            "pre": slots(chain.pre),
            "post": slots(chain.post),
            "headroom": Headroom(
                output=chain.policy,
                ceiling_db=chain.ceiling_db,
                live_gain_db=live_gain_db,
            ),
        },
        name,
    )


def preset_folder() -> Path:
    """Where presets are kept; need not exist."""
    return platformdirs.user_config_path("rtdeclip") / "presets"


def save_preset(preset: Preset, *, replace: bool = False) -> Path:
    """Keeps a preset; returns its file.

    Raises:
        SettingError: the name is taken and ``replace`` is False, or is no good.
        FileError: the folder cannot be written to.
    """
    _check_name(preset.name)
    path = preset_folder() / f"{preset.name}.toml"
    if path.exists() and not replace:
        raise SettingError(
            f"There is a preset {preset.name!r} already; names are unique. "
            "Add --replace, or choose another name."
        )
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(to_toml(preset), "utf-8")
        os.replace(part, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise FileError(
            f"The preset could not be written to {path} ({error.strerror}). "
            "Make room there, or set XDG_CONFIG_HOME to a folder of yours."
        ) from error
    return path


def to_toml(preset: Preset) -> str:
    """The text of its file: no nulls, which TOML lacks, and nothing that is empty."""
    data = preset.model_dump(exclude_none=True)
    return tomli_w.dumps({k: v for k, v in data.items() if v not in ("", {}, [])})


def load_preset(name: str) -> Preset:
    """A preset by its name, or by the path of its file (ending in ``.toml``).

    Raises:
        SettingError: no such preset, or its file is damaged or too new.
    """
    if name.endswith(".toml"):
        return _read(Path(name))
    _check_name(name)
    path = preset_folder() / f"{name}.toml"
    if not path.exists():
        have = ", ".join(p.stem for p in _files()) or "none yet"
        raise SettingError(
            f"There is no preset {name!r}; there are: {have}. "
            "Make one: rtdeclip preset save NAME --processor …"
        )
    return _read(path)


def list_presets() -> list[PresetListing]:
    """All presets by name, damaged ones with the reason."""
    found = []
    for path in _files():
        try:
            found.append(PresetListing(path.stem, _read(path)))
        except SettingError as error:
            found.append(PresetListing(path.stem, None, str(error)))
    return found


def remove_preset(name: str) -> None:
    """Deletes a preset, damaged or not.

    Raises:
        SettingError: no such preset.
    """
    _check_name(name)
    try:
        (preset_folder() / f"{name}.toml").unlink()
    except FileNotFoundError as error:
        raise SettingError(
            f"There is no preset {name!r}; nothing was removed. "
            "The names: rtdeclip preset list"
        ) from error


def _files() -> list[Path]:
    return sorted(preset_folder().glob("*.toml"))


def _read(path: Path) -> Preset:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingError(
            f"The preset file {path} cannot be read ({error.strerror}). "
            "Check its name and rights."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The preset file {path} is not TOML ({error}). Mend it, or remove it: "
            f"rtdeclip preset remove {path.stem}"
        ) from error
    version = data.get("version")
    if isinstance(version, int) and version > VERSION:
        raise SettingError(
            f"The preset file {path} is of version {version}; this rtdeclip reads up "
            f"to {VERSION}. Update rtdeclip."
        )
    return _validated(data, str(path))


def _validated(data: dict[str, Any], where: str) -> Preset:
    try:
        return Preset.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SettingError(
            f"The preset {where} has a mistake at {place}: {first['msg']} "
            f"(given: {first['input']!r}). Mend it there."
        ) from error


def _choices(slots: list[EffectSlot]) -> tuple[EffectChoice, ...]:
    return tuple(EffectChoice(slot.effect, slot.settings) for slot in slots)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise SettingError(
            f"{name!r} is no name for a preset; letters, digits, - and _ make one, "
            "64 at most. Choose another."
        )
