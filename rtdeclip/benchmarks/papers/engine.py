"""Measures tables: plans the work of all of them, runs it once, fills the cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from rtdeclip.benchmarks.oracles import ORACLES
from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    METRICS,
    NOT_IMPLEMENTED,
    Cell,
    Cells,
    Column,
    Grid,
    Line,
    Metric,
    Options,
    Special,
    System,
    Table,
)
from rtdeclip.benchmarks.papers.material import Excerpt, conditions, excerpts, head
from rtdeclip.benchmarks.quality import Work, part, restored_item, run
from rtdeclip.benchmarks.rtf import Case
from rtdeclip.benchmarks.rtf import measure as speed
from rtdeclip.errors import InputError
from rtdeclip.metrics.embedding import load_embedding
from rtdeclip.metrics.fad import fad
from rtdeclip.stream.registry import listings

# Which library a family of metrics needs.
LIBRARIES = {"pesq": "pesq", "stoi": "pystoi"}
EXTRA = "speech-metrics"
FILE = "file"
CUT = "*: slow, so --quick tried it at some of the conditions only."
PACED_S, QUICK_PACED_S = 5.0, 1.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A table with its excerpts, all its rows, and the work of every cell."""

    table: Table
    parts: list[Excerpt]
    systems: tuple[System, ...]
    work: dict[tuple[int, int], list[Work]]


def measure(
    tables: Sequence[Table | Special],
    options: Options,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Grid]:
    """Every grid of ``tables``, in their order.

    Args:
        tables: what to measure.
        options: on what, and how.
        tell: called with (items done, items in all).

    Raises:
        FileError: no audio in ``options.data``.
    """
    plans = {t.id: plan(t, options) for t in tables if isinstance(t, Table)}
    todo = {
        work.key: work
        for planned in plans.values()
        for items in planned.work.values()
        for work in items
    }
    rows = {}
    for row in run(list(todo.values()), options.jobs, options.log):
        names = Work.__dataclass_fields__
        rows[Work(**{name: row[name] for name in names}).key] = row
        tell(len(rows), len(todo))
    grids: list[Grid] = []
    for table in tables:
        if isinstance(table, Special):
            grids += table.compute(options)
        else:
            grids += fill(plans[table.id], rows, options)
    return grids


def available(name: str) -> bool:
    """Whether a processor or oracle of this name can be used."""
    entry = listings("processors").get(name)
    return name in ORACLES or bool(entry and entry.method)


def plan(table: Table, options: Options) -> Planned:
    """The work of a table; rows for models that run at its rate are added.

    Raises:
        FileError: no audio.
    """
    parts = excerpts(table, options)
    systems = (*table.systems, *_models(table))
    families = ",".join(dict.fromkeys(_families(table)))
    work = {}
    for s, system in enumerate(systems):
        if available(system.processor):
            for c in conditions(table, system.processor, options):
                column = table.columns[c]
                work[s, c] = [_work(table, system, column, p, families) for p in parts]
    return Planned(table, parts, systems, work)


def _models(table: Table) -> list[System]:
    """Rows for methods that are made for the table's rate and are not in it.

    They need a clip level, which overdrive has not.
    """
    if any("overdrive" in column.protocol for column in table.columns):
        return []
    have = {system.processor for system in table.systems}
    methods = [entry.method for entry in listings("processors").values()]
    return [
        System(m.name, m.name)
        for m in methods
        if m and table.rate_hz in m.rates and m.name not in have and not m.note
    ]


def _work(
    table: Table, system: System, column: Column, excerpt: Excerpt, families: str
) -> Work:
    return Work(
        excerpt.file,
        column.protocol,
        system.processor,
        system.settings.replace("{value}", column.value),
        consistency=system.consistency,
        metrics=families,
        rate_hz=table.rate_hz,
        start_s=excerpt.start_s,
        length_s=excerpt.length_s,
    )


def _families(table: Table) -> list[str]:
    families = [METRICS[key].family for key in table.metrics]
    return [name for name in families if name and not _lacking(name)]


def _lacking(family: str) -> str:
    """The library that a metric needs and that is not installed; empty if none."""
    library = LIBRARIES.get(family, "")
    return library if library and find_spec(library) is None else ""


def fill(
    planned: Planned, rows: dict[str, dict[str, Any]], options: Options
) -> list[Grid]:
    """Grids of a table from the rows of its work, by their keys."""
    table = planned.table
    found = {
        at: [rows[work.key] for work in items] for at, items in planned.work.items()
    }
    lines = {
        (s, key): _line(planned, found, s, METRICS[key], options)
        for s in range(len(planned.systems))
        for key in table.metrics
    }
    top = head(table, options, planned.parts)
    if any(line.cut for line in lines.values()):
        top = (*top, CUT)
    if table.by == "condition":
        count = range(len(table.columns))
        return [_by_condition(planned, lines, c, top) for c in count]
    columns = tuple(column.label for column in table.columns)
    columns += ("avg",) if table.average else ()
    return [
        Grid(
            table.id,
            f"{table.title}: {METRICS[key].label}",
            (*top, *_notes(key, options)),
            key,
            columns,
            (METRICS[key].form,) * len(columns),
            tuple(lines[s, key] for s in range(len(planned.systems))),
            table.spread,
            table.axis,
        )
        for key in table.metrics
    ]


