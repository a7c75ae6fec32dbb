"""Another processor, other effects or another headroom, while sound runs.

What is slow (kernels, weights, filters) is built beside the sound; the worker then
takes it up between two hops and crossfades.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rtdeclip.errors import SettingError
from rtdeclip.files.chain import EffectChoice, build_effects
from rtdeclip.live import ring as r
from rtdeclip.live.effect_slots import EffectSlots, own_effects
from rtdeclip.live.engine import Engine
from rtdeclip.stream.headroom import from_db
from rtdeclip.stream.processor import Effect, Value
from rtdeclip.stream.registry import find
from rtdeclip.stream.stream import Stream

SLOW = ("processor", "pre", "post")
QUICK = ("headroom", "gain_db", "bypass_gain_db")

_COMPILE = (
    "import json, sys; from rtdeclip.stream.registry import build_effect, find; "
    "kind, name, rate, n, given = json.loads(sys.argv[1]); "
    "build_effect(name, rate, n, given) if kind == 'effect' "
    "else find(name).build(rate, 1, **given)"
)


@dataclass(frozen=True, slots=True)
class Change:
    """What the worker shall do, and what to tell.

    Args:
        apply: to run on the worker's thread.
        config: fields of the session's configuration that it changes.
        text: for the event list; empty says nothing.
    """

    apply: Callable[[], object]
    config: Mapping[str, Any]
    text: str


class ChainRequests:
    """Turns a host's wishes into changes.

    Args:
        engine: what is changed.
        config: of the session, as plain data; read to see what runs now.
        ceiling_db: of the headroom's limiter.
    """

    def __init__(
        self, engine: Engine, config: Mapping[str, Any], ceiling_db: float
    ) -> None:
        self._engine, self._config, self._ceiling_db = engine, config, ceiling_db
        self._compiler = Compiler()

    def quick(self, content: Mapping[str, Any]) -> list[Change]:
        """Headroom: ``headroom`` (``limit``, ``open``) and ``gain_db``.

        Raises:
            SettingError: out of range, or the session has no headroom stage.
        """
        if not {"headroom", "gain_db"} & set(content):
            return []
        headroom = self._engine.headroom
        if headroom is None:
            raise SettingError(
                "This session was started without headroom, so none can be switched "
                "on. Start it again with --headroom limit."
            )
        mode = str(content.get("headroom", self._config.get("headroom", "limit")))
        gain_db = float(content.get("gain_db", self._config.get("gain_db", 0.0)))
        if mode not in ("limit", "open"):
            raise SettingError(f"The headroom {mode!r} is unknown; give limit or open.")
        if not -60.0 <= gain_db <= 0.0:
            raise SettingError(f"The gain is {gain_db} dB; give −60 to 0 dB.")
        is_open, reals = mode == "open", self._engine.memory.reals

        def change() -> None:
            headroom.set_open(is_open)
            headroom.set_setting("gain_db", 0.0 if is_open else gain_db)
            reals[r.DRY_GAIN] = 1.0 if is_open else from_db(gain_db)
            reals[r.CEILING] = float("inf") if is_open else from_db(self._ceiling_db)

        told = "none" if is_open else f"{gain_db:g} dB, then the limiter"
        fields = {"headroom": mode, "gain_db": gain_db}
        return [Change(change, fields, f"headroom: {told}")]

    def slow(self, content: Mapping[str, Any]) -> list[Change]:
        """Processor and effects; builds them first, which may take seconds.

        Raises:
            SettingError, PluginError: as ``Stream.prepare`` and ``build_effects``.
        """
        stream = self._engine.stream
        if not isinstance(stream, Stream):
            return []
        changes = []
        for where, chain in (("pre", stream.pre), ("post", stream.post)):
            if where in content and chain and isinstance(chain[0], EffectSlots):
                wanted = [(str(n), dict(s)) for n, s in content[where]]
                changes += self._effects(where, chain[0], wanted, stream)
        if "processor" in content:
            changes.append(self._processor(content, stream))
        return changes

    def _processor(self, content: Mapping[str, Any], stream: Stream) -> Change:
        name, settings = str(content["processor"]), content.get("settings") or {}
        self._compiler.prepare("processor", name, stream.sample_rate, 1, settings)
        bank = stream.prepare(name, settings)
        fields = {"processor": name, "settings": settings}
        return Change(lambda: stream.switch(bank), fields, f"switch: {name}")

    def _effects(
        self,
        where: str,
        slots: EffectSlots,
        wanted: list[tuple[str, dict[str, Value]]],
        stream: Stream,
    ) -> list[Change]:
        before = [(str(n), dict(s)) for n, s in self._config.get(where, ())]
        if wanted == before:
            return []
        glides = _glides(before, wanted)
        if glides is not None and slots.adjustable:

            def adjust() -> None:
                for index, name, value in glides:
                    slots.set_setting(index, name, value)

            return [Change(adjust, {where: wanted}, "")]
        rate, n = stream.sample_rate, stream.n_channels
        for name, given in wanted:
            self._compiler.prepare("effect", name, rate, n, given)
        effects: Sequence[Effect] = build_effects(
            [EffectChoice(*one) for one in wanted], rate, n
        )
        slots.check(effects)
        names = ", ".join(name for name, _ in wanted) or "none"
        place = "before" if where == "pre" else "after"
        text = f"effects {place} the repair: {names}"
        return [Change(lambda: slots.exchange(effects), {where: wanted}, text)]


def _glides(
    before: list[tuple[str, dict[str, Value]]],
    wanted: list[tuple[str, dict[str, Value]]],
) -> list[tuple[int, str, Value]] | None:
    """Settings to glide to where that is all that changes; None: rebuild.

    Raises:
        PluginError, SettingError: an unknown effect, a bad setting.
    """
    if [name for name, _ in before] != [name for name, _ in wanted]:
        return None
    changes: list[tuple[int, str, Value]] = []
    for i, ((name, old), (_, new)) in enumerate(zip(before, wanted, strict=True)):
        method = find(name, "effects")
        was, shall = method.check(old), method.check(new)
        for setting in method.settings:
            if was[setting.name] != shall[setting.name]:
                if setting.applies != "live":
                    return None
                changes.append((i, setting.name, shall[setting.name]))
    return changes


class Compiler:
    """Has kernels compiled in a child, each once.

    Compiling here would hold the interpreter's lock for seconds; the child leaves
    the kernels in numba's cache on disk.
    """

    def __init__(self) -> None:
        self._done: set[tuple[object, ...]] = {
            ("effect", name)
            for name in own_effects()  # by ``warm_stream``
        }

    def prepare(
        self,
        kind: str,
        name: str,
        rate: int,
        n_channels: int,
        settings: Mapping[str, Value],
    ) -> None:
        """Compiles what ``kind`` (``processor``, ``effect``) ``name`` needs."""
        # Words and switches choose kernels, numbers do not.
        words = [(k, v) for k, v in settings.items() if isinstance(v, str | bool)]
        key = (kind, name, *sorted(words))
        if key in self._done:
            return
        arguments = json.dumps([kind, name, rate, n_channels, settings])
        subprocess.run(
            [sys.executable, "-c", _COMPILE, arguments],
            capture_output=True,
            check=False,
        )
        self._done.add(key)
