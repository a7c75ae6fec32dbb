"""Real-time factors as dots: filled for p50, a ring for p99, a line between.

Crosses are an earlier run's.
"""

import math
from typing import Any

import pyqtgraph as pg

from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.widgets import plots

Row = dict[str, Any]
_LOWEST = 1e-4
_NEAR_X, _NEAR_Y = 0.3, 0.3
_LOG_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
_TICKS = (1e-3, 1e-2, 1e-1, 1.0, 10.0)


class DotPlot:
    """RTF on a logarithmic axis against one column of the results.

    Args:
        layout: pyqtgraph's, to add to.
        column: where in it.
        key: of the rows; those without it are left out.
        below: the axis in words.
        log: that axis is logarithmic too.
    """

    def __init__(
        self, layout: Any, column: int, key: str, below: str, *, log: bool = False
    ) -> None:
        self._key, self._theme, self._log = key, DARK, log
        self._plot = layout.addPlot(0, column, enableMenu=False)
        plots.prepare(self._plot)
        self._plot.getAxis("bottom").setHeight(36)
        self._plot.getAxis("bottom").setLabel(below)
        self._plot.getAxis("left").setTicks(
            [[(math.log10(v), f"{v:g}") for v in _TICKS]]
        )
        if log:
            ticks = [[(math.log10(v), f"{v:g}") for v in _LOG_TICKS]]
            self._plot.getAxis("bottom").setTicks(ticks)
        self._plot.showGrid(x=True, y=True, alpha=0.15)
        self._legend = plots.CornerLabel(self._plot)

    def set_theme(self, theme: Theme) -> None:
        """Other colours, from the next ``draw`` on."""
        self._theme = theme
        plots.paint(self._plot, theme)
        self._plot.getAxis("bottom").label.setDefaultTextColor(theme.muted)

    def draw(self, rows: list[Row], before: list[Row]) -> None:
        """This run over an earlier one."""
        t, plot = self._theme, self._plot
        rows, before = ([r for r in each if self._key in r] for each in (rows, before))
        plot.clear()
        line = pg.InfiniteLine(0.0, 0, plots.pen(t.clip, dashed=True))
        plot.addItem(line, ignoreBounds=True)
        if before:
            self._dots(before, earlier=True)
        if rows:
            self._stems(rows)
            self._dots(rows, earlier=False)
            self._names(rows)
        self._fit([*rows, *before])
        legend = f"RTF per hop:&nbsp; {plots.swatch(t.source, '● p50  ○ p99', t)}"
        legend = legend.replace("■", "").replace(t.source, t.muted, 1)
        if before:
            legend += plots.swatch(t.muted, "earlier run", t).replace("■", "×")
        self._legend.set(f'<span style="color:{t.muted}">{legend}</span>')

    def _place(self, row: Row, quantile: str) -> tuple[float, float]:
        x = float(row[self._key])
        x = math.log10(max(x, 1.0)) if self._log else x
        return x, math.log10(max(row[quantile], _LOWEST))

    def _dots(self, rows: list[Row], *, earlier: bool) -> None:
        colour = self._theme.muted if earlier else self._theme.source
        for name, filled in (("rtf_p50", True), ("rtf_p99", False)):
            places = [self._place(row, name) for row in rows]
            self._plot.plot(
                [x for x, _ in places],
                [y for _, y in places],
                pen=None,
                symbol="x" if earlier else "o",
                symbolSize=9,
                symbolPen=plots.pen(colour, 1.5),
                symbolBrush=pg.mkBrush(colour if filled else self._theme.plot),
            )

    def _stems(self, rows: list[Row]) -> None:
        ends = [self._place(row, q) for row in rows for q in ("rtf_p50", "rtf_p99")]
        self._plot.plot(
            [x for x, _ in ends],
            [y for _, y in ends],
            connect="pairs",
            pen=plots.pen(self._theme.source),
        )

    def _names(self, rows: list[Row]) -> None:
        places = {row["processor"]: self._place(row, "rtf_p99") for row in rows}
        for name, place in apart(places).items():
            word = pg.TextItem(f"\u2002{name}", color=self._theme.text, anchor=(0, 0.5))
            word.setFont(plots.small_font())
            word.setPos(*place)
            self._plot.addItem(word, ignoreBounds=True)

    def _fit(self, rows: list[Row]) -> None:
        x = [self._place(row, "rtf_p99")[0] for row in rows]
        low, high = (min(x), max(x)) if x else (0.0, 2.0 if self._log else 20.0)
        room = 0.15 * (high - low) + (0.1 if self._log else 1.0)
        top = max((self._place(row, "rtf_p99")[1] for row in rows), default=0.0)
        bottom = min((self._place(row, "rtf_p50")[1] for row in rows), default=-3.0)
        left = low if self._log else min(0.0, low)
        self._plot.setXRange(left - 0.3 * room, high + 1.8 * room, padding=0)
        self._plot.setYRange(bottom - 0.3, max(0.6, top + 0.7), padding=0)


def apart(places: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Names at their dots, moved up where another name is in the way.

    Example:
        >>> apart({"a": (1.0, 0.0), "b": (1.0, 0.1)})["b"]
        (1.0, 0.3)
    """
    if not places:
        return {}
    every_x = [x for x, _ in places.values()]
    span = max(every_x) - min(every_x) + 1e-9
    placed: dict[str, tuple[float, float]] = {}
    for name, (x, y) in sorted(places.items(), key=lambda item: item[1][1]):
        for other_x, other_y in placed.values():
            if abs(x - other_x) < _NEAR_X * span and y < other_y + _NEAR_Y:
                y = other_y + _NEAR_Y
        placed[name] = (x, y)
    return placed
