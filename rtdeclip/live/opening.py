"""From a configuration to running sound: devices, engine, telemetry, stream."""

import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live import drift, jack
from rtdeclip.live import ring as r
from rtdeclip.live.callback import compile_callback, exchange
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.control import TICK_S, Controller
from rtdeclip.live.devices import (
    Device,
    alsa_device,
    choose,
    is_loudspeaker_feedback,
    portaudio_devices,
    pulse_devices,
    route_pulse,
    share_a_clock,
)
from rtdeclip.live.engine import Engine, build_stream, plan_layout, warm_stream
from rtdeclip.live.feedback import FeedbackGuard
from rtdeclip.live.file_source import Feeder, FileReader, scan_levels
from rtdeclip.live.measure import SequenceStream
from rtdeclip.live.portaudio import NativeStream, PythonStream, scan_again, sounddevice
from rtdeclip.live.realtime import lift_thread, quiet_interpreter
from rtdeclip.live.telemetry import TelemetryFile
from rtdeclip.live.tell import tell
from rtdeclip.live.worker import warm_kernels
from rtdeclip.stream.headroom import LiveHeadroom, from_db
from rtdeclip.stream.registry import listings
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples

_RETRY_S = 0.2
_SANE_LATENCY_S = 5.0
"""PortAudio's JACK API, as Debian builds it, states 89478480 s."""
PULSE_LATENCY_S = 0.05


@dataclass(frozen=True, slots=True)
class Devices:
    """What a session runs on.

    Args:
        source: input, None for a file.
        sink: output.
        sample_rate: Hz.
        block: samples per callback.
        latency: asked of PortAudio.
        one_clock: one duplex stream will do.
        out_rate: of the sink, Hz; counts where it has a clock of its own.
        extra_periods: device periods a hop may take beyond the first.
    """

    source: Device | None
    sink: Device
    sample_rate: int
    block: int
    latency: float | str
    one_clock: bool
    out_rate: int
    extra_periods: int


def find_devices(config: LiveConfig) -> Devices:
    """The devices a configuration names, as they are now.

    Raises:
        DeviceError: one is missing, or the default microphone would be heard in the
            default loudspeakers.
    """
    have = portaudio_devices() + pulse_devices()
    sink = choose(config.output, "output", have)
    source = None if config.file else choose(config.input, "input", have)
    if source and not config.monitor_speakers and is_loudspeaker_feedback(source, sink):
        raise DeviceError(
            f"The default microphone ({source.name}) would be heard in the default "
            f"loudspeakers ({sink.name}) and howl. Use headphones and add "
            "--monitor-speakers, or send the sound to a virtual microphone instead: "
            "--virtual-mic"
        )
    rate = config.sample_rate or (source or sink).sample_rate
    one_clock = source is None or share_a_clock(source, sink)
    if config.clocks != "auto":
        one_clock = config.clocks == "one"
    latency: float | str = config.device_latency or "low"
    if config.device_latency is None and sink.index < 0:
        latency = PULSE_LATENCY_S
    source, sink = _through_alsa(source, sink, alsa_path(config))
    block = _native_block(config.block, sink)
    out_rate = config.sample_rate or sink.sample_rate
    extra = replace(config, block=block).periods
    if config.extra_periods is None and isinstance(latency, float) and block:
        # A sound server hands out what has gathered in its buffer, callback upon
        # callback, with no time between them for a hop.
        extra = max(extra, math.ceil(latency * rate / block))
    return Devices(source, sink, rate, block, latency, one_clock, out_rate, extra)


def alsa_path(config: LiveConfig) -> Path:
    """Where the private ALSA configuration lies; ALSA reads it at every opening."""
    return Path(config.telemetry).with_suffix(".asound")


def _native_block(wanted: int, sink: Device) -> int:
    """JACK's own period: any other block would be adapted by one more buffer."""
    if sink.system == jack.HOST_API and (server := jack.server()):
        return server.period
    return wanted


