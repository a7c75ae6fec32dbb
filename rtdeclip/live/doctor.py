"""What this machine offers for live sound, and what to type where it falls short."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rtdeclip.errors import RtdeclipError

WAKE_S = 3.0
_WAKE_GOOD_US = 1000.0
_LIMITS = (
    "printf '@audio - rtprio 95\\n@audio - memlock unlimited\\n' | sudo tee "
    "/etc/security/limits.d/audio.conf; sudo usermod -aG audio $USER; log in again"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: what.
        level: ``good``; ``fair``: sound runs, but could be safer; ``bad``: no sound.
        found: as it is.
        mend: what to type; empty where nothing needs it.
    """

    name: str
    level: str
    found: str
    mend: str = ""


def examine(wake_s: float = WAKE_S) -> Iterator[Finding]:
    """Every finding, one by one; the wake-up test takes ``wake_s`` seconds."""
    for look in (
        _portaudio,
        _servers,
        _pulse_plugin,
        _rights,
        _memory_lock,
        _runtime,
    ):
        yield look()
    yield _wake_up(wake_s)
    for last in (_governor, _kernels, _models):
        yield last()


def _portaudio() -> Finding:
    from rtdeclip.live.devices import list_devices
    from rtdeclip.live.portaudio import sounddevice

    try:
        version = sounddevice().get_portaudio_version()[1].split(",")[0]
        found = list_devices()
    except RtdeclipError as error:
        return Finding(
            "PortAudio", "bad", str(error).split(" Type: ")[0], _typed(error)
        )
    n_in = sum(d.inputs > 0 for d in found)
    n_out = sum(d.outputs > 0 for d in found)
    text = f"{version}; {n_in} inputs, {n_out} outputs"
    if n_in and n_out:
        return Finding("PortAudio", "good", text)
    return Finding(
        "PortAudio", "bad", text, "plug in a device, or start a sound server"
    )


def _typed(error: RtdeclipError) -> str:
    return str(error).partition(" Type: ")[2]


def _servers() -> Finding:
    from rtdeclip.live import jack
    from rtdeclip.live.devices import run_pactl

    found = []
    if server := jack.server():
        rights = "real-time" if server.realtime else "ordinary priority"
        found.append(
            f"JACK at {server.sample_rate} Hz, {server.period} samples, {rights}"
        )
    lines = run_pactl("info").splitlines()
    found += [x.partition(":")[2].strip() for x in lines if x.startswith("Server Name")]
    if found:
        return Finding("Sound server", "good", "; ".join(found))
    return Finding(
        "Sound server",
        "fair",
        "none answers; devices are used directly",
        "systemctl --user start pipewire pipewire-pulse, or pulseaudio --start",
    )


def _pulse_plugin() -> Finding:
    places = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    if places or not Path("/usr/share/alsa").is_dir():
        return Finding("ALSA's pulse plug-in", "good", "found" if places else "no ALSA")
    return Finding(
        "ALSA's pulse plug-in",
        "fair",
        "missing: a sound server's sinks and sources cannot be named",
        "sudo apt install libasound2-plugins",
    )


def _rights() -> Finding:
    from rtdeclip.live.realtime import FIFO, ORDINARY, Granted, make_thread_realtime

    granted: list[Granted] = []
    _in_thread(lambda: granted.append(make_thread_realtime()))
    got = granted[0]
    text = f"{got.name}, priority {got.priority}"
    if got.scheduler == FIFO:
        return Finding("Real-time rights", "good", text)
    level = "fair"
    note = f"{text} ({got.reason})" if got.scheduler == ORDINARY else text
    return Finding("Real-time rights", level, note, _LIMITS)


def _in_thread(work: Callable[[], None]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _memory_lock() -> Finding:
    from rtdeclip.live.ring import EngineMemory

    memory = EngineMemory(48000, 2, (0, 1), (0, 1), 2, 256, 256, 0, 512)
    if memory.lock():
        return Finding("Locked memory", "good", "the rings stay in RAM")
    return Finding("Locked memory", "fair", "refused: the rings may be paged", _LIMITS)


def _runtime() -> Finding:
    from rtdeclip.live.runtime_dir import is_in_memory, runtime_dir

    path = runtime_dir()
    if is_in_memory(path):
        return Finding("Runtime directory", "good", f"{path}, in memory")
    return Finding(
        "Runtime directory",
        "fair",
        f"{path} is on a disk: its delays can reach the sound",
        "unset XDG_RUNTIME_DIR, or let it name a folder in memory",
    )


def _wake_up(seconds: float) -> Finding:
    from rtdeclip.live.meters import percentile
    from rtdeclip.live.wake_test import BIN_US, wake_histogram

    bins, worst_us = wake_histogram(seconds)
    p50, p99 = (percentile(bins, share) * BIN_US for share in (0.5, 0.99))
    text = f"p50 {p50:.0f} µs, p99 {p99:.0f} µs, max {worst_us:.0f} µs late"
    good = p99 <= _WAKE_GOOD_US
    return Finding(
        f"Wake-up, {seconds:g} s",
        "good" if good else "fair",
        text,
        "" if good else "end other programs, or use a larger --block (512)",
    )


def _governor() -> Finding:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    found = path.read_text().strip() if path.exists() else ""
    if found in ("", "performance", "schedutil"):
        return Finding("CPU governor", "good", found or "not told here")
    return Finding(
        "CPU governor", "fair", found, "sudo cpupower frequency-set -g performance"
    )


def _kernels() -> Finding:
    from rtdeclip.live.config import LIVE_PROCESSOR
    from rtdeclip.live.preparation import STAND_IN
    from rtdeclip.live.warm import PATH, is_ready

    wanted = (PATH, STAND_IN, LIVE_PROCESSOR)
    missing = [name for name in wanted if not is_ready(name)]
    if not missing:
        return Finding("Kernels", "good", "compiled for this version")
    return Finding(
        "Kernels",
        "fair",
        f"not compiled yet: {', '.join(missing)}; the first start takes longer, and "
        f"{STAND_IN} stands in for {LIVE_PROCESSOR} meanwhile",
        "rtdeclip warmup",
    )


def _models() -> Finding:
    import rtdeclip

    package = Path(rtdeclip.__file__).parent
    folders = (package / "_models", package.parent / "models")
    found = [path.parent.name for f in folders for path in f.glob("*/model.onnx")]
    text = ", ".join(sorted(found)) or "none here; the other processors need none"
    return Finding("Models", "good", text)
