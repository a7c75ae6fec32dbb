"""Sound devices by name: PortAudio's, and the sound server's own sinks and sources.

PortAudio sees a PulseAudio or PipeWire server as one device; its sinks and sources
are reached through ALSA's pulse plug-in, for which ``route_pulse`` writes a private
ALSA configuration. Indices shift when devices come and go, names do not: a session
keeps the name and looks it up again after every reconnect.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rtdeclip.errors import DeviceError
from rtdeclip.live.portaudio import sounddevice

Direction = Literal["input", "output"]
PULSE = "pulse:"
_ALSA_NAMES: dict[Direction, str] = {"input": "rtdeclip_in", "output": "rtdeclip_out"}


@dataclass(frozen=True, slots=True)
class Device:
    """One device as the user may name it.

    Args:
        name: as the system calls it.
        system: PortAudio's host API, or ``PulseAudio`` for a server's own.
        index: PortAudio's, now; −1 for a server's own.
        inputs: channels in.
        outputs: channels out.
        sample_rate: its own, Hz.
        default_input: the system's choice for input.
        default_output: the system's choice for output.
    """

    name: str
    system: str
    index: int
    inputs: int
    outputs: int
    sample_rate: int
    default_input: bool = False
    default_output: bool = False

    def channels(self, direction: Direction) -> int:
        """How many channels it has that way."""
        return self.inputs if direction == "input" else self.outputs


def list_devices() -> list[Device]:
    """All devices, PortAudio's first, then the sound server's.

    Raises:
        MissingExtraError: PortAudio is not installed.
    """
    return portaudio_devices() + pulse_devices()


def portaudio_devices() -> list[Device]:
    """What PortAudio lists now."""
    sd = sounddevice()
    apis = [api["name"] for api in sd.query_hostapis()]
    default_in, default_out = (int(i) for i in sd.default.device)
    return [
        Device(
            d["name"],
            apis[d["hostapi"]],
            i,
            d["max_input_channels"],
            d["max_output_channels"],
            round(d["default_samplerate"]),
            i == default_in,
            i == default_out,
        )
        for i, d in enumerate(sd.query_devices())
    ]


def pulse_devices() -> list[Device]:
    """Sinks and sources of PulseAudio or PipeWire; none without ``pactl``."""
    found = []
    chosen = {run_pactl(f"get-default-{kind}").strip() for kind in ("sink", "source")}
    for kind in ("sinks", "sources"):
        for line in run_pactl("list", "short", kind).splitlines():
            parts = line.split("\t")
            if len(parts) < 4:
                continue
            _, channels, rate = [*parts[3].split(), "", "0ch", "0Hz"][:3]
            n = int(channels.removesuffix("ch") or 0)
            found.append(
                Device(
                    parts[1],
                    "PulseAudio",
                    -1,
                    n if kind == "sources" else 0,
                    n if kind == "sinks" else 0,
                    int(rate.removesuffix("Hz") or 0),
                    kind == "sources" and parts[1] in chosen,
                    kind == "sinks" and parts[1] in chosen,
                )
            )
    return found


def run_pactl(*words: str) -> str:
    """What ``pactl`` prints; empty where it or its server is missing."""
    if not shutil.which("pactl"):
        return ""
    try:
        done = subprocess.run(
            ["pactl", *words], capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def choose(name: str, direction: Direction, devices: list[Device]) -> Device:
    """The device meant by ``name``.

    Args:
        name: index, ``default``, ``pulse:NAME``, the name, or a part of
            ``name, system`` in any case.
        direction: what it must be able to do.
        devices: to choose from.

    Raises:
        DeviceError: none fits, or there is none at all.
    """
    able = [d for d in devices if d.channels(direction) > 0]
    for test in _tests(name, direction):
        for device in able:
            if test(device):
                return device
    if not able:
        raise DeviceError(
            f"There is no {direction} device at all. Plug one in, start the sound "
            "server, or see what is missing: rtdeclip doctor"
        )
    have = ", ".join(sorted({d.name for d in able}))
    raise DeviceError(
        f"No {direction} device fits {name!r}. There are: {have}. "
        "List them with: rtdeclip devices"
    )


def _tests(name: str, direction: Direction) -> list[Callable[[Device], bool]]:
    """Ways to understand ``name``, the strictest first."""
    if name == "default":
        if direction == "input":
            return [lambda d: d.default_input]
        return [lambda d: d.default_output]
    if name.isdigit():
        return [lambda d: d.index == int(name)]
    wanted = name.removeprefix(PULSE).casefold()
    if name.startswith(PULSE):
        return [lambda d: d.index < 0 and d.name.casefold() == wanted]
    return [
        lambda d: d.name == name,
        lambda d: wanted == d.name.casefold(),
        lambda d: wanted in f"{d.name}, {d.system}".casefold(),
    ]


def route_pulse(targets: dict[Direction, Device], path: Path) -> None:
    """A private ALSA configuration that leads to a server's own sinks and sources.

    Must be in force (``ALSA_CONFIG_PATH``) before PortAudio starts; no file of the
    system is touched.

    Args:
        targets: the chosen devices; PortAudio's own are left alone.
        path: where to write it; ``alsa_device`` says what to open then.
    """
    server = os.environ.get("PULSE_SERVER", "")
    lines = ["</usr/share/alsa/alsa.conf>"]
    for direction, device in targets.items():
        if device.index >= 0:
            continue
        place = f" server {json.dumps(server)}" if server else ""
        lines.append(
            f"pcm.{_ALSA_NAMES[direction]} {{ type pulse{place} "
            f"device {json.dumps(device.name)} "
            f'hint.description "{device.name}" }}'
        )
    path.write_text("\n".join(lines) + "\n")


def alsa_device(direction: Direction) -> Device:
    """PortAudio's view of the sink or source that ``route_pulse`` leads to.

    Raises:
        DeviceError: ALSA's pulse plug-in is missing.
    """
    name = _ALSA_NAMES[direction]
    for device in portaudio_devices():
        if device.name == name:
            return device
    raise DeviceError(
        "The sound server's sinks and sources are reached through ALSA's pulse "
        "plug-in, which is missing. Type: sudo apt install libasound2-plugins"
    )


def is_loudspeaker_feedback(source: Device, sink: Device) -> bool:
    """True when the default microphone would play into the default loudspeakers."""
    return source.default_input and sink.default_output


def share_a_clock(source: Device, sink: Device) -> bool:
    """True when input and output keep one time, as far as their names tell.

    JACK has one clock by nature; one device has one; of a sound server's devices
    those do that belong to one card, and those that are no hardware at all.
    """
    if source.system != sink.system:
        return False
    if "JACK" in source.system or source.name == sink.name:
        return True
    if source.system != "PulseAudio":
        return False
    return _card(source.name) == _card(sink.name)


def _card(name: str) -> str:
    """``alsa_input.pci-0000_00_1f.3.analog-stereo`` → ``pci-0000_00_1f.3``."""
    kind, _, rest = name.removesuffix(".monitor").partition(".")
    if kind not in ("alsa_input", "alsa_output", "bluez_input", "bluez_output"):
        return ""
    return rest.rpartition(".")[0]
