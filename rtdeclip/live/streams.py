"""PortAudio's streams of a session: one duplex, or two where there are two clocks.

Their callbacks are compiled; where that cannot be, Python's take their place, chosen
once at the start and said to the user.
"""

import time
from collections.abc import Callable
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live import drift
from rtdeclip.live import ring as r
from rtdeclip.live.callback import compile_callback, exchange
from rtdeclip.live.endpoints import Endpoints
from rtdeclip.live.engine import Engine
from rtdeclip.live.portaudio import NativeStream, PythonStream, sounddevice
from rtdeclip.types import Samples


class Streams:
    """Open, not yet started.

    Args:
        engine: what the callbacks feed.
        where: the devices.
        finished: called when a device stops by itself.
        python: do without compiled callbacks.
        say: told in words where none can be compiled.

    Attributes:
        compiled: no Python runs in the callbacks.

    Raises:
        DeviceError: a device does not open this way.
    """

    def __init__(
        self,
        engine: Engine,
        where: Endpoints,
        finished: Callable[[], None],
        python: bool,
        say: Callable[[str], None],
    ) -> None:
        self._engine, self._where, self._finished = engine, where, finished
        self._say = say
        compilers = compile_callback if where.one_clock else drift.compile_callbacks
        made = None if python else self._compile(compilers)
        self.compiled = made is not None
        try:
            self._streams = self._open(made)
        except sounddevice().PortAudioError as error:
            raise DeviceError(
                f"The device {(where.source or where.sink).name!r} → "
                f"{where.sink.name!r} does not open at {where.sample_rate} Hz, block "
                f"{where.block}: {error}. Try another --rate or --block, or see: "
                "rtdeclip doctor"
            ) from error

    def start(self) -> None:
        """Sound runs from here: output first, so that no input waits for it.

        Raises:
            DeviceError: a device opens but does not start.
        """
        try:
            for stream in reversed(self._streams):
                stream.start()
        except sounddevice().PortAudioError as error:
            raise DeviceError(
                f"The device {self._where.sink.name!r} opens but does not start: "
                f"{error}. Close what else uses it, or see: rtdeclip doctor"
            ) from error

    def close(self) -> None:
        """Stops and frees; may hang when a device's server has died."""
        for stream in self._streams:
            stream.close()

    @property
    def latency_s(self) -> tuple[float, float]:
        """Of input and output, as the drivers state them, seconds."""
        return self._streams[0].latency_s[0], self._streams[-1].latency_s[1]

    def _compile(self, make: Callable[[], Any]) -> Any | None:
        try:
            return make()
        # numba or the C library of an untested platform may fail in any way.
        except Exception as error:
            self._say(
                f"No compiled callback on this machine ({error}): Python's is used, "
                "which a busy program may hold up. A larger --block (1024) helps."
            )
            return None

    def _open(self, compiled: Any) -> list[NativeStream]:
        d, layout = self._where, self._engine.layout
        wide = len(layout.out_map)
        if d.one_clock and d.source is None:
            call = compiled or self._output_only
            return [self._stream("output", d.sink.index, wide, d.sample_rate, call)]
        assert d.source is not None
        ends = (d.source.index, d.sink.index)
        if d.one_clock:
            both = (layout.in_channels, wide)
            call = compiled or self._duplex
            return [self._stream("duplex", ends, both, d.sample_rate, call)]
        take, give = compiled or (self._take, self._give)
        return [
            self._stream("input", ends[0], layout.in_channels, d.sample_rate, take),
            self._stream("output", ends[1], wide, d.out_rate, give),
        ]

    def _stream(
        self, kind: str, device: Any, channels: Any, rate: int, call: Any
    ) -> NativeStream:
        d = self._where
        form = (kind, device, channels, rate, d.block, call)
        if not self.compiled:
            return PythonStream(*form, d.latency, self._finished)
        address = self._engine.memory.address
        return NativeStream(*form, address, d.latency, self._finished)

    # Python's callbacks: the same kernels, but under the interpreter's lock.

    def _duplex(
        self, incoming: Samples, outgoing: Samples, n: int, _at: Any, flags: Any
    ) -> None:
        bits = (
            flags.input_underflow
            | flags.input_overflow << 1
            | flags.output_underflow << 2
            | flags.output_overflow << 3
        )
        now = time.monotonic_ns()
        block = self._engine.memory.block
        exchange(block, incoming.reshape(-1), outgoing.reshape(-1), n, now, bits)
        self._engine.worker.wake()

    def _output_only(self, outgoing: Samples, n: int, at: Any, flags: Any) -> None:
        self._duplex(outgoing, outgoing, n, at, flags)

    def _take(self, incoming: Samples, n: int, _at: Any, flags: Any) -> None:
        words = self._engine.memory.words
        words[r.INPUT_UNDERFLOWS] += flags.input_underflow
        words[r.INPUT_OVERFLOWS] += flags.input_overflow
        block = self._engine.memory.block
        drift.take_input(block, incoming.reshape(-1), n, time.monotonic_ns())
        self._engine.worker.wake()

    def _give(self, outgoing: Samples, n: int, _at: Any, flags: Any) -> None:
        bits = flags.output_underflow << 2 | flags.output_overflow << 3
        block = self._engine.memory.block
        drift.give_output(block, outgoing.reshape(-1), n, time.monotonic_ns(), bits)
