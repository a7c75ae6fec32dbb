"""The benchmark: real-time factor against latency and against ΔSDR, as it fills."""

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

from rtdeclip.benchmarks import report
from rtdeclip.monitor.theme import DARK, Theme
from rtdeclip.monitor.widgets.cards import button, label
from rtdeclip.monitor.widgets.dot_plot import DotPlot

Row = dict[str, Any]
COLUMNS = (
    ("processor", "Processor", "{}"),
    ("latency_ms", "Latency ms", "{:.1f}"),
    ("rtf_p50", "RTF p50", "{:.4f}"),
    ("rtf_p99", "RTF p99", "{:.4f}"),
    ("hop_ms_max", "Worst hop ms", "{:.2f}"),
    ("delta_sdr_db", "ΔSDR dB", "{:+.2f}"),
    ("before", "RTF vs before", "× {:.2f}"),
)
_HINT = "Measures every processor on this machine, at the pace of live sound."


class BenchView(QWidget):
    """Two dot plots and a table; ``BenchWork`` runs the benchmark.

    Signals:
        run: start it (or stop the one that runs).
        save: export to a file.
        compare: choose an earlier run.
    """

    run = Signal()
    save = Signal()
    compare = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Benchmark")
        self.rows: list[Row] = []
        self.machine: Row = {}
        self.summary = ""
        self._before: list[Row] = []
        self._note = label(_HINT, "muted", wrap=True)
        self._go = button("Run", self.run.emit, tip=_HINT, style="primary")
        self._keep = button("Export…", self.save.emit, tip="PNG, CSV or JSON.")
        self.other = button(
            "Compare…", self.compare.emit, tip="Draws an earlier run behind this one."
        )
        head = QHBoxLayout()
        for widget in (self._go, self._keep, self.other):
            head.addWidget(widget)
        head.addWidget(self._note, 1)
        self._plots = pg.GraphicsLayoutWidget()
        self._plots.ci.layout.setContentsMargins(0, 6, 6, 0)
        below = ("algorithmic latency, ms", "ΔSDR on the demo's sound, dB")
        keys = ("latency_ms", "delta_sdr_db")
        self._dots = [
            DotPlot(self._plots, column, key, text, log=key == "latency_ms")
            for column, (key, text) in enumerate(zip(keys, below, strict=True))
        ]
        self._table = self._make_table()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        column.addLayout(head)
        column.addWidget(self._plots, 3)
        column.addWidget(self._table, 2)
        self.show_running(None)
        self.set_theme(DARK)

    @staticmethod
    def _make_table() -> QTableWidget:
        table = QTableWidget(0, len(COLUMNS))
        table.setHorizontalHeaderLabels([title for _, title, _ in COLUMNS])
        table.setAccessibleName("Results")
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(22)
        table.setShowGrid(False)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        return table

    def set_theme(self, theme: Theme) -> None:
        """Repaints in other colours."""
        self._plots.setBackground(theme.panel)
        for dots in self._dots:
            dots.set_theme(theme)
        self._draw()

    def show_running(self, done: tuple[int, int] | None) -> None:
        """How many of how many are measured; None when it does not run."""
        self._go.setText("Stop" if done else "Run")
        if done:
            counted = f"{done[0]} of {done[1]}" if done[1] else "the first"
            self._note.setText(f"Measuring {counted} …")
        self._keep.setEnabled(bool(self.rows) and done is None)

    def show_note(self, text: str) -> None:
        """A sentence beside the buttons."""
        self._note.setText(text)

    def clear(self) -> None:
        """Before a new run."""
        self.rows, self.summary = [], ""
        self._draw()

    def add(self, row: Row) -> None:
        """A result of ``bench rtf``, as it comes."""
        self.rows.append(row)
        self._draw()

    def add_gain(self, processor: str, delta_sdr_db: float) -> None:
        """The quality of a processor that has been measured."""
        for row in self.rows:
            if row["processor"] == processor:
                row["delta_sdr_db"] = delta_sdr_db
        self._draw()

    def show_before(self, rows: list[Row]) -> None:
        """An earlier run, drawn as crosses behind this one; none when empty."""
        paced = [row for row in rows if row.get("mode", "paced") == "paced"]
        self._before = paced or rows
        self._draw()

    def _draw(self) -> None:
        self._fill_table()
        for dots in self._dots:
            dots.draw(self.rows, self._before)

    def _fill_table(self) -> None:
        found = report.ratios(self.rows, self._before) if self._before else []
        ratios = {row["processor"]: row["rtf_p50_ratio"] for row in found}
        self._table.setColumnHidden(len(COLUMNS) - 1, not self._before)
        self._table.setRowCount(len(self.rows))
        for i, row in enumerate(self.rows):
            shown = row | {"before": ratios.get(row["processor"])}
            for j, (key, _, form) in enumerate(COLUMNS):
                value = shown.get(key)
                item = QTableWidgetItem("–" if value is None else form.format(value))
                if j:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self._table.setItem(i, j, item)

    def content(self) -> Row:
        """The run as ``bench rtf --json`` tells it, with the qualities."""
        return {"machine": self.machine, "rows": self.rows, "summary": self.summary}

    def export(self, path: Path) -> None:
        """Writes the results; PNG, CSV or JSON by the name's end.

        Raises:
            OSError: it cannot be written.
        """
        if path.suffix.lower() == ".png":
            if not self.grab().save(str(path)):
                raise OSError(f"{path} cannot be written")
        elif path.suffix.lower() == ".csv":
            key = "delta_sdr_db"
            rows = [row | {key: row.get(key)} for row in self.rows]
            report.write_csv(path, rows)
        else:
            path.write_text(json.dumps(self.content(), indent=2), "utf-8")
