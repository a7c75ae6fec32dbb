"""How often the machine itself stands still, watched beside a benchmark.

A thread above all others sleeps a millisecond at a time and does nothing else. When
*it* wakes a block late, no program of any kind could have kept its time: interrupts,
a hypervisor or the kernel had the core. Late hops are to be read beside that count.

``python -m rtdeclip.benchmarks.stalls LIMIT_MS`` watches until its standard input
closes and prints its findings as JSON.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PRIORITY = 90
"""Above the sound server, its clients and the worker."""


@contextmanager
def watched(limit_ms: float) -> Iterator[dict[str, Any]]:
    """Watches during a ``with`` block; the yielded dict is filled at its end.

    ``machine_stalls`` counts wakings more than ``limit_ms`` late, ``machine_worst_ms``
    is the worst; both None where real-time rights are refused, because an ordinary
    thread shows only that other programs run.
    """
    found: dict[str, Any] = {"machine_stalls": None, "machine_worst_ms": None}
    process = subprocess.Popen(
        [sys.executable, "-m", "rtdeclip.benchmarks.stalls", str(limit_ms)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield found
    finally:
        out, _ = process.communicate(timeout=60)
        if process.returncode == 0:
            found.update(json.loads(out))


def main() -> int:
    """Until standard input closes; 1 without real-time rights."""
    from rtdeclip.live.realtime import FIFO, make_thread_realtime
    from rtdeclip.live.wake_test import BIN_US, wake_histogram_until

    if make_thread_realtime(PRIORITY).scheduler != FIFO:
        return 1
    stop = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait, daemon=True).start()
    bins, worst_us = wake_histogram_until(stop, PRIORITY)
    first = int(1e3 * float(sys.argv[1]) / BIN_US)
    found = {
        "machine_stalls": int(bins[min(first, len(bins) - 1) :].sum()),
        "machine_worst_ms": 1e-3 * worst_us,
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
