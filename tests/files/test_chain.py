from typing import Any

import pytest

from rtdeclip.errors import PluginError, SettingError
from rtdeclip.files.chain import (
    DEFAULT_FILE_PROCESSOR,
    DEFAULT_FILE_REASON,
    Chain,
    EffectChoice,
    build_effects,
    parse_effect,
    parse_level,
    parse_settings,
)


def test_the_default_processor_comes_with_its_reason() -> None:
    assert Chain().method().name == DEFAULT_FILE_PROCESSOR
    assert Chain().why == DEFAULT_FILE_REASON
    assert Chain(processor="cubic").why == "as chosen"


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("auto", None),
        ("AUTO", None),
        ("0.5", (0.5, 0.5)),
        (" 0.5 , 0.25", (0.5, 0.25)),
        ("none,0.25", (None, 0.25)),
        ("0.7,none", (0.7, None)),
        ("-20dB", (0.1, 0.1)),
        ("0dB,-6.0206db", (1.0, 0.5)),
    ],
)
def test_levels_are_understood(text: str, level: object) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize(
    "text", ["", "0", "-0.5", "none", "none,none", "a", "0.5,0.4,0.3", "nan", "inf"]
)
def test_other_levels_are_refused_with_examples(text: str) -> None:
    with pytest.raises(SettingError, match=r"--level 0\.5,0\.4"):
        parse_level(text)


def test_effects_and_settings_are_read_from_text() -> None:
    assert parse_effect("gain") == EffectChoice("gain", {})
    chosen = parse_effect("eq:low_db=3,high_db=-2")
    assert chosen == EffectChoice("eq", {"low_db": "3", "high_db": "-2"})
    assert parse_settings(["a=1", "b = x=y"]) == {"a": "1", "b": "x=y"}
    with pytest.raises(SettingError, match="key=value"):
        parse_settings(["hop"])


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"processor": "cubix"}, PluginError, "cubic"),
        ({"processor": "gain"}, PluginError, "--post gain"),
        ({"settings": {"colour": 1}}, SettingError, "colour"),
        ({"pre": (EffectChoice("echo"),)}, PluginError, "echo"),
        ({"post": (EffectChoice("gain", {"gain_db": 900}),)}, SettingError, "900"),
        ({"wet": 1.5}, SettingError, "1.5"),
        ({"ceiling_db": 3.0}, SettingError, "3.0"),
    ],
)
def test_a_wrong_chain_is_found_before_any_file_is_touched(
    given: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        Chain(**given).check()


def test_effects_are_built_in_order_with_text_settings() -> None:
    choices = (EffectChoice("gain", {"gain_db": "6"}), EffectChoice("limiter"))
    built = build_effects(choices, 8000, 1)
    assert [effect.latency_samples for effect in built] == [0, 12]
