"""The audio process: opens the device, runs the engine, ends when it is told.

``python -m rtdeclip.live.audio_process`` reads one JSON line (``LiveConfig``) from its
standard input, then tells on standard output, one JSON object a line, how it fares:
``building``, ``waiting`` (for a device), ``started``, ``ended``, ``error``. It ends on
SIGTERM, on the ``stop`` parameter and when its standard input closes, because then
its host is gone. It always ends: closing a stream of a dead JACK server hangs, so a
deadline stands behind every close.

Exit codes: 0 stopped as asked; 1 error, said in words; 75 (EX_TEMPFAIL) the device or
its server is gone, another try may work.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from rtdeclip.errors import DeviceError, RtdeclipError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.preparation import Preparation
from rtdeclip.live.realtime import lift_thread
from rtdeclip.live.tell import tell

DEVICE_LOST = 75
_STALL_S = 0.5
_STALL_BLOCKS = 10
_CLOSE_S = 1.0
_FADE_OUT_S = 0.03


class _Stop:
    """Why and whether to stop: set from signals, the device and the host."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.lost = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self.asked.set())
        # ctrl-C goes to the whole group; the host decides what it means.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._watch_host, daemon=True).start()

    def _watch_host(self) -> None:
        while os.read(0, 4096):
            pass
        self.asked.set()


class Session:
    """One stretch of sound from opening the device to closing it.

    Args:
        config: what to do.
        stop: when to end.
    """

    def __init__(self, config: LiveConfig, stop: _Stop) -> None:
        self._config, self._stop = config, stop

    def run(self) -> int:
        """Until the end; the exit code."""
        preparation = Preparation(self._config, self._stop.asked)
        # Takes its time, so the helpers are at work already.
        from rtdeclip.live.opening import open_session

        opened = open_session(self._config, preparation, self._device_stopped)
        if opened is None:
            return 0
        self._opened = opened
        tell(
            "started",
            telemetry=str(opened.file.path),
            info=opened.info,
            scheduler=opened.engine.granted.name,
            refused=opened.engine.granted.reason,
        )
        try:
            return self._watch()
        finally:
            self._end()

    def _device_stopped(self) -> None:
        self._stop.lost.set()

    def _watch(self) -> int:
        """The control loop."""
        opened = self._opened
        patience = max(_STALL_S, _STALL_BLOCKS * opened.period_s)
        since = time.monotonic_ns()
        while not self._stop.asked.is_set():
            if self._stop.asked.wait(opened.tick_s):
                break
            silent_ns = time.monotonic_ns() - max(opened.last_callback_ns, since)
            if silent_ns > 1e9 * patience:
                self._stop.lost.set()
            if self._stop.lost.is_set():
                return DEVICE_LOST
            if not opened.tick() or opened.finished:
                break
        return 0

    def _end(self) -> None:
        """Fade, stop, close; the process ends in time even if PortAudio hangs."""
        opened, lost = self._opened, self._stop.lost.is_set()
        if not lost:
            opened.fade_out()
            time.sleep(_FADE_OUT_S)
        summary = opened.summary()
        opened.file.close()
        opened.engine.stop_worker()
        tell("ended", **summary)
        if lost:
            return  # a stream whose server is gone cannot be closed, only left
        deadline = threading.Timer(_CLOSE_S, self._give_up)
        deadline.daemon = True
        deadline.start()
        opened.close()
        deadline.cancel()

    @staticmethod
    def _give_up() -> None:
        os._exit(DEVICE_LOST)


def _first_line() -> str:
    # Unbuffered: what follows belongs to the thread that waits for the end.
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            raise SystemExit(0)  # the host was gone before it said anything
        line += piece
    return line.decode()


def main() -> int:
    """Reads the configuration, runs the session; the exit code."""
    config = LiveConfig.from_json(_first_line())
    stop = _Stop()
    if config.wait_for_device and config.priority:
        lift_thread()  # a replacement: the sound is missing now
    Path(config.telemetry).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return Session(config, stop).run()
    except DeviceError as error:
        tell("error", message=str(error), kind="device")
    except RtdeclipError as error:
        tell("error", message=str(error), kind="usage")
    # The host shows it with the log; a device driver may fail in any way.
    except Exception as error:
        tell("error", message=f"{type(error).__name__}: {error}", kind="bug")
        raise
    return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # no destructor of PortAudio or JACK may hang the end
