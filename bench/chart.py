"""The README's map of the methods: quality against latency, and what each costs."""

from pathlib import Path
from typing import Any

from rtdeclip.benchmarks.picture import BLUE, GREEN, GREY, ORANGE

SETS = (("speech", BLUE, "o"), ("music", ORANGE, "^"))


def draw_map(path: Path, rtf: dict[str, Any], quality: dict[str, Any]) -> None:
    """Writes a PNG: ΔSDR against latency on the left, RTF as bars on the right.

    Args:
        path: where to write.
        rtf: what ``rtdeclip bench rtf --json`` printed, paced rows are shown.
        quality: per folder the rows of ``rtdeclip bench quality --json``.
    """
    from matplotlib.figure import Figure

    speed = {row["processor"]: row for row in rtf["rows"] if row["mode"] == "paced"}
    figure = Figure(figsize=(11, 4.6), dpi=100, layout="constrained")
    *panels, last = figure.subplots(1, 3, width_ratios=(1.15, 1.15, 1))
    for axes, (folder, colour, marker) in zip(panels, SETS, strict=True):
        _gains(axes, quality[folder], colour, marker)
        axes.set_title(folder)
    panels[0].set_ylabel("ΔSDR, dB (clipped at 0.2 of the peak)")
    _bars(last, speed)
    figure.savefig(path)


def _gains(axes: Any, found: list[Any], colour: str, marker: str) -> None:
    rows = [r for r in found if r["processor"] != "bypass" and "delta_sdr_db" in r]
    rows.sort(key=lambda row: row["delta_sdr_db"]["mean"])
    ms = [r["latency_ms"] for r in rows]
    db = [r["delta_sdr_db"]["mean"] for r in rows]
    axes.plot(ms, db, marker, color=colour, ms=7)
    for row, x, y, at in zip(rows, ms, db, _apart(ms, db), strict=True):
        right = x < 200
        axes.plot([x, x * (1.12 if right else 1)], [y, at], color=colour, lw=0.6)
        axes.text(
            x * (1.16 if right else 1 / 1.16),
            at,
            row["processor"],
            fontsize=8,
            va="center",
            ha="left" if right else "right",
        )
    axes.set_xscale("log")
    ticks = (10, 20, 50, 100, 200, 500, 1000)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="latency, ms", xlim=(8, 1400))
    axes.set_ylim(bottom=0)
    axes.grid(color=GREY, alpha=0.25)


def _apart(ms: list[float], db: list[float], least: float = 0.38) -> list[float]:
    """Heights of labels, those of neighbours in latency at least ``least`` dB apart."""
    heights: list[float] = []
    for x, y in zip(ms, db, strict=True):  # from below
        near = [h for h, u in zip(heights, ms, strict=False) if 0.25 < u / x < 4]
        heights.append(max([y, *(h + least for h in near)]))
    return heights


def _bars(axes: Any, speed: dict[str, Any]) -> None:
    rows = sorted(speed.values(), key=lambda row: row["rtf_mean"], reverse=True)
    names = [row["processor"] for row in rows]
    axes.barh(
        names, [row["rtf_mean"] for row in rows], color=GREEN, height=0.6, label="mean"
    )
    p99 = [row["rtf_p99"] for row in rows]
    axes.plot(p99, names, "|", color=ORANGE, ms=11, mew=2, label="p99 of the hops")
    axes.axvline(1, color=GREY, ls=":")
    axes.set_xscale("log")
    axes.set(xlabel="RTF, one core (1: just keeps up)")
    axes.tick_params(axis="y", labelsize=8)
    axes.legend(loc="upper right", frameon=False, fontsize=8)
