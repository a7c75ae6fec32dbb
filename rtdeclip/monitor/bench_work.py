"""The benchmark view at work: runs ``rtdeclip bench rtf``, keeps and compares runs."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMenu

from rtdeclip.benchmarks import report
from rtdeclip.errors import FileError
from rtdeclip.monitor import saved_runs
from rtdeclip.monitor.child import JsonChild
from rtdeclip.monitor.children import Children
from rtdeclip.monitor.window import MonitorWindow

SECONDS = 3.0
_COMMAND = ("bench", "rtf", "--lines", "--mode", "paced", "--seconds", str(SECONDS))
_RTF, _GAIN = "bench", "bench gain"
_POLITE = 10
"""Nice value of the benchmark while sound runs: the sound comes first."""


class BenchWork(QObject):
    """Real-time factors first, in a process of their own; then the ΔSDR of each.

    Args:
        window: shows the results.
        children: runs the processes.
    """

    def __init__(self, window: MonitorWindow, children: Children) -> None:
        super().__init__(window)
        self.window, self.view, self._children = window, window.bench, children
        self._total = 0
        self.view.run.connect(self.run)
        self.view.save.connect(self.export)
        self.view.compare.connect(self.show_menu)
        children.heard.connect(self._hear)
        children.ended.connect(self._ended)

    def run(self) -> None:
        """Starts it, or stops it."""
        if self._children.end(_RTF) or self._children.end(_GAIN):
            self.view.show_running(None)
            return
        self.view.clear()
        self.view.show_running((0, 0))
        child = JsonChild("rtdeclip", list(_COMMAND))
        if self.window.session.model and hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, child.pid, _POLITE)
        self._children.begin(_RTF, child)

    def _hear(self, name: str, line: dict[str, Any]) -> None:
        if name == _RTF:
            self._hear_rtf(line)
        elif name == _GAIN and "gain" in line:
            self.view.add_gain(line["gain"], line["delta_sdr_db"])

    def _hear_rtf(self, line: dict[str, Any]) -> None:
        if "total" in line:
            self._total = line["total"]
            self.view.machine = line["machine"]
        elif "row" in line:
            self.view.add(line["row"])
        elif "summary" in line:
            self.view.summary = line["summary"]
        self.view.show_running((len(self.view.rows), self._total))

    def _ended(self, name: str, code: int, last_words: str) -> None:
        if name == _RTF and code == 0:
            names = [row["processor"] for row in self.view.rows]
            words = ["gains", json.dumps({"processors": names})]
            self._children.begin(_GAIN, JsonChild("rtdeclip.monitor.jobs", words))
            self.view.show_note(f"{self.view.summary} Measuring the quality …")
        elif name in (_RTF, _GAIN):
            self.view.show_running(None)
            if code == 0:
                self._keep()
            else:
                self.view.show_note(f"The benchmark ended early: {last_words}")

    def _keep(self) -> None:
        try:
            saved_runs.keep(self.view.content(), datetime.now())
            self.view.show_note(f"{self.view.summary} This run is kept.")
        except OSError as error:
            self.view.show_note(f"{self.view.summary} It could not be kept: {error}.")

    def export(self) -> None:
        """Asks where to write the results."""
        name, _ = QFileDialog.getSaveFileName(
            self.window, "Export", "bench.json", "JSON, CSV or PNG (*.json *.csv *.png)"
        )
        if name:
            try:
                self.view.export(Path(name))
            except OSError as error:
                self.window.note(f"{name} could not be written: {error}.")

    def menu(self) -> QMenu:
        """The kept runs, other files, and none."""
        made = QMenu(self.window)
        for path in saved_runs.runs():
            action = made.addAction(saved_runs.title(path))
            action.triggered.connect(lambda _=False, p=path: self.compare(p))
        if made.actions():
            made.addSeparator()
        made.addAction("Another file …").triggered.connect(self._ask_for_file)
        made.addAction("Nothing").triggered.connect(lambda: self.view.show_before([]))
        return made

    def show_menu(self) -> None:
        """Opens the menu below its button."""
        button = self.view.other
        self.menu().popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self.window, "Compare with", str(saved_runs.folder()), "JSON (*.json)"
        )
        if name:
            self.compare(Path(name))

    def compare(self, path: Path) -> None:
        """Draws an earlier run behind this one."""
        try:
            self.view.show_before(report.read_rows(path))
        except FileError as error:
            self.window.note(str(error))
