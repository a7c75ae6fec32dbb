"""A helper process that answers in JSON lines; the window asks now and then."""

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any


class JsonChild:
    """Runs ``python -m MODULE ARGUMENTS`` and collects the objects that it prints.

    Anything heavy (compiled kernels, sound libraries, files) is loaded there, so that
    the window opens at once and nothing of it can crash the window.

    Args:
        module: with a ``__main__`` part.
        arguments: of its command line.
    """

    def __init__(self, module: str, arguments: Sequence[str] = ()) -> None:
        self._said: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._errors: deque[str] = deque(maxlen=20)
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._threads = [
            threading.Thread(target=listen, daemon=True)
            for listen in (self._listen, self._listen_errors)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def _listen(self) -> None:
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # libraries chatter here too
                    content = json.loads(line)
                    if isinstance(content, dict):
                        self._said.put(content)

    def _listen_errors(self) -> None:
        assert self._process.stderr
        with self._process.stderr as lines:
            self._errors.extend(line.strip() for line in lines)

    def said(self) -> list[dict[str, Any]]:
        """Its objects since the last call."""
        found = []
        with suppress(Empty):
            while True:
                found.append(self._said.get_nowait())
        return found

    @property
    def exit_code(self) -> int | None:
        """None until it has ended and all that it said is there."""
        code = self._process.poll()
        if code is not None:
            for thread in self._threads:
                thread.join(1.0)
        return code

    @property
    def last_words(self) -> str:
        """The last line of its standard error."""
        return next((line for line in reversed(self._errors) if line), "")

    def end(self) -> None:
        """Stops it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(1.0)
