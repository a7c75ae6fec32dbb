"""Grids as text of 80 columns, as JSON and as CSV."""

import csv
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    NOT_IMPLEMENTED,
    Cell,
    Grid,
    Line,
)

WIDTH = 80
NAMES, WHO = (15, 23), 7
NARROW, MIDDLE, WIDE = 7, 9, 13


def document(grids: Sequence[Grid]) -> Iterator[str]:
    """The lines of all grids; what a table's first grid has told is not repeated."""
    last: Grid | None = None
    for grid in grids:
        same = last and (grid.table == last.table or grid.head == last.head)
        yield from text(grid, last.head if last and same else ())
        last = grid


def text(grid: Grid, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The lines of a grid; wider ones continue below, a group of columns at a time.

    Args:
        grid: what to print.
        above: lines of its head that are already told.
    """
    yield grid.title
    for words in (words for words in grid.head if words not in above):
        yield from textwrap.wrap(words, WIDTH, initial_indent="  ",
                                 subsequent_indent="  ")  # fmt: skip
    for words in _failures(grid):
        yield from textwrap.wrap(words, WIDTH, initial_indent="  ",
                                 subsequent_indent="    ")  # fmt: skip
    if not any(line.ours or line.published for line in grid.lines):
        yield from ("  No number yet.", "")
        return
    longest = max(map(len, grid.columns), default=0)
    room = WIDTH - NAMES[0] - WHO - 1
    width = WIDE if grid.spread or longest >= NARROW else NARROW
    if not grid.spread and width == WIDE:
        width = min(WIDE, max(MIDDLE, room // len(grid.columns)))
    at_once = min(len(grid.columns), room // width)
    name = min(NAMES[1], WIDTH - WHO - 1 - at_once * width)
    for start in range(0, len(grid.columns), at_once):
        yield ""
        yield from _part(grid, slice(start, start + at_once), width, name)
    yield ""


def _part(grid: Grid, which: slice, width: int, room: int) -> Iterator[str]:
    heads = [textwrap.wrap(column, width - 1) for column in grid.columns[which]]
    for level in range(max(map(len, heads))):
        cells = (h[level] if level < len(h) else "" for h in heads)
        yield (
            " " * (room + 1 + WHO) + "".join(f"{c:>{width}}" for c in cells)
        ).rstrip()
    last = ""
    for line in grid.lines:
        name = "" if line.system == last else line.system
        last = line.system
        if line.status == MEASURED:
            kind = line.kind + "*" * line.cut
            yield _row(name, kind, _ours(grid, line, which), width, room)
            name = ""
        else:
            yield _row(name, "ours", [], width, room) + _short(line.status)
            name = ""
        if line.published:
            theirs = zip(line.published[which], grid.forms[which], strict=True)
            numbers = [_number(cell, form) for cell, form in theirs]
            yield _row(name, "paper", numbers, width, room)


def _row(name: str, who: str, cells: Sequence[str], width: int, room: int) -> str:
    numbers = "".join(f"{cell:>{width}}" for cell in cells)
    return f"{name:<{room}.{room}} {who:<{WHO}}{numbers}"


def _ours(grid: Grid, line: Line, which: slice) -> list[str]:
    cells = []
    for number in range(len(grid.columns))[which]:
        cell = _number(line.ours[number], grid.forms[number])
        spread = line.sd[number] if grid.spread and number < len(line.sd) else None
        if spread is not None and cell != "–":
            cell += f" ± {_number(spread, grid.forms[number])}"
        cells.append(cell)
    return cells


def _number(cell: Cell, form: str) -> str:
    if cell is None:
        return "–"
    return cell if isinstance(cell, str) else format(cell, form)


def _short(status: str) -> str:
    return status if status == NOT_IMPLEMENTED else status.split(":")[0]


def _failures(grid: Grid) -> list[str]:
    """Why rows have no number, told once each."""
    told: dict[str, str] = {}
    for line in grid.lines:
        for why in (line.failed, line.status):
            if ": " in why:
                told.setdefault(why, line.system)
    return [f"{system}: {why}" for why, system in told.items()]


def as_dict(grid: Grid) -> dict[str, Any]:
    """A grid as plain data for JSON."""
    return {
        "table": grid.table,
        "title": grid.title,
        "head": list(grid.head),
        "metric": grid.metric,
        "columns": list(grid.columns),
        "rows": [
            {
                "system": line.system,
                "processor": line.processor,
                "kind": line.kind,
                "status": line.status,
                "ours": list(line.ours),
                "sd": list(line.sd),
                "failed": line.failed,
                "cut": line.cut,
                "n": [len(values) for values in line.items],
                "published": list(line.published),
            }
            for line in grid.lines
        ],
    }


def write_csv(path: Path, grids: Sequence[Grid]) -> None:
    """One line a cell: table, metric, system, kind, column, ours, sd, n, published."""
    names = ("table", "title", "metric", "system", "kind", "status", "column", "ours",
             "sd", "n", "published")  # fmt: skip
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for grid in grids:
            for line in grid.lines:
                for number, column in enumerate(grid.columns):
                    writer.writerow(
                        [
                            grid.table,
                            grid.title,
                            grid.metric,
                            line.system,
                            line.kind,
                            line.status,
                            column,
                            _at(line.ours, number),
                            _at(line.sd, number),
                            len(line.items[number]) if number < len(line.items) else "",
                            _at(line.published, number),
                        ]
                    )


def _at(cells: Sequence[Cell], number: int) -> Cell:
    return cells[number] if number < len(cells) else None
