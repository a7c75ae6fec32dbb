"""Ten thousand repaints of the monitor's window: no crash, no reference lost.

    python -m bench.monitor_stress [--frames 10000] [--json]

Qt bindings have lost a reference at each repaint before (PySide6 6.12.0 with pyqtgraph
0.14 on Python 3.11 ends in an abort). The window is fed from a telemetry file as an
engine keeps it; views and themes change all the time. Exits with 1 where references,
objects or memory pile up.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np

from bench.monitor_memory import resident_mb
from rtdeclip.live.telemetry import TelemetryFile
from rtdeclip.monitor.actions import Actions
from rtdeclip.monitor.app import Options, application, open_window
from rtdeclip.monitor.preferences import Preferences

RATE, HOP, LEVEL = 48000, 256, 0.5
PER_FRAME = 800
_VIEWS = ("wave", "difference", "spectrogram")
_TURN = 250
"""Frames after which view and theme change."""
_WARM = 3 * 2 * _TURN
"""Every view in both themes once, before counting begins."""
LIMITS = {"none_lost_per_frame": 0.1, "objects": 3000, "resident_mb": 15.0}
"""What may be lost or pile up. The defect lost some 190 references to None a frame; a
new plot item gains a few, which costs nothing.
"""


class Engine:
    """A telemetry file of a clipped tone that comes when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.file = TelemetryFile(path, RATE, 2, HOP, HOP)
        self.file.set_info({"processors": ["cubic"], "config": {"headroom": "off"}})
        self.file.fields["state"] = 2
        self.file.fields["clip_high"][0, :2] = LEVEL
        self.file.fields["clip_low"][0, :2] = LEVEL
        self._end = 0

    def advance(self, n: int) -> None:
        """``n`` more samples."""
        dry, wet, sign, ends = self.file.scope
        place = self._end + np.arange(n)
        clean = 0.8 * np.sin(2 * np.pi * 220 * place / RATE)[:, None]
        rows = place % len(dry)
        dry[rows], wet[rows] = np.clip(clean, -LEVEL, LEVEL), clean
        sign[rows] = np.sign(clean) * (np.abs(clean) >= LEVEL)
        self._end += n
        ends[:] = self._end
        self.file.fields["time_ns"] = time.monotonic_ns()
        self.file.publish()


def paint(app: Any, actions: Actions, engine: Engine, first: int, last: int) -> None:
    """Frames ``first`` to ``last``, each with new sound."""
    window = actions.window
    for i in range(first, last):
        if i % _TURN == 0:
            turn = i // _TURN
            window.show_view(_VIEWS[turn % len(_VIEWS)])
            actions.set_theme(("dark", "light")[turn // len(_VIEWS) % 2])
        engine.advance(PER_FRAME)
        window.tick()
        if i % 8 == 0:
            window.draw_slow()
        app.processEvents()


def count() -> dict[str, float]:
    """What must not pile up."""
    gc.collect()
    # From Python 3.12 on None is immortal and is not counted.
    references = sys.getrefcount(None) if sys.version_info < (3, 12) else 0
    return {
        "none_references": references,
        "objects": len(gc.get_objects()),
        "resident_mb": resident_mb(),
    }


def stress(frames: int) -> dict[str, float]:
    """What has grown over so many frames after a warm-up."""
    app = application()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder) / "stress.telemetry")
        actions = open_window(Options(size=(1100, 640)), Preferences())
        actions.window.stop_drawing()
        actions.files.stop()
        engine.advance(RATE)
        actions.session.attach(engine.file.path)
        paint(app, actions, engine, 0, _WARM)
        before, begun = count(), time.process_time()
        paint(app, actions, engine, _WARM, _WARM + frames)
        spent = time.process_time() - begun
        after = count()
        actions.window.close()
        engine.file.close()
    grown = {name: after[name] - before[name] for name in before}
    return {
        "frames": frames,
        "cpu_ms_per_frame": round(1e3 * spent / frames, 2),
        "none_lost_per_frame": round(-grown["none_references"] / frames, 3),
        "objects": grown["objects"],
        "resident_mb": round(grown["resident_mb"], 1),
    }


def main() -> int:
    """Runs it; 1 if anything has piled up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = stress(given.frames)
    bad = [name for name, limit in LIMITS.items() if found[name] > limit]
    print(json.dumps(found | {"piled_up": bad}, indent=2 if given.json else None))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
