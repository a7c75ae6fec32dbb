"""Settings are checked once, at the edge, and say what is allowed."""

import pytest

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Method, Setting

WINDOW = Setting("window", 1024, "frame length", "samples", 16, 8192)
GROWTH = Setting("growth", 0.03, "schedule", low=0.0, high=1.0)
FIT = Setting("fit", "hermite", "curve", choices=("hermite", "least-squares"))
LINK = Setting("link", False, "link channels")


@pytest.mark.parametrize(
    ("setting", "given", "value"),
    [
        (WINDOW, "512", 512),
        (WINDOW, 512.0, 512),
        (GROWTH, "1e-1", 0.1),
        (GROWTH, 1, 1.0),
        (FIT, "least-squares", "least-squares"),
        (LINK, "on", True),
        (LINK, "No", False),
        (LINK, True, True),
    ],
)
def test_text_and_numbers_become_the_settings_type(setting, given, value):
    parsed = setting.parse(given)
    assert parsed == value
    assert type(parsed) is type(setting.default)


@pytest.mark.parametrize(
    ("setting", "given", "words"),
    [
        (WINDOW, 8, "give 16 to 8192 samples"),
        (WINDOW, "wide", "not a int"),
        (WINDOW, 12.5, "not a int"),
        (WINDOW, float("inf"), "not a int"),
        (GROWTH, "nan", "out of range"),
        (FIT, "spline", "hermite, least-squares"),
        (LINK, "perhaps", "not a bool"),
        (LINK, 1, "not a bool"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(setting, given, words):
    with pytest.raises(SettingError, match=words):
        setting.parse(given)


def test_a_method_fills_in_defaults_and_refuses_unknown_names():
    method = Method("m", "test", dict, settings=(WINDOW, GROWTH))
    assert method.check({"growth": "0.1"}) == {"window": 1024, "growth": 0.1}
    with pytest.raises(SettingError, match="it has: window, growth"):
        method.check({"hop": 3})
