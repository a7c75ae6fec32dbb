"""A chain: effects, processor, effects and headroom, as one choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rtdeclip.errors import PluginError, SettingError
from rtdeclip.stream import registry
from rtdeclip.stream.headroom import LIVE_CEILING_DB, Policy
from rtdeclip.stream.processor import Effect, Method, Value

DEFAULT_FILE_PROCESSOR = "best"
DEFAULT_FILE_REASON = "the default: the most quality where latency does not matter"


@dataclass(frozen=True, slots=True)
class EffectChoice:
    """One effect of a chain.

    Args:
        name: of the effect.
        settings: by name; what is left out takes its default.
    """

    name: str
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chain:
    """What happens to a file.

    Args:
        processor: name of a processor or restorer; None takes the default.
        settings: its settings by name.
        pre: effects before the declipper, in order.
        post: effects after it.
        policy: headroom; None takes what the output's format needs.
        ceiling_db: highest true peak under ``limit``, dBFS.
        wet: share of the repair, 0 to 1.
        repair_only: write what was added, without the sound itself.
        level: clip levels (high, low) as magnitudes, None where that polarity is not
            clipped; None instead of both finds them.
        reason: why this processor, for the summary.
    """

    processor: str | None = None
    settings: Mapping[str, Value] = field(default_factory=dict)
    pre: tuple[EffectChoice, ...] = ()
    post: tuple[EffectChoice, ...] = ()
    policy: Policy | None = None
    ceiling_db: float = LIVE_CEILING_DB
    wet: float = 1.0
    repair_only: bool = False
    level: tuple[float | None, float | None] | None = None
    reason: str = "as chosen"

    def method(self) -> Method:
        """The processor or restorer.

        Raises:
            PluginError: unknown, broken, or an effect.
        """
        name = self.processor or DEFAULT_FILE_PROCESSOR
        if name in registry.listings("effects"):
            raise PluginError(
                f"{name!r} is an effect, a processor is needed here. "
                f"Put it before or after one: --post {name}"
            )
        return registry.find(name)

    @property
    def why(self) -> str:
        """Why this processor, in words."""
        return self.reason if self.processor else DEFAULT_FILE_REASON

    def check(self) -> None:
        """Raises SettingError or PluginError if anything in it cannot be."""
        self.method().check(dict(self.settings))
        for choice in (*self.pre, *self.post):
            registry.find(choice.name, "effects").check(dict(choice.settings))
        if not 0.0 <= self.wet <= 1.0:
            raise SettingError(f"wet is {self.wet}; give 0 (dry) to 1 (restored).")
        if not -60.0 <= self.ceiling_db <= 0.0:
            raise SettingError(
                f"The ceiling is {self.ceiling_db} dBFS; give −60 to 0 dBFS."
            )


def build_effects(
    choices: Sequence[EffectChoice], sample_rate: int, n_channels: int
) -> list[Effect]:
    """New effects in order.

    Raises:
        PluginError: an unknown or broken effect.
        SettingError: an unknown setting, or a value out of range.
    """
    return [
        registry.build_effect(
            choice.name, sample_rate, n_channels, dict(choice.settings)
        )
        for choice in choices
    ]


def parse_effect(text: str) -> EffectChoice:
    """An effect from a command line.

    Raises:
        SettingError: not of the form ``name`` or ``name:key=value,key=value``.

    Example:
        >>> parse_effect("eq:low_db=3,high_db=-2").settings
        {'low_db': '3', 'high_db': '-2'}
    """
    name, _, rest = text.partition(":")
    return EffectChoice(name, parse_settings(rest.split(",") if rest else []))


def parse_settings(pairs: Sequence[str]) -> dict[str, Value]:
    """Settings from ``key=value`` texts; the values stay text until they are checked.

    Raises:
        SettingError: no ``=``.
    """
    settings: dict[str, Value] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise SettingError(
                f"The setting {pair!r} is not of the form key=value. "
                "The settings of each processor: rtdeclip processors --settings"
            )
        settings[key.strip()] = value.strip()
    return settings


def parse_level(text: str) -> tuple[float | None, float | None] | None:
    """Clip levels from a command line.

    Args:
        text: ``auto``; one magnitude for both polarities; or ``HIGH,LOW``, where
            ``none`` says that this polarity is not clipped. Linear, or with ``dB``.

    Returns:
        (high, low) as linear magnitudes, or None for ``auto``.

    Raises:
        SettingError: none of these, or a level that is not above 0.

    Example:
        >>> parse_level("0.5"), parse_level("-6.0206dB,none")
        ((0.5, 0.5), (0.5, None))
    """
    if text.strip().lower() == "auto":
        return None
    parts = [_magnitude(part.strip(), text) for part in text.split(",")]
    if len(parts) > 2 or parts in ([None], [None, None]):
        raise _bad_level(text)
    return parts[0], parts[-1]


def _magnitude(part: str, text: str) -> float | None:
    if part.lower() == "none":
        return None
    try:
        if part.lower().endswith("db"):
            value = round(10.0 ** (float(part[:-2]) / 20.0), 6)
        else:
            value = float(part)
    except ValueError as error:
        raise _bad_level(text) from error
    if not 0.0 < value < 16.0:
        raise _bad_level(text)
    return value


def _bad_level(text: str) -> SettingError:
    return SettingError(
        f"The clip level {text!r} is not understood; it is a magnitude above 0, full "
        "scale 1. Give --level auto, --level 0.5, --level=-6dB or --level 0.5,0.4 "
        "(high, low; `none` where not clipped)."
    )
