"""A virtual microphone: what rtdeclip plays there, other programs hear.

PulseAudio and PipeWire (through its PulseAudio server) alike: a null sink to play
into, and a source remapped from its monitor, because many programs hide monitors
themselves. The server's own list of modules remembers it, so a microphone that a
crash left behind is found and removed too.
"""

import shutil
import subprocess
from dataclasses import dataclass

from rtdeclip.errors import DeviceError, MissingExtraError
from rtdeclip.live.devices import PULSE, run_pactl

SINK = "rtdeclip_bus"
SOURCE = "rtdeclip_mic"


def modules() -> list[tuple[int, str]]:
    """The server's modules that are the microphone's: (id, arguments), oldest first."""
    found = []
    for line in run_pactl("list", "short", "modules").splitlines():
        number, _, rest = line.partition("\t")
        if f"={SINK}" in rest or f"={SOURCE}" in rest:
            found.append((int(number), rest))
    return found


@dataclass(frozen=True, slots=True)
class VirtualMicrophone:
    """A microphone that exists.

    Args:
        sink: what to play into, as ``--out`` takes it.
        source: what other programs list.
        made_here: False when it was there already and is to stay.
    """

    sink: str
    source: str
    made_here: bool = True

    @classmethod
    def create(cls) -> "VirtualMicrophone":
        """Makes it, or finds it.

        Raises:
            MissingExtraError: ``pactl`` is missing.
            DeviceError: no PulseAudio or PipeWire answers, or it refuses.
        """
        _need_pactl()
        if len(modules()) == 2:
            return cls(PULSE + SINK, SOURCE, made_here=False)
        remove()
        try:
            _load(
                "module-null-sink",
                f"sink_name={SINK}",
                "channels=2",
                *(["norewinds=1"] if _is_pulseaudio() else []),
                "sink_properties=device.description=rtdeclip_bus",
            )
            _load(
                "module-remap-source",
                f"master={SINK}.monitor",
                f"source_name={SOURCE}",
                "source_properties=device.description=rtdeclip_microphone",
            )
        except DeviceError:
            remove()
            raise
        return cls(PULSE + SINK, SOURCE)

    def remove(self) -> None:
        """Removes it, if it was made here."""
        if self.made_here:
            remove()


def remove() -> int:
    """Removes every part of the microphone; how many there were."""
    found = modules()
    for number, _ in reversed(found):
        run_pactl("unload-module", str(number))
    return len(found)


def _need_pactl() -> None:
    if not shutil.which("pactl"):
        raise MissingExtraError(
            "A virtual microphone needs the program pactl, which is not installed. "
            "Type: sudo apt install pulseaudio-utils (on macOS install BlackHole and "
            'play to it: --out "BlackHole"; on Windows VB-Cable: --out "CABLE Input")'
        )


def _is_pulseaudio() -> bool:
    # Without norewinds its null sink renders two seconds ahead; PipeWire's has no
    # such argument.
    return "PipeWire" not in run_pactl("info")


def _load(*words: str) -> None:
    done = subprocess.run(
        ["pactl", "load-module", *words], capture_output=True, text=True, timeout=5
    )
    if done.returncode:
        raise DeviceError(
            f"The sound server does not make the microphone ({done.stderr.strip()}). "
            "PulseAudio or PipeWire must run; see: rtdeclip doctor"
        )
