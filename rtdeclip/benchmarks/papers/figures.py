"""The papers' figures as PNG: curves, box plots, bars, the (d, v) map, spectrograms."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    Cells,
    Grid,
    Line,
    Options,
    Special,
    Table,
)
from rtdeclip.benchmarks.papers.engine import Planned, plan
from rtdeclip.benchmarks.picture import BLUE, GREEN, GREY, ORANGE, spectrogram_db
from rtdeclip.benchmarks.quality import part, restored_item
from rtdeclip.errors import RtdeclipError
from rtdeclip.types import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The rest of Okabe and Ito's palette after the picture module's, then what is left.
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#56B4E9", "#E69F00", "#000000",
           "#7F3C8D", "#A5AA99", "#8C564B", "#11A579")  # fmt: skip
MARKERS = "os^Dv<>pP*XdhH"
LEGEND_INCHES = 0.175  # of height, a line of the legend
MAP_DB = (-5.0, 25.0)
# Which condition of which table is shown as spectrograms, and how many systems.
SPECTROGRAMS = {"2-clip": 45, "4": 3.5}
N_SPECTROGRAMS = 4
MAPS = ("3-map",)
Drawer = Callable[[Grid, Sequence[Line]], "Figure"]


def draw(
    folder: Path,
    tables: Sequence[Table | Special],
    grids: Sequence[Grid],
    options: Options,
) -> list[Path]:
    """Writes every figure that has something measured in it.

    Args:
        folder: made if it is not there.
        tables: those of ``grids``.
        grids: from ``engine.measure``.
        options: as measured with.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = []
    for grid in grids:
        lines = [line for line in grid.lines if line.status == MEASURED]
        if not lines:
            continue
        for kind, make in _kinds(grid).items():
            path = folder / f"{_slug(grid)}{kind}.png"
            make(grid, lines).savefig(path)
            done.append(path)
    for table in tables:
        if isinstance(table, Table) and table.id in SPECTROGRAMS:
            path = folder / f"{table.id}-spectrograms.png"
            _spectrograms(plan(table, options)).savefig(path)
            done.append(path)
    return done


def _kinds(grid: Grid) -> dict[str, Drawer]:
    """How a grid is drawn, by what its file name ends with."""
    if grid.table in MAPS:
        return {"": _map}
    if not grid.metric:
        return {"": _bars}
    boxed = grid.table in ("2-overdrive", "2-clip", "2-signaltrain")
    return {"": _curves, "-box": _boxes} if boxed else {"": _curves}


def _curves(grid: Grid, lines: Sequence[Line]) -> "Figure":
    """A colour a system: ours solid (raw dotted), the paper's dashed."""
    entries = len(lines) + sum(bool(line.published) for line in grid.lines)
    figure, axes = _empty(grid, height=max(5.4, 0.5 + LEGEND_INCHES * entries))
    heads = [head for head in grid.columns if head != "avg"]
    at = np.arange(len(heads))
    systems = list(dict.fromkeys(line.system for line in grid.lines))
    for line in grid.lines:
        number = systems.index(line.system)
        style: dict[str, Any] = {
            "color": COLOURS[number % len(COLOURS)],
            "marker": MARKERS[number % len(MARKERS)],
            "ms": 5,
        }
        if line in lines:
            label, dashes = f"{line.system}, {line.kind}", "-"
            twins = [other.kind for other in lines if other.system == line.system]
            if line.kind == "raw" and len(twins) > 1:
                dashes = ":"
            axes.plot(at, _numbers(line.ours, len(at)), dashes, label=label, **style)
        if line.published:
            label = f"{line.system}, paper"
            cells = _numbers(line.published, len(at))
            axes.plot(at, cells, ls="--", lw=1, alpha=0.6, label=label, **style)
    axes.set(xticks=at, xticklabels=heads, xlabel=grid.axis, ylabel=_quantity(grid))
    axes.grid(alpha=0.25)
    figure.legend(loc="outside right upper", fontsize=8, frameon=False)
    return figure


def _quantity(grid: Grid) -> str:
    """What a grid's numbers are: the end of its title."""
    return grid.title.rsplit(": ", 1)[-1]


def _boxes(grid: Grid, lines: Sequence[Line]) -> "Figure":
    """All files and conditions of a system in one box, as paper 2 draws them."""
    figure, axes = _empty(grid)
    pooled = {
        f"{line.system}\n{line.kind}": [v for cell in line.items for v in cell]
        for line in lines
    }
    boxes = axes.boxplot(
        list(pooled.values()), patch_artist=True, medianprops={"color": ORANGE, "lw": 2}
    )
    for box in boxes["boxes"]:
        box.set(facecolor=BLUE, alpha=0.35)
    names = list(pooled)
    axes.set_xticks(range(1, len(names) + 1), names, rotation=60, fontsize=8)
    axes.set(ylabel=_quantity(grid))
    axes.grid(alpha=0.25, axis="y")
    return figure


