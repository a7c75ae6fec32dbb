"""What there is to choose from: processors, effects and devices, as the probe tells."""

from dataclasses import dataclass, field, replace
from typing import Any

from rtdeclip.stream.processor import Setting


@dataclass(frozen=True, slots=True)
class Entry:
    """One processor or effect of the menu.

    Args:
        name: what it is called.
        summary: what it does.
        kind: ``processor``, ``restorer`` (whole files only) or ``effect``.
        note: what it is for when not for daily use.
        reason: why it cannot be used; empty if it can.
        settings: what can be set.
        latency_ms: algorithmic latency, None until it was measured.
        rtf: mean cost of one channel, None until it was measured.
    """

    name: str
    summary: str = ""
    kind: str = "processor"
    note: str = ""
    reason: str = ""
    settings: tuple[Setting, ...] = ()
    latency_ms: float | None = None
    rtf: float | None = None

    @property
    def price(self) -> str:
        """Latency and cost in words; empty while unknown.

        Example:
            >>> Entry("cubic", latency_ms=10.33, rtf=0.0123).price
            '10.3 ms · 1.2 % of a core'
        """
        if self.latency_ms is None or self.rtf is None:
            return ""
        return f"{self.latency_ms:.1f} ms · {100 * self.rtf:.1f} % of a core"


@dataclass(frozen=True, slots=True)
class Choice:
    """One device of the menu."""

    name: str
    system: str
    inputs: int
    outputs: int
    is_default_input: bool
    is_default_output: bool


@dataclass
class Catalog:
    """Fills as the probe speaks.

    Attributes:
        processors: by name.
        effects: by name.
        devices: in the system's order.
        problem: why there are no devices; a sentence.
        complete: devices are known.
    """

    processors: dict[str, Entry] = field(default_factory=dict)
    effects: dict[str, Entry] = field(default_factory=dict)
    devices: list[Choice] = field(default_factory=list)
    problem: str = ""
    complete: bool = False

    def hear(self, line: dict[str, Any]) -> None:
        """Takes in one of the probe's objects."""
        if "processors" in line:
            self.processors = {r["name"]: _entry(r) for r in line["processors"]}
        elif "effects" in line:
            self.effects = {r["name"]: _entry(r) for r in line["effects"]}
        elif "devices" in line:
            self.devices = [_choice(row) for row in line["devices"]]
            self.problem, self.complete = line.get("problem", ""), True
        for kind in (self.processors, self.effects):
            if line.get("cost") in kind:
                name = line["cost"]
                kind[name] = replace(
                    kind[name],
                    latency_ms=line.get("latency_ms"),
                    rtf=line.get("rtf"),
                    reason=line.get("reason", ""),
                )

    def live_processors(self) -> list[Entry]:
        """Those that stream: for daily use first, the unusable last."""
        found = [e for e in self.processors.values() if e.kind == "processor"]
        return sorted(found, key=lambda e: (bool(e.reason), bool(e.note), e.name))


def _entry(row: dict[str, Any]) -> Entry:
    settings = [
        Setting(**(content | {"choices": tuple(content["choices"])}))
        for content in row.get("settings", [])
    ]
    return Entry(
        row["name"],
        row.get("summary", ""),
        row.get("kind", "processor"),
        row.get("note", ""),
        row.get("reason", ""),
        tuple(settings),
    )


def _choice(row: dict[str, Any]) -> Choice:
    return Choice(
        row["name"],
        row["system"],
        row["inputs"],
        row["outputs"],
        row["default_input"],
        row["default_output"],
    )
