"""Slow work for the window: reading a file's overview, restoring it, the benchmark."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from rtdeclip.monitor.child import JsonChild
from rtdeclip.monitor.widgets.file_bar import Overview
from rtdeclip.monitor.window import MonitorWindow

_LOOK_MS = 100
_COLUMNS = 1000
_BENCH_S = 2.0
JOBS = "rtdeclip.monitor.jobs"


class FileWork(QObject):
    """Child processes and what becomes of their answers.

    Args:
        window: shows the results.
    """

    def __init__(self, window: MonitorWindow) -> None:
        super().__init__(window)
        self.window = window
        self._children: dict[str, JsonChild] = {}
        self._total = 0
        self._length_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self.look)
        window.bench.run.connect(self.bench)
        window.bench.save.connect(self.export_bench)
        window.bench.compare.connect(self.compare_bench)

    def probe(self, sample_rate: int = 48000) -> None:
        """What there is to choose from."""
        self._begin("probe", JsonChild("rtdeclip.monitor.probe", [str(sample_rate)]))

    def read(self, path: Path) -> None:
        """A file's overview and scan."""
        self.window.transport.bar.show_overview(None, 0.0)
        self._job("overview", name=str(path), columns=_COLUMNS)

    def export(self) -> None:
        """Asks where to, then restores the whole file."""
        name = self.window.preferences.file
        source = Path(name)
        default = str(source.with_name(f"{source.stem}-restored.wav"))
        target, _ = QFileDialog.getSaveFileName(
            self.window, "Restore to", default, "WAV (*.wav);;FLAC (*.flac)"
        )
        if target and name:
            self.restore(name, target)

    def restore(self, name: str, target: str) -> None:
        """Restores a file with the processor that is chosen."""
        p = self.window.preferences
        settings = p.settings.get(p.processor, {})
        self._job(
            "restore",
            name=name,
            target=target,
            processor=p.processor,
            settings=settings,
        )

    def bench(self) -> None:
        """Starts the benchmark, or stops it."""
        if "bench" in self._children:
            self._children.pop("bench").end()
            self.window.bench.show_running(None)
            return
        self.window.bench.clear()
        self.window.bench.show_running((0, 0))
        self._job("bench", seconds=_BENCH_S, sample_rate=48000)

    def export_bench(self) -> None:
        """Asks where to write the results."""
        name, _ = QFileDialog.getSaveFileName(
            self.window, "Export", "bench.json", "JSON, CSV or PNG (*.json *.csv *.png)"
        )
        if name:
            try:
                self.window.bench.export(Path(name))
            except OSError as error:
                self.window.note(f"{name} could not be written: {error}.")

    def compare_bench(self) -> None:
        """Asks for an earlier run and draws it behind this one."""
        name, _ = QFileDialog.getOpenFileName(
            self.window, "Compare with", "", "JSON (*.json)"
        )
        if name:
            try:
                rows = json.loads(Path(name).read_text())["rows"]
                self.window.bench.show_before(list(rows))
            except (OSError, ValueError, KeyError, TypeError):
                self.window.note(
                    f"{name} is no benchmark. Give one that was exported here, or "
                    "made with: rtdeclip bench rtf --json > FILE"
                )

    @property
    def busy(self) -> set[str]:
        """Names of the jobs that run."""
        return set(self._children)

    def stop(self) -> None:
        """Ends all of it."""
        self._timer.stop()
        while self._children:
            self._children.popitem()[1].end()

    def _job(self, job: str, **arguments: Any) -> None:
        self._begin(job, JsonChild(JOBS, [job, json.dumps(arguments)]))

    def _begin(self, name: str, child: JsonChild) -> None:
        if name in self._children:
            self._children.pop(name).end()
        self._children[name] = child
        self._timer.start()

    def look(self) -> None:
        """What the children have said."""
        for name, child in list(self._children.items()):
            code = child.exit_code
            for line in child.said():
                self._hear(name, line)
            if code is not None:
                self._children.pop(name, None)
                self._ended(name, code, child.last_words)
        if not self._children:
            self._timer.stop()

    def _hear(self, name: str, line: dict[str, Any]) -> None:
        if "error" in line:
            self.window.note(str(line["error"]))
        elif name == "probe":
            self.window.catalog.hear(line)
            self.window.catalog_changed.emit()
        elif name == "overview":
            self._hear_overview(line)
        elif name == "restore":
            self._hear_restore(line)
        elif name == "bench":
            self._hear_bench(line)

    def _hear_overview(self, line: dict[str, Any]) -> None:
        if "scan" in line:
            row = line["scan"]
            self._length_s = float(row["duration_s"])
            self.window.note(
                f"{Path(row['file']).name}: {row['severity']} clipping. "
                f"From the command line: {row['command']}"
            )
        elif "low" in line:
            parts = (np.array(line[k]) for k in ("low", "high", "clipped"))
            self.window.transport.bar.show_overview(Overview(*parts), self._length_s)

    def _hear_restore(self, line: dict[str, Any]) -> None:
        if "row" in line:
            self.window.note(f"Restored: {line['row'].get('output', 'done')}")
        else:
            self.window.note(f"{line['step']}: {100 * line['share']:.0f} %")

    def _hear_bench(self, line: dict[str, Any]) -> None:
        view = self.window.bench
        if "total" in line:
            self._total = line["total"]
            view.machine = line["machine"]
        elif "row" in line:
            view.add(line["row"])
        view.show_running((len(view.rows), self._total))

    def _ended(self, name: str, code: int, last_words: str) -> None:
        if name == "bench":
            self.window.bench.show_running(None)
            done = len(self.window.bench.rows)
            self.window.bench.show_note(f"{done} processors measured.")
        if code != 0 and last_words:
            self.window.note(f"{name} failed: {last_words}")