def _through_alsa(
    source: Device | None, sink: Device, path: Path
) -> tuple[Device | None, Device]:
    """A sound server's own sink or source becomes an ALSA device of ours."""
    targets: dict[Any, Device] = {"output": sink}
    if source:
        targets["input"] = source
    if all(device.index >= 0 for device in targets.values()):
        return source, sink
    route_pulse(targets, path)
    os.environ["ALSA_CONFIG_PATH"] = str(path)
    scan_again()
    for direction, device in targets.items():
        if device.index < 0:
            targets[direction] = replace(device, index=alsa_device(direction).index)
    return targets.get("input"), targets["output"]


class Opened:
    """A session whose stream is open but not yet started.

    Args:
        config: the session's options.
        devices: what it runs on.
        stream: the Stream, warm, or a measuring sequence.
        headroom: its last stage.
        reader: of a file source, at the device's rate.
        finished: called when the device stops by itself.
    """

    def __init__(
        self,
        config: LiveConfig,
        devices: Devices,
        stream: Stream | SequenceStream,
        headroom: LiveHeadroom | None,
        reader: FileReader | None,
        finished: Callable[[], None],
    ) -> None:
        self._config = config = replace(
            config, block=devices.block, extra_periods=devices.extra_periods
        )
        self._devices = devices
        inputs = devices.source.inputs if devices.source else stream.n_channels
        layout = plan_layout(config, inputs, devices.sink.outputs)
        rate = devices.sample_rate
        self.file = TelemetryFile(
            Path(config.telemetry), rate, layout.n_channels, stream.hop, devices.block
        )
        self.engine = Engine(
            config,
            layout,
            stream,
            rate,
            headroom,
            scope=self.file.scope,
            out_rate=None if devices.one_clock else devices.out_rate,
        )
        self.locked = self.engine.memory.lock()
        self._feeder = None
        if reader:
            self._feeder = Feeder(
                reader, self.engine.memory, config.loop, config.start_s
            )
            self.file.fields["recording_end"] = reader.n_samples
        try:
            self._streams = self._open_streams(finished)
        except DeviceError:
            self.file.close()
            raise
        self._book_latency()
        self.period_s = devices.block / rate
        self.tick_s = TICK_S
        self.finished = False
        ceiling = from_db(config.ceiling_db) if headroom else 1.0
        guard = None if config.file else FeedbackGuard(ceiling)
        names = [n for n, entry in listings("processors").items() if entry.method]
        self.info = self._describe(names)
        self.file.set_info(self.info)
        self._controller = Controller(
            self.engine,
            self.file,
            config,
            self.info,
            seek=self._feeder.seek if self._feeder else None,
            guard=guard,
        )
        self._controller.publish("starting")

    def start(self) -> None:
        """The worker first, so that no hop waits for it; then the device."""
        if self._feeder:
            self._feeder.start()
        self.engine.start_worker()
        sd = sounddevice()
        try:
            for stream in reversed(self._streams):
                stream.start()
        except sd.PortAudioError as error:
            self.engine.stop_worker()
            self.close()
            self.file.close()
            raise DeviceError(
                f"The device {self._devices.sink.name!r} opens but does not start: "
                f"{error}. Close what else uses it, or see: rtdeclip doctor"
            ) from error

    def tick(self) -> bool:
        """One round of control; False when a host has asked to stop."""
        played = int(self.engine.memory.words[r.PLAYED])
        limit = self._config.duration_s
        if limit is not None and played >= limit * self._devices.sample_rate:
            self.finished = True
        if self._feeder:
            self._tick_file(self._feeder, played)
        stream = self.engine.stream
        if isinstance(stream, SequenceStream) and stream.done:
            self.finished = True
        return self._controller.tick()

    def _tick_file(self, feeder: Feeder, played: int) -> None:
        feeder.paused = self.file.parameter("pause") > 0
        self.file.fields["file_position"] = feeder.file_position()
        if feeder.end is not None and played >= feeder.end:
            self.finished = True

    @property
    def last_callback_ns(self) -> int:
        """CLOCK_MONOTONIC of the last callback, of both if there are two; 0: none."""
        words = self.engine.memory.words
        if self._devices.one_clock:
            return int(words[r.LAST_NS])
        return int(min(words[r.LAST_NS], words[r.CLOCK_NS]))

    def fade_out(self) -> None:
        """Let the sound end without a click."""
        self.engine.memory.fade_to(0.0, 0.02)

    def summary(self) -> dict[str, Any]:
        """The last status, for the host's farewell."""
        self._controller.publish("ended")
        fields = self.file.fields[0]
        found = {name: fields[name].tolist() for name in fields.dtype.names or ()}
        found["state"] = "ended"
        found["processor"] = self.info["processors"][found["processor"]]
        stream = self.engine.stream
        if isinstance(stream, SequenceStream):
            found["round_trip"] = asdict(stream.round_trip())
        return found

    def close(self) -> None:
        """Closes the device; may hang when its server has died."""
        if self._feeder:
            self._feeder.stop()
        for stream in self._streams:
            stream.close()
        alsa_path(self._config).unlink(missing_ok=True)

    def _open_streams(self, finished: Callable[[], None]) -> list[NativeStream]:
        sd = sounddevice()
        try:
            if self._devices.one_clock:
                return [self._open_duplex(finished)]
            return self._open_pair(finished)
        except sd.PortAudioError as error:
            d = self._devices
            raise DeviceError(
                f"The device {(d.source or d.sink).name!r} → {d.sink.name!r} does not "
                f"open at {d.sample_rate} Hz, block {d.block}: {error}. "
                "Try another --rate or --block, or see: rtdeclip doctor"
            ) from error

    def _open_duplex(self, finished: Callable[[], None]) -> NativeStream:
        d, layout = self._devices, self.engine.layout
        wide = len(layout.out_map)
        where: tuple[str, Any, Any] = ("output", d.sink.index, wide)
        if d.source:
            pair = (d.source.index, d.sink.index)
            where = ("duplex", pair, (layout.in_channels, wide))
        common = (*where, d.sample_rate, d.block)
        callback = self._compiled(compile_callback)
        if callback is None:
            python = self._python_duplex if d.source else self._python_output
            return PythonStream(*common, python, d.latency, finished)
        address = self.engine.memory.address
        return NativeStream(*common, callback, address, d.latency, finished)

    def _open_pair(self, finished: Callable[[], None]) -> list[NativeStream]:
        """Input and output as streams of their own, each with its own clock."""
        d, layout = self._devices, self.engine.layout
        assert d.source is not None
        source = ("input", d.source.index, layout.in_channels, d.sample_rate, d.block)
        sink = ("output", d.sink.index, len(layout.out_map), d.out_rate, d.block)
        callbacks = self._compiled(drift.compile_callbacks)
        if callbacks is None:
            return [
                PythonStream(*source, self._python_take, d.latency, finished),
                PythonStream(*sink, self._python_give, d.latency, finished),
            ]
        address = self.engine.memory.address
        take, give = callbacks
        return [
            NativeStream(*source, take, address, d.latency, finished),
            NativeStream(*sink, give, address, d.latency, finished),
        ]

    def _compiled(self, make: Callable[[], Any]) -> Any | None:
        if self._config.python_callback:
            return None
        try:
            return make()
        # numba or the C library of an untested platform may fail in any way.
        except Exception as error:
            tell("note", text=f"no compiled callback here ({error}); using Python's")
            return None

    def _python_duplex(
        self, incoming: Samples, outgoing: Samples, n: int, _time: Any, flags: Any
    ) -> None:
        """``exchange`` from Python: needs the interpreter's lock, so it may be late."""
        bits = (
            flags.input_underflow
            | flags.input_overflow << 1
            | flags.output_underflow << 2
            | flags.output_overflow << 3
        )
        now = time.monotonic_ns()
        block = self.engine.memory.block
        exchange(block, incoming.reshape(-1), outgoing.reshape(-1), n, now, bits)
        self.engine.worker.wake()

    def _python_output(self, outgoing: Samples, n: int, at: Any, flags: Any) -> None:
        self._python_duplex(outgoing, outgoing, n, at, flags)

    def _python_take(self, incoming: Samples, n: int, at: Any, flags: Any) -> None:
        words = self.engine.memory.words
        words[r.INPUT_UNDERFLOWS] += flags.input_underflow
        words[r.INPUT_OVERFLOWS] += flags.input_overflow
        block = self.engine.memory.block
        drift.take_input(block, incoming.reshape(-1), n, time.monotonic_ns())
        self.engine.worker.wake()

    def _python_give(self, outgoing: Samples, n: int, at: Any, flags: Any) -> None:
        bits = flags.output_underflow << 2 | flags.output_overflow << 3
        block = self.engine.memory.block
        drift.give_output(block, outgoing.reshape(-1), n, time.monotonic_ns(), bits)

    def _book_latency(self) -> None:
        d = self._devices
        stated = (self._streams[0].latency_s[0], self._streams[-1].latency_s[1])
        sane = all(0.0 < s < _SANE_LATENCY_S for s in stated)
        if not sane:
            stated = (d.block / d.sample_rate,) * 2
        self.engine.budget = replace(
            self.engine.budget,
            device_in_samples=round(stated[0] * d.sample_rate) if d.source else 0,
            device_out_samples=round(stated[1] * d.sample_rate),
            estimated=not sane,
        )
        self.file.fields["device_in_ms"] = 1e3 * stated[0] if d.source else 0.0
        self.file.fields["device_out_ms"] = 1e3 * stated[1]

    def _describe(self, processors: list[str]) -> dict[str, Any]:
        d, budget = self._devices, self.engine.budget
        return {
            "input": d.source.name if d.source else self._config.file,
            "output": d.sink.name,
            "system": d.sink.system,
            "sample_rate": d.sample_rate,
            "n_channels": self.engine.layout.n_channels,
            "block": d.block,
            "hop": self.engine.stream.hop,
            "latency_rows": budget.rows(),
            "latency_samples": budget.total_samples,
            "latency_text": budget.sentence(),
            "processors": processors,
            "config": asdict(self._config),
            "memory_locked": self.locked,
            "one_clock": d.one_clock,
        }


