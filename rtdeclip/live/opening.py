"""From a configuration to running sound: devices, engine, telemetry, stream."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live import ring as r
from rtdeclip.live.config import LIVE_PROCESSOR, LiveConfig
from rtdeclip.live.control import TICK_S, Controller
from rtdeclip.live.endpoints import (
    RETRY_S,
    Endpoints,
    alsa_path,
    wait_for_endpoints,
)
from rtdeclip.live.engine import Engine, plan_layout
from rtdeclip.live.feedback import FeedbackGuard
from rtdeclip.live.file_source import Feeder, FileReader
from rtdeclip.live.measure import SequenceStream
from rtdeclip.live.portaudio import scan_again
from rtdeclip.live.preparation import STAND_IN, Preparation, Prepared
from rtdeclip.live.realtime import lift_thread, quiet_interpreter
from rtdeclip.live.streams import Streams
from rtdeclip.live.telemetry import TelemetryFile
from rtdeclip.live.tell import tell
from rtdeclip.stream.headroom import from_db
from rtdeclip.stream.registry import listings

_SANE_LATENCY_S = 5.0
"""PortAudio's JACK API, as Debian builds it, states 89478480 s."""
_STANDS_IN = (
    f"first start: {STAND_IN} restores until the kernels of {LIVE_PROCESSOR} are "
    "compiled, then it takes over"
)


class Opened:
    """A session whose stream is open but not yet started.

    Args:
        config: the session's options.
        devices: what it runs on.
        prepared: the Stream, warm, and its last stage.
        reader: of a file source, at the device's rate.
        finished: called when the device stops by itself.
    """

    def __init__(
        self,
        config: LiveConfig,
        devices: Endpoints,
        prepared: Prepared,
        reader: FileReader | None,
        finished: Callable[[], None],
    ) -> None:
        self._config = config = replace(
            config, block=devices.block, extra_periods=devices.extra_periods
        )
        self._devices = devices
        stream, headroom = prepared.stream, prepared.headroom
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
            self._streams = Streams(
                self.engine, devices, finished, config.python_callback, _note
            )
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
        try:
            self._streams.start()
        except DeviceError:
            self.engine.stop_worker()
            self.close()
            self.file.close()
            raise

    def say(self, text: str) -> None:
        """Tells the hosts something that happened."""
        self.file.say(text, int(self.engine.memory.words[r.CAPTURED]))

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
        self._streams.close()
        alsa_path(self._config).unlink(missing_ok=True)

    def _book_latency(self) -> None:
        d = self._devices
        stated = self._streams.latency_s
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
            "compiled_callback": self._streams.compiled,
            "one_clock": d.one_clock,
        }


def open_session(
    config: LiveConfig, preparation: Preparation, finished: Callable[[], None]
) -> Opened | None:
    """Running sound; None if the end was asked for meanwhile.

    Args:
        config: the session's options.
        preparation: begun, and asked for what the devices need.
        finished: called when the device stops by itself.

    Raises:
        DeviceError: no such device (unless it is to be waited for), or it is refused.
        SettingError, PluginError, ModelError: the processor cannot be had.
    """
    asked = preparation.asked
    tell("building", processor=config.processor)
    if all(config.expect):
        preparation.ready(*config.expect)
    while (devices := wait_for_endpoints(config, asked)) is not None:
        reader = None
        inputs = devices.source.inputs if devices.source else 0
        if config.file:
            reader = FileReader(Path(config.file), devices.sample_rate)
            inputs = reader.n_channels
        n_channels = plan_layout(config, inputs, devices.sink.outputs).n_channels
        prepared = preparation.ready(devices.sample_rate, n_channels)
        quiet_interpreter()
        tell("opening", device=devices.sink.name)
        if config.priority:
            lift_thread()
        try:
            opened = Opened(config, devices, prepared, reader, finished)
            opened.start()
            if prepared.stands_in:
                opened.say(_STANDS_IN)
                preparation.relieve(opened.file.path)
            return opened
        except DeviceError:
            if not config.wait_for_device:
                raise
        asked.wait(RETRY_S)
        scan_again()
    return None


def _note(text: str) -> None:
    tell("note", text=text)
