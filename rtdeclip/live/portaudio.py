"""PortAudio through sounddevice, imported when first needed."""

import sys
from typing import Any

from rtdeclip.errors import MissingExtraError


def sounddevice() -> Any:
    """The module sounddevice.

    Raises:
        MissingExtraError: PortAudio is not installed; the message installs it.
    """
    try:
        import sounddevice
    except OSError as error:
        command = {
            "linux": "sudo apt install libportaudio2",
            "darwin": "brew install portaudio",
        }.get(sys.platform, "pip install --force-reinstall sounddevice")
        raise MissingExtraError(
            f"The sound library PortAudio is missing ({error}). "
            f"Live sound needs it. Type: {command}"
        ) from error
    return sounddevice


def scan_again() -> None:
    """Let PortAudio list the devices afresh; no stream may be open."""
    sd = sounddevice()
    sd._terminate()
    sd._initialize()


class NativeStream:
    """An open stream whose callback is machine code.

    ``sounddevice`` hands a function pointer that it is given on to PortAudio
    unwrapped (its documented expert mode), so no Python runs in the callback.

    Args:
        kind: ``input``, ``output`` or ``duplex``.
        device: index, or a pair (input, output) for duplex.
        channels: number, or a pair.
        sample_rate: Hz.
        block: samples per callback, 0: as the device likes.
        callback: a numba cfunc of PaStreamCallback's type.
        address: handed to it as user data; must outlive the stream.
        latency: seconds asked of the device, or ``low`` / ``high``.
        finished: called when the device stops by itself.
    """

    def __init__(
        self,
        kind: str,
        device: Any,
        channels: Any,
        sample_rate: int,
        block: int,
        callback: Any,
        address: int,
        latency: Any,
        finished: Any,
    ) -> None:
        sd = sounddevice()
        self._callback = callback  # kept alive as long as PortAudio may call it
        self._stream = sd._StreamBase(
            kind=kind,
            device=device,
            channels=channels,
            samplerate=sample_rate,
            blocksize=block,
            dtype="float32",
            latency=latency,
            callback=sd._ffi.cast("PaStreamCallback*", callback.address),
            userdata=sd._ffi.cast("void*", address),
            finished_callback=finished,
            clip_off=True,  # the ceiling is ours; PortAudio's would hide it
            dither_off=True,
        )

    def start(self) -> None:
        """Sound runs from here."""
        self._stream.start()

    def close(self) -> None:
        """Stops and frees; may hang for ever when a JACK server has died."""
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    @property
    def latency_s(self) -> tuple[float, float]:
        """Input and output latency as the driver states them, seconds."""
        stated = self._stream.latency
        if isinstance(stated, tuple):
            return float(stated[0]), float(stated[1])
        return float(stated), float(stated)


class PythonStream(NativeStream):
    """The same through a Python callback, where none can be compiled."""

    def __init__(
        self,
        kind: str,
        device: Any,
        channels: Any,
        sample_rate: int,
        block: int,
        callback: Any,
        latency: Any,
        finished: Any,
    ) -> None:
        sd = sounddevice()
        make = {"input": sd.InputStream, "output": sd.OutputStream}.get(kind, sd.Stream)
        self._stream = make(
            device=device,
            channels=channels,
            samplerate=sample_rate,
            blocksize=block,
            dtype="float32",
            latency=latency,
            callback=callback,
            finished_callback=finished,
            clip_off=True,
            dither_off=True,
        )