def open_session(
    config: LiveConfig, asked: threading.Event, finished: Callable[[], None]
) -> Opened | None:
    """Running sound; None if the end was asked for meanwhile.

    Raises:
        DeviceError: no such device (unless it is to be waited for), or it is refused.
        SettingError, PluginError, ModelError: the processor cannot be had.
    """
    tell("building", processor=config.processor)
    ready, shape = None, (0, 0)
    if all(config.expect):
        ready, shape = _prepare(config, *config.expect), config.expect
    while (devices := _wait_for_devices(config, asked)) is not None:
        reader = None
        inputs = devices.source.inputs if devices.source else 0
        if config.file:
            reader = FileReader(Path(config.file), devices.sample_rate)
            inputs = reader.n_channels
        n_channels = plan_layout(config, inputs, devices.sink.outputs).n_channels
        if ready is None or shape != (devices.sample_rate, n_channels):
            shape = (devices.sample_rate, n_channels)
            ready = _prepare(config, *shape)
        quiet_interpreter()
        tell("opening", device=devices.sink.name)
        try:
            opened = Opened(config, devices, *ready, reader, finished)
            opened.start()
            if config.priority:
                lift_thread()
            return opened
        except DeviceError:
            if not config.wait_for_device:
                raise
        asked.wait(_RETRY_S)
        scan_again()
    return None


def _prepare(
    config: LiveConfig, sample_rate: int, n_channels: int
) -> tuple[Stream | SequenceStream, LiveHeadroom | None]:
    if config.purpose == "measure":
        warm_kernels()
        hop = config.hop or config.block
        return SequenceStream(sample_rate, n_channels, hop), None
    levels = None
    if config.file and config.scan:
        levels = scan_levels(Path(config.file), sample_rate)
    stream, headroom = build_stream(config, sample_rate, n_channels, levels)
    warm_stream(stream)
    return stream, headroom


def _wait_for_devices(config: LiveConfig, asked: threading.Event) -> Devices | None:
    said = False
    while not asked.is_set():
        try:
            return find_devices(config)
        except DeviceError as error:
            if not config.wait_for_device:
                raise
            if not said:
                tell("waiting", message=str(error))
                said = True
        asked.wait(_RETRY_S)
        scan_again()
    return None