def _by_condition(
    planned: Planned,
    lines: dict[tuple[int, str], Line],
    c: int,
    top: tuple[str, ...],
) -> Grid:
    table = planned.table
    merged = []
    for s in range(len(planned.systems)):
        own = [lines[s, key] for key in table.metrics]
        published = tuple(_pick(line.published, c) for line in own)
        measured = _merged_status(own) == MEASURED
        merged.append(
            replace(
                own[0],
                status=_merged_status(own),
                ours=tuple(_pick(line.ours, c) for line in own) if measured else (),
                sd=tuple(_pick(line.sd, c) for line in own) if measured else (),
                published=published if any(p is not None for p in published) else (),
                items=tuple(line.items[c] if line.items else () for line in own),
            )
        )
    label = table.columns[c].label
    return Grid(
        table.id,
        f"{table.title}: {label}" if label else table.title,
        top,
        "",
        tuple(METRICS[key].label for key in table.metrics),
        tuple(METRICS[key].form for key in table.metrics),
        tuple(merged),
        table.spread,
    )


def _merged_status(own: Sequence[Line]) -> str:
    """Measured if any metric is; one that failed for all says why."""
    found = [line.status for line in own]
    return MEASURED if MEASURED in found else found[0]


def _pick(cells: Cells, c: int) -> Cell:
    return cells[c] if cells else None


def _notes(key: str, options: Options) -> tuple[str, ...]:
    lacking = _lacking(METRICS[key].family)
    if lacking:
        return (f"Not measured: {lacking} is missing: pip install 'rtdeclip[{EXTRA}]'",)
    if key == "fad" and options.embedding is None:
        return ("FAD needs an embedding of yours: --embedding MODEL.onnx",)
    return ()


def _line(
    planned: Planned,
    found: dict[tuple[int, int], list[dict[str, Any]]],
    s: int,
    metric: Metric,
    options: Options,
) -> Line:
    system, columns = planned.systems[s], range(len(planned.table.columns))
    published = tuple(system.published.get(metric.key, ()))
    measured = [c for c in columns if (s, c) in found]
    if not measured:
        status = NOT_IMPLEMENTED
        return Line(system.name, "", status, published=published)
    if metric.key == "fad":
        work = [planned.work.get((s, c), []) for c in columns]
        try:
            items = [_fad(each, options.embedding) for each in work]
        except InputError as error:
            return Line(
                system.name, _kind(system), f"undefined: {error}", published=published
            )
    elif metric.key == "worst_hop_ms":
        items = [_worst_hop_ms(system, planned.table.rate_hz, options)] * len(columns)
    else:
        items = [_values(found.get((s, c), []), metric.key) for c in columns]
    ours: list[Cell] = [_centre(values, metric) for values in items]
    if metric.key == "latency_ms":
        fine = (r for r in found[s, measured[0]] if "error" not in r)
        latency = next((row["latency_ms"] for row in fine), None)
        ours = [FILE if latency is None else latency] * len(ours)
    if planned.table.average:
        numbers = [cell for cell in ours if isinstance(cell, float)]
        ours.append(float(np.mean(numbers)) if len(numbers) == len(columns) else None)
    rows = [row for c in measured for row in found[s, c]]
    errors = [row["error"] for row in rows if "error" in row]
    status = _status(rows, ours, metric)
    return Line(
        system.name,
        _kind(system),
        status,
        tuple(ours) if status == MEASURED else (),
        tuple(float(np.std(values)) if values else None for values in items),
        published,
        tuple(map(tuple, items)),
        system.processor,
        f"{len(errors)} of {len(rows)} failed: {errors[0]}" if errors else "",
        len(measured) < len(columns),
    )


def _values(rows: list[dict[str, Any]], key: str) -> list[float]:
    """Finite numbers only: a file without clipped samples has no ΔSDR."""
    numbers = (row.get(key) for row in rows)
    return [float(n) for n in numbers if n is not None and np.isfinite(n)]


def _centre(values: list[float], metric: Metric) -> float | None:
    if not values:
        return None
    # One slow outlier on a busy machine would be the mean.
    return float(np.median(values) if metric.key == "rtf" else np.mean(values))


def _status(rows: list[dict[str, Any]], ours: Sequence[Cell], metric: Metric) -> str:
    if any(cell is not None for cell in ours):
        return MEASURED
    if all("error" in row for row in rows):
        return "failed"
    notes = [row.get("notes", {}).get(metric.key, "") for row in rows]
    return f"undefined: {notes[0]}" if any(notes) else "not measured"


def _kind(system: System) -> str:
    if system.processor in ORACLES:
        return "oracle"
    if system.processor == "bypass":
        return "input"
    return "cons." if system.consistency else "raw"


def _fad(work: list[Work], embedding: Path | None) -> list[float]:
    """The distance of one set, restored again; nothing without an embedding."""
    if embedding is None or not work:
        return []
    clean, restored = [], []
    for item in work:
        made, out, _ = restored_item(item, *part(item))
        clean.append((made.target, item.rate_hz))
        restored.append((out, item.rate_hz))
    return [fad(clean, restored, load_embedding(embedding)).distance]


def _worst_hop_ms(system: System, rate_hz: int, options: Options) -> list[float]:
    """Of the method with its default settings, at the pace of live sound."""
    entry = listings("processors").get(system.processor)
    if not (entry and entry.method and entry.method.kind == "processor"):
        return []
    seconds = QUICK_PACED_S if options.quick else PACED_S
    case = Case(system.processor, rate_hz, mode="paced", seconds=seconds)
    return [speed(case).hop_ms_max]
