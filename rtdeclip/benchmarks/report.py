"""Benchmark rows as CSV and picture, read again and compared."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rtdeclip.errors import FileError

_NAME = (120.0, 13.0)
"""Pixels that a name in a picture takes."""
TITLES = {
    "whole": "Whole signals: CPU time / audio time",
    "compiled": "From start to sound in a new process: kernels compiled, and cached",
    "scaled": "A stream on every core at once: the slowest of them",
}
"""Of the tables that ``--full`` and ``--peers`` add, by their key in the report."""
_HEADS = {"sample_rate": "Hz", "severity": "input"}
_CPU = "rtf_cpu_p50"
_KEY = ("processor", "sample_rate", "hop", "channels", "severity", "mode")


def headings(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Keys of the first row as people read them.

    Example:
        >>> headings([{"sample_rate": 48000, "rtf_p50": 0.1, "cold_s": 9.0}])
        ['Hz', 'RTF p50', 'cold, s']
    """
    return [_HEADS.get(key, _head(key)) for key in (rows[0] if rows else ())]


def _head(key: str) -> str:
    with_unit = re.sub(r"_(m?s)$", r", \1", key)
    return with_unit.replace("rtf", "RTF").replace("_", " ")


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """One line a row, a column a key of the first row."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON report saved earlier.

    Raises:
        FileError: unreadable, or not such a report.
    """
    try:
        rows = json.loads(path.read_text())["rows"]
        return [dict(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(
            f"{path} is not a benchmark report ({error}). Give a file made with: "
            "rtdeclip bench rtf --json > FILE"
        ) from error


def ratios(
    now: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """RTF of now / RTF of before for the cases both have; below 1 is faster now.

    ``rtf_p50_ratio`` is of CPU times, which other programs hardly touch, and
    ``rtf_p50_ratio_low`` and ``_high`` are how far it can be off. Where the earlier
    report has elapsed times alone, it is of those, and these two are None.
    """
    old = {tuple(row[k] for k in _KEY): row for row in before}
    out = []
    for row in now:
        twin = old.get(tuple(row[k] for k in _KEY))
        if twin:
            name = {k: row[k] for k in _KEY}
            p50 = _CPU if _CPU in row and _CPU in twin else "rtf_p50"
            quantiles = {
                f"rtf_{q}_ratio": _share(row.get(key), twin.get(key))
                for q, key in (("p50", p50), ("p95", "rtf_p95"), ("p99", "rtf_p99"))
            }
            low, high = f"{_CPU}_low", f"{_CPU}_high"
            spread = {
                "rtf_p50_ratio_low": _share(row.get(low), twin.get(high)),
                "rtf_p50_ratio_high": _share(row.get(high), twin.get(low)),
            }
            out.append(name | quantiles | spread)
    return out


def _share(now: float | None, before: float | None) -> float | None:
    return now / before if now is not None and before else None


def rtf_picture(path: Path | io.BytesIO, rows: Sequence[dict[str, Any]]) -> None:
    """Writes a PNG: RTF against latency, a line from p50 to p99 per processor."""
    from matplotlib.figure import Figure

    from rtdeclip.benchmarks.picture import BLUE, GREY, ORANGE

    figure = Figure(figsize=(9, 5.2), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    colours = {"hot": BLUE, "paced": ORANGE}
    names: list[tuple[str, float, float]] = []
    for row in rows:
        colour = colours[row["mode"]]
        x = row["latency_ms"] * (1.03 if row["mode"] == "paced" else 1.0)
        axes.plot([x, x], [row["rtf_p50"], row["rtf_p99"]], color=colour, lw=2)
        axes.plot(x, row["rtf_p50"], "o", color=colour, ms=6)
        axes.plot(x, row["rtf_p99"], "_", color=colour, ms=10)
        if row["mode"] == rows[-1]["mode"]:
            names.append((row["processor"], x, row["rtf_p50"]))
    axes.axhline(1.0, color=GREY, ls="--", lw=1)
    axes.annotate(
        "too slow for live sound",
        (0.01, 1.0),
        color=GREY,
        fontsize=9,
        xycoords=("axes fraction", "data"),
        va="bottom",
    )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="algorithmic latency, ms",
        ylabel="RTF per hop: dot p50, bar p99",
        title="Real-time factor against latency",
    )
    for mode, colour in colours.items():
        if any(row["mode"] == mode for row in rows):
            axes.plot([], [], "o-", color=colour, label=mode)
    axes.legend(loc="lower right", frameon=False)
    axes.margins(x=0.12, y=0.08)
    _plain_ticks(axes.xaxis)
    _plain_ticks(axes.yaxis, subs=(1.0,))
    _write_names(axes, names)
    figure.savefig(path, format="png")


def _plain_ticks(axis: Any, subs: Sequence[float] = (1.0, 2.0, 5.0)) -> None:
    """Numbers as people write them on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _write_names(axes: Any, points: Sequence[tuple[str, float, float]]) -> None:
    """Each name beside its point, lifted where another one is in the way."""
    axes.figure.draw_without_rendering()  # settles the layout
    right = axes.get_window_extent().x1
    taken: list[tuple[float, float]] = []
    for name, x, y in sorted(points, key=lambda point: point[2]):
        at, up = axes.transData.transform((x, y))
        lift = 0.0
        while any(
            abs(at - u) < _NAME[0] and abs(up + lift - v) < _NAME[1] for u, v in taken
        ):
            lift += 1.0
        taken.append((at, up + lift))
        before = at + _NAME[0] > right
        axes.annotate(
            name,
            (x, y),
            (-7.0 if before else 7.0, lift * 72.0 / axes.figure.dpi),
            textcoords="offset points",
            ha="right" if before else "left",
            va="center",
            fontsize=8,
        )


def quality_picture(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    """Writes a PNG: mean ΔSDR against latency and against RTF, a colour a protocol."""
    from matplotlib.figure import Figure

    from rtdeclip.benchmarks.picture import BLUE, GREEN, GREY, ORANGE

    figure = Figure(figsize=(11, 4.8), dpi=100, layout="constrained")
    panels = figure.subplots(1, 2)
    labels = {"latency_ms": "algorithmic latency, ms", "rtf": "RTF (one core)"}
    shown = [line for line in lines if "delta_sdr_db" in line]
    colours, shapes = (BLUE, ORANGE, GREEN, GREY), "os^Dv<>"
    marks = {
        protocol: {"color": colours[i % 4], "fmt": shapes[i // 4 % len(shapes)]}
        for i, protocol in enumerate(dict.fromkeys(line["protocol"] for line in shown))
    }
    for axes, (key, label) in zip(panels, labels.items(), strict=True):
        names: dict[str, tuple[float, float]] = {}
        for line in (line for line in shown if line[key]):
            gain, mark = line["delta_sdr_db"], marks[line["protocol"]]
            axes.errorbar(line[key], gain["mean"], gain["sd"], capsize=3, **mark)
            name = f"{line['processor']} {line['settings']}".strip()
            names.setdefault(name, (line[key], gain["mean"]))
        axes.set(xscale="log", xlabel=label, ylabel="ΔSDR, dB: mean ± sd")
        axes.grid(alpha=0.25)
        axes.margins(x=0.15)
        _plain_ticks(axes.xaxis)
        _write_names(axes, [(name, *place) for name, place in names.items()])
    for protocol, mark in marks.items():
        panels[0].errorbar([], [], label=protocol, **mark)
    panels[0].legend(loc="lower right", title="protocol", fontsize=8)
    figure.savefig(path, format="png")
