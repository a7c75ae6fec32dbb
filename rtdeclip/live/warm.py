"""Kernels ready before the sound: what is compiled is known, what is not is shared out.

numba keeps compiled kernels on disk. After a new installation nothing is there, and
compiling all of it in turn takes longer than a user waits. So ``Helpers`` compile the
Stream's path and the processor in processes of their own, beside the audio process,
which compiles the callback and the worker.

A mark on disk says which processors have been compiled from these very sources. It is
a promise of speed only: where it is wrong, a start takes longer.

``python -m rtdeclip.live.warm NAME RATE`` is a helper; it ends when its standard input
closes.
"""

import functools
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtdeclip.stream.stream import Stream

PATH = "bypass"
"""Stands for the Stream without a processor: detection, consistency, limiter."""


def is_ready(processor: str) -> bool:
    """True if ``processor`` has been compiled here before."""
    try:
        return _mark(processor).read_text() == _sources()
    except OSError:
        return False


def mark_ready(processor: str) -> None:
    """Remembers that the kernels of ``processor`` are on disk."""
    mark = _mark(processor)
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(_sources())
    except OSError:  # a read-only home: the next start asks again
        return


def _mark(processor: str) -> Path:
    from platformdirs import user_cache_path

    given = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(given) if given else user_cache_path("rtdeclip")
    return place / "ready" / processor


@functools.cache
def _sources() -> str:
    """Changes with every edit of the package, with Python and with numba."""
    package = Path(__file__).parents[1]
    newest = max(file.stat().st_mtime_ns for file in package.rglob("*.py"))
    text = f"{package} {newest} {version('numba')} {sys.version}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Helpers:
    """Processes that compile; none where everything is ready.

    Args:
        processors: names; those that are ready need no helper.
        sample_rate: Hz.
    """

    def __init__(self, processors: Sequence[str], sample_rate: int) -> None:
        self._running = [
            subprocess.Popen(
                [sys.executable, "-m", "rtdeclip.live.warm", name, str(sample_rate)],
                stdin=subprocess.PIPE,  # closes when this process ends, however it ends
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for name in processors
            if not is_ready(name)
        ]

    def wait(self) -> None:
        """Until they have ended; one that failed leaves its work to the caller."""
        for helper in self._running:
            helper.wait()
            assert helper.stdin is not None
            helper.stdin.close()


def play_tone(stream: "Stream") -> None:
    """Runs a quarter of a second of clipped tone through ``stream``, and resets it."""
    import numpy as np

    t = np.arange(stream.sample_rate // 4) / stream.sample_rate
    tone = np.clip(0.9 * np.sin(2.0 * np.pi * 440.0 * t), -0.5, 0.5)
    block = np.repeat(tone[:, None], stream.n_channels, axis=1).astype(np.float32)
    for at in range(0, len(block) - stream.hop + 1, stream.hop):
        stream.process(np.ascontiguousarray(block[at : at + stream.hop]))
    stream.reset()


def _end_with_the_parent() -> None:
    while os.read(0, 64):
        pass
    os._exit(1)


def main() -> None:
    """A helper's work."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    name, rate = sys.argv[1], int(sys.argv[2])
    if name == PATH:
        from rtdeclip.stream.headroom import LiveHeadroom
        from rtdeclip.stream.stream import Stream

        play_tone(Stream(rate, 1, PATH, post=[LiveHeadroom(rate)]))
    else:
        from rtdeclip.stream.registry import find

        find(name).build(rate, 1)
    mark_ready(name)


if __name__ == "__main__":
    main()
