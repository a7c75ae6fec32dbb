"""Slow work for the window: what can be chosen, a file's overview, its restoration."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from rtdeclip.monitor.bench_work import BenchWork
from rtdeclip.monitor.child import JsonChild
from rtdeclip.monitor.children import Children
from rtdeclip.monitor.widgets.file_bar import Overview
from rtdeclip.monitor.window import MonitorWindow

_COLUMNS = 1000
JOBS = "rtdeclip.monitor.jobs"


class FileWork(QObject):
    """Child processes and what becomes of their answers.

    Args:
        window: shows the results.
    """

    def __init__(self, window: MonitorWindow) -> None:
        super().__init__(window)
        self.window = window
        self.helpers = Children(self)
        self.helpers.heard.connect(self._hear)
        self.helpers.ended.connect(self._ended)
        self.bench = BenchWork(window, self.helpers)
        self._length_s = 0.0

    def probe(self, sample_rate: int = 48000) -> None:
        """What there is to choose from."""
        self.helpers.begin(
            "probe", JsonChild("rtdeclip.monitor.probe", [str(sample_rate)])
        )

    def read(self, path: Path) -> None:
        """A file's overview and scan."""
        self.window.transport.show_overview(None, 0.0)
        self.window.show_scan("")
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

    @property
    def busy(self) -> set[str]:
        """Names of the jobs that run."""
        return self.helpers.busy

    def stop(self) -> None:
        """Ends all of it."""
        self.helpers.stop()

    def _job(self, job: str, **arguments: Any) -> None:
        self.helpers.begin(job, JsonChild(JOBS, [job, json.dumps(arguments)]))

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

    def _hear_overview(self, line: dict[str, Any]) -> None:
        if "scan" in line:
            row = line["scan"]
            self._length_s = float(row["duration_s"])
            self.window.show_scan(
                f"{Path(row['file']).name}: {row['severity']} clipping. "
                f"From the command line: {row['command']}"
            )
        elif "low" in line:
            parts = (np.array(line[k]) for k in ("low", "high", "clipped"))
            self.window.transport.show_overview(Overview(*parts), self._length_s)

    def _hear_restore(self, line: dict[str, Any]) -> None:
        if "row" in line:
            self.window.note(f"Restored: {line['row'].get('output', 'done')}")
        else:
            self.window.note(f"{line['step']}: {100 * line['share']:.0f} %")

    def _ended(self, name: str, code: int, last_words: str) -> None:
        if code != 0 and last_words:
            self.window.note(f"{name} failed: {last_words}")
