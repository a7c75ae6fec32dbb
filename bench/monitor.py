"""What the monitor costs: drawing, frames a second, CPU, and the audio beside it.

    python -m bench.monitor [--seconds 10] [--json]

Runs offscreen (set QT_QPA_PLATFORM to measure on a screen). The engine is the demo's:
the real one with a device that keeps time by the clock. Memory: bench.monitor_memory;
ten thousand repaints: bench.monitor_stress.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from rtdeclip.monitor.actions import Actions
from rtdeclip.monitor.app import Options, application, begin, open_window
from rtdeclip.monitor.preferences import Preferences
from rtdeclip.monitor.session import State

FRAMES = 300
ROUNDS = 4


def spend(app: Any, seconds: float) -> None:
    """The event loop, as ``exec`` runs it: sleeping between timers."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop(app)  # ``app.quit`` would close the window
    QTimer.singleShot(round(1e3 * seconds), loop.quit)
    loop.exec()


def start(app: Any) -> tuple[Actions, float]:
    """A window with the demo running; seconds from nothing to visible."""
    begun = time.perf_counter()
    options = Options(demo=True, size=(1280, 760))
    actions = open_window(options, Preferences())
    app.processEvents()
    visible = time.perf_counter() - begun
    begin(actions, options)
    while actions.session.model is None or actions.files.busy:
        spend(app, 0.1)
        if actions.session.state is State.FAILED:
            raise SystemExit(actions.session.problem)
    spend(app, 3.0)  # the history fills
    return actions, visible


def draw_times(app: Any, actions: Actions) -> np.ndarray:
    """Milliseconds of CPU per frame: update, curves, histogram, strip, painting."""
    window, model = actions.window, actions.session.model
    assert model
    window.stop_drawing()
    out = np.zeros(FRAMES)
    for i in range(FRAMES):
        time.sleep(0.02)  # some new sound
        begun = time.thread_time()
        model.update(time.monotonic())
        window.draw(model)
        window.below.refresh(model, time.monotonic())
        app.processEvents()
        out[i] = 1e3 * (time.thread_time() - begun)
    window.start_drawing()
    return out


def frames_per_second(app: Any, actions: Actions, seconds: float) -> float:
    """With the timer at 16 ms."""
    window = actions.window
    window.start_drawing(16)
    spend(app, 0.5)
    before, begun = window.frames_drawn, time.perf_counter()
    spend(app, seconds)
    fps = (window.frames_drawn - before) / (time.perf_counter() - begun)
    window.start_drawing()
    return fps


def cpu_share(app: Any, seconds: float) -> float:
    """Share of one core that this process takes at 30 frames a second."""
    begun, before = time.perf_counter(), time.process_time()
    spend(app, seconds)
    return (time.process_time() - before) / (time.perf_counter() - begun)


def audio_side(app: Any, actions: Actions, seconds: float) -> dict[str, Any]:
    """Late hops, RTF and wake-up delay of the audio process, window drawing or not.

    Both by turns, so that whatever else the machine does meets them alike.
    """
    turns: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    for _ in range(ROUNDS):
        for name, found in turns.items():
            found.append(_listen(app, actions, seconds, draw=name == "with"))
    return {
        f"audio_{name}_window": {
            "late_hops": sum(turn["late_hops"] for turn in found),
            "rtf_p50": _middle(found, "rtf_p50"),
            "rtf_p99": _middle(found, "rtf_p99"),
            "rtf_p99_each": [round(turn["rtf_p99"], 3) for turn in found],
            "wake_p99_us": _middle(found, "wake_p99_us"),
        }
        for name, found in turns.items()
    }


def _middle(turns: list[dict[str, float]], name: str) -> float:
    return round(float(np.median([turn[name] for turn in turns])), 3)


def _listen(
    app: Any, actions: Actions, seconds: float, *, draw: bool
) -> dict[str, float]:
    session, window = actions.session, actions.window
    assert session.controls
    assert session.model
    if not draw:
        window.stop_drawing()
    session.controls.bump("reset")
    time.sleep(0.2)
    if draw:
        spend(app, seconds)
    else:
        time.sleep(seconds)
    status = session.model.reader.status()
    window.start_drawing()
    names = ("late_hops", "rtf_p50", "rtf_p99", "wake_p99_us")
    return {name: float(getattr(status, name)) for name in names}


def warm_start() -> tuple[float, float]:
    """Wall and CPU seconds until a fresh interpreter shows the window."""
    code = (
        "import time; t = time.perf_counter();"
        "from rtdeclip.monitor.app import *; app = application();"
        "from rtdeclip.monitor.preferences import Preferences;"
        "a = open_window(Options(), Preferences()); app.processEvents();"
        "print(time.perf_counter() - t, time.process_time());"
        "a.files.stop(); a.window.close()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    wall, cpu = done.stdout.split()[-2:]
    return float(wall), float(cpu)


def main() -> None:
    """Measures all of it and prints one table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    app = application()
    starts = [warm_start() for _ in range(3)]
    actions, visible = start(app)
    ms = draw_times(app, actions)
    fps = frames_per_second(app, actions, given.seconds)
    numbers: dict[str, Any] = {
        "draw_ms_p50": round(float(np.median(ms)), 2),
        "draw_ms_p99": round(float(np.percentile(ms, 99)), 2),
        "fps_with_16_ms_timer": round(fps, 1),
        "cpu_share_at_30_fps": round(cpu_share(app, given.seconds), 3),
        "window_visible_s": round(visible, 2),
        "start_to_visible_s": round(float(np.median([s for s, _ in starts])), 2),
        "start_to_visible_cpu_s": round(float(np.median([s for _, s in starts])), 2),
        "machine_load_1min": round(os.getloadavg()[0], 1),
        **audio_side(app, actions, given.seconds),
    }
    actions.files.stop()
    actions.window.close()
    if given.json:
        print(json.dumps(numbers, indent=2))
    else:
        for name, value in numbers.items():
            print(f"{name:24} {value}")


if __name__ == "__main__":
    main()
