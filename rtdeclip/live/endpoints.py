"""The devices of a session: found by name, waited for, their rates and clocks."""

import math
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live import jack
from rtdeclip.live.config import LiveConfig
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
from rtdeclip.live.portaudio import scan_again
from rtdeclip.live.tell import tell

RETRY_S = 0.2
PULSE_LATENCY_S = 0.05


@dataclass(frozen=True, slots=True)
class Endpoints:
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


def find_endpoints(config: LiveConfig) -> Endpoints:
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
    return Endpoints(source, sink, rate, block, latency, one_clock, out_rate, extra)


def wait_for_endpoints(config: LiveConfig, asked: threading.Event) -> Endpoints | None:
    """The same, waiting for a missing device if ``config`` says so.

    Returns:
        None if the end was asked for meanwhile.

    Raises:
        DeviceError: as ``find_endpoints``, where there is nothing to wait for.
    """
    said = False
    while not asked.is_set():
        try:
            return find_endpoints(config)
        except DeviceError as error:
            if not config.wait_for_device:
                raise
            if not said:
                tell("waiting", message=str(error))
                said = True
            tell("alive")
        asked.wait(RETRY_S)
        scan_again()
    return None


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
