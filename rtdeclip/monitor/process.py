"""An audio process that the monitor started: its words, its end, its last resort."""

import json
import subprocess
import sys
import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from rtdeclip.live.config import LiveConfig

SOUND = "rtdeclip.live.audio_process"
DEMO = "rtdeclip.monitor.demo_source"


class AudioProcess:
    """A spawned audio process; it ends when its standard input closes.

    Args:
        config: travels as one JSON line.
        module: what to run: ``SOUND`` or ``DEMO``.
    """

    def __init__(self, config: LiveConfig, module: str = SOUND) -> None:
        self._said: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._errors: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin
        with suppress(OSError):  # it may have died at once; ``poll`` tells
            self._process.stdin.write(config.to_json() + "\n")
            self._process.stdin.flush()
        for listen in (self._listen, self._listen_errors):
            threading.Thread(target=listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with suppress(ValueError):
                self._said.put(json.loads(line))

    def _listen_errors(self) -> None:
        assert self._process.stderr
        self._errors.extend(line.strip() for line in self._process.stderr)

    def said(self) -> list[dict[str, Any]]:
        """Its JSON lines since the last call."""
        lines = []
        with suppress(Empty):
            while True:
                lines.append(self._said.get_nowait())
        return lines

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        return next((line for line in reversed(self._errors) if line), "")

    def ask_to_stop(self) -> None:
        """Closes its standard input; it fades out and ends by itself."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()

    def end(self, patience_s: float = 2.0) -> None:
        """Ends it for certain: asks, then insists."""
        self.ask_to_stop()
        for insist in (self._process.terminate, self._process.kill):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
                return
            insist()
        self._process.wait()
