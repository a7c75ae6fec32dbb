"""Plug-ins are found by entry point; a broken one is listed and stops nobody."""

from importlib.metadata import EntryPoint

import pytest

from rtdeclip.errors import PluginError
from rtdeclip.processors import bypass
from rtdeclip.stream import registry
from rtdeclip.stream.processor import Method


@pytest.fixture
def entries(monkeypatch):
    """Entry points of the test's own; yields the list to fill."""
    found = []
    monkeypatch.setattr(registry, "entry_points", lambda group: found)
    registry.listings.cache_clear()
    yield found
    registry.listings.cache_clear()


def entry(name, value):
    return EntryPoint(name, value, "rtdeclip.processors")


def several():
    return [
        Method("one", "first of a plug-in's two", bypass.make),
        Method("two", "second", bypass.make),
    ]


def test_built_ins_take_the_same_road():
    method = registry.find("bypass")
    assert method.name == "bypass"
    assert registry.listings("processors")["bypass"].origin == "rtdeclip"


def test_a_plug_in_may_bring_several_methods(entries):
    entries.append(entry("plug", f"{__name__}:several"))
    assert list(registry.listings("processors")) == ["one", "two"]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_package:METHOD", "ModuleNotFoundError"),
        ("rtdeclip.processors.bypass:NOTHING", "AttributeError"),
        ("rtdeclip.processors.bypass:default_hop", "TypeError"),
    ],
)
def test_a_broken_plug_in_is_listed_with_its_reason(entries, value, reason):
    entries.append(entry("broken", value))
    entries.append(entry("bypass", "rtdeclip.processors.bypass:METHOD"))
    assert reason in registry.listings("processors")["broken"].reason
    assert registry.find("bypass").name == "bypass"
    with pytest.raises(PluginError, match=reason):
        registry.find("broken")


def test_an_unknown_name_suggests_a_close_one(entries):
    entries.append(entry("bypass", "rtdeclip.processors.bypass:METHOD"))
    with pytest.raises(PluginError, match=r"Did you mean 'bypass'\?"):
        registry.find("bypas")
