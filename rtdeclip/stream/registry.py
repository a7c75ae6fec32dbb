"""Finds processors, restorers and effects by name; built-ins and plug-ins alike.

All come through entry points. A plug-in's ``pyproject.toml`` says::

    [project.entry-points."rtdeclip.processors"]
    my-method = "my_package.my_module:METHOD"

where ``METHOD`` is a ``Method`` or a function that returns a list of them. A plug-in
that cannot be loaded is listed with its reason and stops nobody.
"""

import difflib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

from rtdeclip.errors import PluginError
from rtdeclip.stream.processor import Effect, Method, Value

Group = Literal["processors", "effects"]


@dataclass(frozen=True, slots=True)
class Listing:
    """One entry as found: a usable method, or the reason why it is not.

    Args:
        name: what the user types.
        method: None when broken.
        reason: why it is broken; empty when it works.
        origin: the distribution it comes from.
    """

    name: str
    method: Method | None
    reason: str = ""
    origin: str = "rtdeclip"


@cache
def listings(group: Group) -> dict[str, Listing]:
    """Every entry of a group by name, broken ones included, sorted by name."""
    found: dict[str, Listing] = {}
    for entry in entry_points(group=f"rtdeclip.{group}"):
        for listing in _load(entry):
            found.setdefault(listing.name, listing)
    return dict(sorted(found.items()))


def find(name: str, group: Group = "processors") -> Method:
    """The method called ``name``.

    Raises:
        PluginError: no such name (close ones are named), or the plug-in is broken.
    """
    have = listings(group)
    listing = have.get(name)
    if listing is None:
        usable = [n for n, entry in have.items() if entry.method]
        close = difflib.get_close_matches(name, usable, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise PluginError(
            f"There is no {group[:-1]} called {name!r}.{hint} "
            f"Available: {', '.join(usable)}. List them with: rtdeclip processors"
        )
    if listing.method is None:
        raise PluginError(
            f"The {group[:-1]} {name!r} from {listing.origin} cannot be used: "
            f"{listing.reason}. Choose another (rtdeclip processors) or repair it."
        )
    return listing.method


def build_effect(
    name: str, sample_rate: int, n_channels: int, settings: dict[str, Value]
) -> Effect:
    """A new effect by name, settings checked.

    Raises:
        PluginError: unknown or broken effect.
        SettingError: unknown setting or value out of range.
    """
    method = find(name, "effects")
    effect: Effect = method.build(sample_rate, n_channels, **settings)
    return effect


def _load(entry: EntryPoint) -> list[Listing]:
    origin = entry.dist.name if entry.dist else "unknown"
    try:
        loaded = entry.load()
        methods = [loaded] if isinstance(loaded, Method) else list(loaded())
        if not all(isinstance(m, Method) for m in methods):
            raise TypeError(f"{entry.value} is not a Method")
    # A plug-in may fail in any way; it must not take the host down with it.
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return [Listing(entry.name, None, reason, origin)]
    return [Listing(m.name, m, "", origin) for m in methods]
