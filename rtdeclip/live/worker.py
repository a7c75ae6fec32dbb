"""The worker: takes whole hops from the capture ring, publishes what Stream makes.

It runs in one thread of the audio process, real-time if the system allows. Waiting,
copying, meters and scope are kernels that hold no interpreter lock; between them the
thread is in Python only to call ``Stream.process``.

The worker never looks back: a hop whose samples have all been played (dry) is left
out, so that after a stall of any length it is on time again with the next hop.
"""

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rtdeclip.live import ring as r
from rtdeclip.live.hop_kernels import begin_hop, book, finish_hop, wait_for
from rtdeclip.live.ring import EngineMemory
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples, Signs


class BlockProcessor(Protocol):
    """What the worker asks of a Stream."""

    hop: int
    latency_samples: int
    n_channels: int

    @property
    def clips(self) -> Sequence[Clip]:
        """Masks and levels of the last block, per channel."""
        ...

    def process(self, block: Samples) -> Samples:
        """``(hop, n_channels)`` float32 in and out, ``latency_samples`` late."""
        ...

    def reset(self) -> None:
        """Forget all audio."""
        ...


Scope = tuple[Samples, Samples, Signs, NDArray[np.int64]]


def private_scope(n_channels: int, n_samples: int = 1 << 12) -> Scope:
    """Scope rings that nobody reads, for an engine without a telemetry file."""
    shape = (n_samples, n_channels)
    return (
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.int8),
        np.zeros(2, np.int64),
    )


class _Identity:
    """The plainest stream."""

    hop = 1
    latency_samples = 0
    n_channels = 1
    clips = (Clip(1),)

    def process(self, block: Samples) -> Samples:
        return block

    def reset(self) -> None:
        pass


def warm_kernels() -> None:
    """Compiles, or loads from the cache, all that the worker will call."""
    memory = EngineMemory(1, 1, (0,), (0,), 1, 1, 1, 0, 1)
    memory.words[r.CAPTURED] = 1
    wait_for(memory.words, 1)
    Worker(memory, _Identity()).step()


class Worker:
    """Feeds one Stream from the capture ring, hop after hop.

    Args:
        memory: the engine's block; its hop and latencies are the Stream's.
        stream: what processes.
        scope: rings dry, wet, sign and their ends (``TelemetryFile.scope``).
        before_hop: called between hops, in the worker's thread: the place where
            bypass, wet and prepared processors are handed to the Stream.
        clock_ns: monotonic clock; the simulated one in tests.
    """

    def __init__(
        self,
        memory: EngineMemory,
        stream: BlockProcessor,
        scope: Scope | None = None,
        before_hop: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.stream = stream
        self.hop_number = 0
        self.faults = 0
        self.last_fault = ""
        self._memory = memory
        self._scope = scope or private_scope(stream.n_channels)
        self._before_hop = before_hop
        self._clock_ns = clock_ns
        self._block = np.zeros((stream.hop, stream.n_channels), np.float32)
        self._sign = np.zeros((stream.n_channels, stream.hop), np.int8)
        self._stopping = threading.Event()
        self._init_semaphore()

    def _init_semaphore(self) -> None:
        # Unnamed semaphores: Linux. Elsewhere the worker is woken another way.
        self._post: Callable[[], Any] | None = None
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            place = ctypes.c_void_p(self._memory.address + 8 * r.SEMAPHORE)
            self._has_semaphore = libc.sem_init(place, 0, 0) == 0
            self._post = lambda: libc.sem_post(place)
        except (OSError, AttributeError, TypeError):
            self._has_semaphore = False

    def wake(self) -> None:
        """What a Python callback does after ``exchange``; compiled ones post."""
        if self._post:
            self._post()

    def step(self) -> bool:
        """Processes one hop if one is whole; False if there is none."""
        return self._step(waited=False)

    def run(self) -> None:
        """Processes until ``stop``; the body of the worker's thread."""
        words = self._memory.words
        hop = self.stream.hop
        while not self._stopping.is_set():
            waited = words[r.CAPTURED] < (self.hop_number + 1) * hop
            if waited and not self._sleep((self.hop_number + 1) * hop):
                continue
            self._step(waited)

    def _sleep(self, until: int) -> bool:
        words = self._memory.words
        if self._has_semaphore:
            return bool(wait_for(words, until))
        time.sleep(1e-9 * int(words[r.PERIOD_NS]) / 4)  # no semaphore: poll
        return bool(words[r.CAPTURED] >= until)

    def stop(self) -> None:
        """Lets ``run`` return after the hop in hand."""
        self._stopping.set()
        self.wake()

    def _step(self, waited: bool) -> bool:
        memory, words = self._memory, self._memory.words
        begin = self._clock_ns()
        wake_ns = begin - int(words[r.POSTED_NS]) if waited else -1
        # A stream may be changed between hops only; what is taken now it has not seen.
        k = begin_hop(words, memory.reals, memory.capture, self._block, self.hop_number)
        if k < 0:
            self.hop_number = -1 - k
            return False
        self.hop_number = k
        if self._before_hop:
            self._before_hop()
        out = self._process()
        if out is not None:
            for c, clip in enumerate(self.stream.clips):
                self._sign[c] = clip.sign
            finish_hop(
                words,
                memory.reals,
                memory.capture,
                memory.playback,
                out,
                self._sign,
                k,
                *self._scope,
            )
        book(words, memory.wake, memory.rtf, wake_ns, self._clock_ns() - begin)
        self.hop_number = k + 1
        return True

    def _process(self) -> Samples | None:
        try:
            return self.stream.process(self._block)
        # Whatever a plug-in's effect may raise: this hop is played dry, and as the
        # stream has lost its place, so is what it would still have had to give.
        except Exception as error:
            self.faults += 1
            self.last_fault = f"{type(error).__name__}: {error}"
            self.stream.reset()
            self._memory.words[r.VALID_FROM] = (self.hop_number + 1) * self.stream.hop
            return None
