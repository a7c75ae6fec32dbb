"""The benchmark: real-time factor against latency and against ΔSDR, as it fills."""

import csv
import json
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.widgets import plots
from rtdeclip.monitor.widgets.cards import button, label

Row = dict[str, Any]
_NEAR_X, _NEAR_Y = 0.3, 0.4
COLUMNS = (
    ("processor", "Processor", "{}"),
    ("latency_ms", "Latency ms", "{:.1f}"),
    ("rtf_p50", "RTF p50", "{:.4f}"),
    ("rtf_p99", "RTF p99", "{:.4f}"),
    ("hop_ms_max", "Worst hop ms", "{:.2f}"),
    ("delta_sdr_db", "ΔSDR dB", "{:+.2f}"),
)


class BenchView(QWidget):
    """Two dot plots and a table; the window runs the benchmark.

    Signals:
        run: start it (or stop the one that runs).
        save: export to a file.
        compare: load an earlier run.
    """

    run = Signal()
    save = Signal()
    compare = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Benchmark")
        self.rows: list[Row] = []
        self.machine: Row = {}
        self._before: list[Row] = []
        self._theme = DARK
        self._note = label("Measures every processor on this machine.", "muted")
        self._go = button("Run", self.run.emit, tip="About ten seconds a processor.")
        self._go.setObjectName("primary")
        self._keep = button("Export…", self.save.emit, tip="PNG, CSV or JSON.")
        other = button("Compare…", self.compare.emit, tip="Loads an earlier JSON.")
        head = QHBoxLayout()
        for widget in (self._go, self._keep, other):
            head.addWidget(widget)
        head.addWidget(self._note, 1)
        self._plots = pg.GraphicsLayoutWidget()
        self._plots.ci.layout.setContentsMargins(0, 6, 6, 0)
        self._latency = self._plot(0, "algorithmic latency in ms")
        self._gain = self._plot(1, "ΔSDR in dB (plucked string, 20 % clipped)")
        self._table = self._make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addLayout(head)
        column.addWidget(self._plots, 3)
        column.addWidget(self._table, 2)
        self.show_running(None)
        self.set_theme(DARK)

    def _plot(self, column: int, below: str) -> Any:
        plot = self._plots.addPlot(0, column, enableMenu=False)
        plots.prepare(plot)
        plot.getAxis("bottom").setHeight(36)
        plot.getAxis("bottom").setLabel(below)
        plot.setLogMode(y=True)
        plot.showGrid(x=True, y=True, alpha=0.15)
        return plot

    @staticmethod
    def _make_table() -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels([title for _, title, _ in COLUMNS])
        table.setAccessibleName("Results")
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(22)
        table.setShowGrid(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        return table

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._theme = theme
        self._plots.setBackground(theme.panel)
        for plot in (self._latency, self._gain):
            plots.paint(plot, theme)
            plot.getAxis("bottom").label.setDefaultTextColor(theme.muted)
        self._draw()

    def show_running(self, done: tuple[int, int] | None) -> None:
        """How many of how many are measured; None when it does not run."""
        self._go.setText("Stop" if done else "Run")
        if done:
            self._note.setText(f"Measured {done[0]} of {done[1]} …")
        self._keep.setEnabled(bool(self.rows) and done is None)

    def show_note(self, text: str) -> None:
        """A sentence beside the buttons."""
        self._note.setText(text)

    def clear(self) -> None:
        """Before a new run."""
        self.rows = []
        self._fill_table()
        self._draw()

    def add(self, row: Row) -> None:
        """A result, as it comes."""
        self.rows.append(row)
        self._fill_table()
        self._draw()

    def show_before(self, rows: list[Row]) -> None:
        """An earlier run, drawn as crosses behind this one."""
        self._before = rows
        self._draw()

    def _fill_table(self) -> None:
        self._table.setRowCount(len(self.rows))
        for i, row in enumerate(self.rows):
            for j, (key, _, form) in enumerate(COLUMNS):
                item = QTableWidgetItem(form.format(row[key]))
                if j:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self._table.setItem(i, j, item)

    def _draw(self) -> None:
        for plot, key in ((self._latency, "latency_ms"), (self._gain, "delta_sdr_db")):
            plot.clear()
            line = pg.InfiniteLine(0.0, 0, plots.pen(self._theme.clip, dashed=True))
            plot.addItem(line, ignoreBounds=True)
            self._dots(plot, self._before, key, earlier=True)
            self._dots(plot, self.rows, key, earlier=False)
            shown = [r for r in (*self.rows, *self._before) if key in r]
            highest = max((_log10(r["rtf_p99"]) for r in shown), default=0.0)
            self._fit(plot, [r[key] for r in shown], highest)

    def _dots(self, plot: Any, rows: list[Row], key: str, *, earlier: bool) -> None:
        t = self._theme
        rows = [row for row in rows if key in row]
        if not rows:
            return
        x = [row[key] for row in rows]
        colour = t.muted if earlier else t.source
        for name, size, filled in (("rtf_p50", 9, True), ("rtf_p99", 9, False)):
            plot.plot(
                x,
                [row[name] for row in rows],
                pen=None,
                symbol="x" if earlier else "o",
                symbolSize=size,
                symbolPen=plots.pen(colour, 1.5),
                symbolBrush=pg.mkBrush(colour) if filled else None,
            )
        for name, place in [] if earlier else _apart(rows, key):
            word = pg.TextItem(name, color=t.text, anchor=(-0.12, 0.5))
            word.setFont(plots.small_font())
            word.setPos(*place)
            plot.addItem(word, ignoreBounds=True)

    @staticmethod
    def _fit(plot: Any, x: list[float], highest: float) -> None:
        low, high = (min(x), max(x)) if x else (0.0, 40.0)
        room = 0.15 * (high - low) + 1.0
        plot.setXRange(min(0.0, low) - 0.2 * room, high + 1.8 * room, padding=0)
        plot.setYRange(-3.5, max(0.6, highest + 1.0), padding=0)

    def export(self, path: Path) -> None:
        """Writes the results; PNG, CSV or JSON by the name's end.

        Raises:
            OSError: it cannot be written.
        """
        if path.suffix.lower() == ".png":
            if not self.grab().save(str(path)):
                raise OSError(f"{path} cannot be written")
        elif path.suffix.lower() == ".csv":
            with path.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(self.rows[0]))
                writer.writeheader()
                writer.writerows(self.rows)
        else:
            content = {"machine": self.machine, "rows": self.rows}
            path.write_text(json.dumps(content, indent=2))


def _apart(rows: list[Row], key: str) -> list[tuple[str, tuple[float, float]]]:
    """Each name beside its p99 dot, moved up where another name is in the way."""
    placed: list[tuple[str, tuple[float, float]]] = []
    span = max(row[key] for row in rows) - min(row[key] for row in rows) + 1e-9
    for row in sorted(rows, key=lambda row: float(row["rtf_p99"])):
        x, y = float(row[key]), _log10(row["rtf_p99"])
        for _, (other_x, other_y) in placed:
            if abs(x - other_x) < _NEAR_X * span and y < other_y + _NEAR_Y:
                y = other_y + _NEAR_Y
        placed.append((row["processor"], (x, y)))
    return placed


def _log10(value: float) -> float:
    from math import log10

    return log10(max(value, 1e-4))