def _bars(grid: Grid, lines: Sequence[Line]) -> "Figure":
    """A panel a metric: ours as bars with spread, the paper's as diamonds."""
    from matplotlib.figure import Figure

    count = len(grid.columns)
    figure = Figure(figsize=(3.2 * count + 1.5, 4.8), dpi=100, layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    rows = [line for line in grid.lines if line in lines or line.published]
    at = np.arange(len(rows))
    for number, axes in enumerate(panels):
        ours = [_numbers(line.ours, count)[number] for line in rows]
        spread = [_numbers(line.sd, count)[number] for line in rows]
        axes.barh(at, ours, color=BLUE, alpha=0.6)
        axes.errorbar(ours, at, xerr=spread, fmt="none", ecolor=GREY, capsize=2)
        theirs = [_numbers(line.published, count)[number] for line in rows]
        axes.plot(theirs, at, "D", color=ORANGE, ms=6, ls="none")
        axes.set(xlabel=grid.columns[number], yticks=at)
        names = [f"{line.system} {line.kind}" for line in rows]
        axes.set_yticklabels(names if number == 0 else [])
        axes.invert_yaxis()
    figure.suptitle(f"{grid.title}\nbars: ours, diamonds: paper", fontsize=11)
    return figure


def _map(grid: Grid, lines: Sequence[Line]) -> "Figure":
    """A panel a kind of row (what follows the comma), colours and numbers."""
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(line.system.split(", ")[1] for line in lines))
    figure = Figure(figsize=(4.2 * len(kinds), 4.2), dpi=100, layout="constrained")
    panels = figure.subplots(1, len(kinds), squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        rows = [line for line in lines if line.system.endswith(f", {kind}")]
        values = [_numbers(line.ours, len(grid.columns)) for line in rows]
        axes.imshow(values, aspect="auto", vmin=MAP_DB[0], vmax=MAP_DB[1])
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                dark = value < sum(MAP_DB) / 2
                axes.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=9,
                          color="white" if dark else "black")  # fmt: skip
        axes.set_xticks(range(len(grid.columns)), grid.columns, fontsize=8)
        names = [line.system.split(", ")[0] for line in rows]
        axes.set_yticks(range(len(rows)), names)
        axes.set_title(kind, fontsize=10)
    figure.suptitle(grid.title, fontsize=11)
    return figure


def _spectrograms(planned: Planned) -> "Figure":
    """The first excerpt at one condition: clean, clipped, and what can be run."""
    from matplotlib.figure import Figure

    table = planned.table
    label = f"{SPECTROGRAMS[table.id]:g}"
    c = [column.label for column in table.columns].index(label)
    shown: dict[str, Samples] = {}
    for s, system in enumerate(planned.systems):
        if (s, c) in planned.work and len(shown) <= N_SPECTROGRAMS + 1:
            work = planned.work[s, c][0]
            try:
                item, restored, _ = restored_item(work, *part(work))
            except RtdeclipError:  # its table says why
                continue
            shown.setdefault("clean", item.target)
            shown[system.name] = restored
    figure = Figure(figsize=(11, 6.4), dpi=100, layout="constrained")
    panels = figure.subplots(2, -(-len(shown) // 2), squeeze=False).ravel()
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    for axes, (name, x) in zip(panels, shown.items(), strict=False):
        extent = (0, len(x) / table.rate_hz, 0, table.rate_hz / 2000)
        axes.imshow(spectrogram_db(x), origin="lower", aspect="auto", cmap="magma",
                    vmin=-80, vmax=0, extent=extent)  # fmt: skip
        axes.set(title=name, xlabel="s", ylabel="kHz")
    figure.suptitle(f"{table.title}; {table.axis} {label}", fontsize=11)
    return figure


def _empty(grid: Grid, height: float = 5.4) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, height), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(grid.title, fontsize=11)
    return figure, axes


def _numbers(cells: Cells, n: int) -> list[float]:
    """``n`` cells as numbers; NaN, which is not drawn, for the others."""
    padded = [*cells[:n], *([None] * (n - len(cells)))]
    return [_number(cell) for cell in padded]


def _number(cell: float | str | None) -> float:
    """A cell; of ``10.39 ± 3.77`` the mean."""
    if isinstance(cell, str):
        mean = re.fullmatch(r"(-?[\d.]+) ± .*", cell)
        return float(mean[1]) if mean else float("nan")
    return float("nan") if cell is None else float(cell)


def _slug(grid: Grid) -> str:
    words = f"{grid.table}-{grid.metric}" if grid.metric else grid.table
    return re.sub(r"[^\w.-]+", "-", words).strip("-")
