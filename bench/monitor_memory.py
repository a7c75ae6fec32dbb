"""Whether the monitor's memory stays flat: the window with the demo, watched.

    python -m bench.monitor_memory [--minutes 60] [--json]

Prints the resident memory of the GUI process once a minute and, at the end, how fast
it grows after the first fifth of the time, by a line of least squares. Linux only
(it reads /proc). The window draws 30 frames a second, as it does for a user.
"""

import argparse
import json
import os
import time

import numpy as np

from bench.monitor import spend, start
from rtdeclip.monitor.app import application

EVERY_S = 60.0
_SETTLING = 0.2
"""Share of the time that is left out: caches and Qt's glyphs fill."""


def resident_mb() -> float:
    """Resident memory of this process."""
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def growth_mb_per_h(minutes: list[float], mb: list[float]) -> float:
    """Slope of a line through what was seen after the settling time."""
    settled = np.array(minutes) >= _SETTLING * minutes[-1]
    slope, _ = np.polyfit(np.array(minutes)[settled], np.array(mb)[settled], 1)
    return 60.0 * float(slope)


def main() -> None:
    """Watches, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    app = application()
    actions, _ = start(app)
    begun, frames = time.monotonic(), actions.window.frames_drawn
    minutes, mb = [0.0], [resident_mb()]
    while minutes[-1] < given.minutes:
        left = 60.0 * given.minutes - (time.monotonic() - begun)
        spend(app, min(EVERY_S, max(0.1, left)))
        minutes.append((time.monotonic() - begun) / 60.0)
        mb.append(resident_mb())
        if not given.json:
            print(f"{minutes[-1]:6.1f} min  {mb[-1]:7.1f} MB", flush=True)
    numbers = {
        "minutes": round(minutes[-1], 1),
        "frames": actions.window.frames_drawn - frames,
        "first_mb": round(mb[0], 1),
        "last_mb": round(mb[-1], 1),
        "growth_mb_per_h": round(growth_mb_per_h(minutes, mb), 2),
    }
    actions.files.stop()
    actions.window.close()
    print(json.dumps(numbers, indent=2 if given.json else None))


if __name__ == "__main__":
    main()
