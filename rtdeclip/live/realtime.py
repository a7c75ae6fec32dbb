"""Real-time rights for the calling thread: SCHED_FIFO, else RTKit, else ordinary.

Each step may be refused; the sound runs all the same and ``rtdeclip doctor`` says what
to type to be granted more.
"""

import contextlib
import gc
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass

FIFO_PRIORITY = 60
"""Below JACK's own threads (its clients run at the server's priority − 5)."""
CONTROL_PRIORITY = 10
"""Of the audio process's other Python threads; see ``lift_thread``."""
RTKIT_PRIORITY = 20
_RTKIT_LIMIT_US = 200_000
ORDINARY, FIFO, RTKIT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Granted:
    """What the system gave to a thread.

    Args:
        scheduler: ORDINARY, FIFO or RTKIT.
        priority: 1 to 99, or 0.
        reason: why it is not more; empty for FIFO.
    """

    scheduler: int
    priority: int
    reason: str = ""

    @property
    def name(self) -> str:
        """In words."""
        return ("ordinary", "SCHED_FIFO", "SCHED_RR by RTKit")[self.scheduler]


def make_thread_realtime(priority: int = FIFO_PRIORITY) -> Granted:
    """Asks for real-time scheduling of the calling thread, best first."""
    if not hasattr(os, "sched_setscheduler"):
        return Granted(ORDINARY, 0, f"{sys.platform} offers no SCHED_FIFO to Python")
    try:
        # RESET_ON_FORK: children, and RTKit's rule below, must not inherit it.
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(priority))
        return Granted(FIFO, priority)
    except OSError as error:
        return _ask_rtkit(f"SCHED_FIFO: {error.strerror}")


def lift_thread(priority: int = CONTROL_PRIORITY) -> None:
    """Puts the calling thread above ordinary programs, where that is allowed.

    For every Python thread beside the worker: one that lost its core to another
    program while it holds the interpreter's lock would make the worker wait for it,
    however high the worker's own priority (seen: 40 ms on a busy machine).
    """
    if hasattr(os, "sched_setscheduler"):
        policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, policy, os.sched_param(priority))


def _ask_rtkit(reason: str) -> Granted:
    """RealtimeKit over the system's D-Bus, by the ``dbus-send`` program."""
    if not shutil.which("dbus-send"):
        return Granted(ORDINARY, 0, f"{reason}; RTKit: dbus-send is not installed")
    import resource

    # RTKit serves only processes that limit their own real-time CPU time.
    resource.setrlimit(resource.RLIMIT_RTTIME, (_RTKIT_LIMIT_US, _RTKIT_LIMIT_US))
    command = [
        "dbus-send",
        "--system",
        "--print-reply",
        "--reply-timeout=1000",
        "--dest=org.freedesktop.RealtimeKit1",
        "/org/freedesktop/RealtimeKit1",
        # Not MakeThreadRealtime: it serves threads of the caller, here dbus-send.
        "org.freedesktop.RealtimeKit1.MakeThreadRealtimeWithPID",
        f"uint64:{os.getpid()}",
        f"uint64:{threading.get_native_id()}",
        f"uint32:{RTKIT_PRIORITY}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=3)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Granted(ORDINARY, 0, f"{reason}; RTKit: {error}")
    if done.returncode == 0:
        return Granted(RTKIT, RTKIT_PRIORITY, reason)
    lines = done.stderr.strip().splitlines() or ["refused"]
    return Granted(ORDINARY, 0, f"{reason}; RTKit: {lines[-1]}")


def quiet_interpreter() -> None:
    """No garbage collection, and quick hand-over of the interpreter's lock.

    For the audio process, whose control thread must never hold up its worker.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(1e-4)
