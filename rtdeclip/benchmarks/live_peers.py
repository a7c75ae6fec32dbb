"""The simpler ways of live sound that ``rtdeclip bench live`` compares with.

``python -m rtdeclip.benchmarks.live_peers VARIANT BLOCK SECONDS HOG PROCESSOR`` opens
the probe, runs and prints what it counted as JSON.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np
from numba import carray, cfunc, types

from rtdeclip.benchmarks.live import python_hog
from rtdeclip.live.atomic import as_pointer
from rtdeclip.live.callback import callback_signature
from rtdeclip.live.devices import choose, portaudio_devices
from rtdeclip.live.portaudio import NativeStream, sounddevice


def _copy(
    incoming: Any, outgoing: Any, n: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    count = carray(as_pointer(user_data), (2,), np.int64)
    samples = types.int64(n)
    x = carray(as_pointer(incoming), (samples,), np.float32)
    y = carray(as_pointer(outgoing), (samples,), np.float32)
    for i in range(samples):
        y[i] = x[i]
    count[0] += 1
    count[1] += flags != 0
    return 0


def bare(device: int, block: int, seconds: float) -> tuple[int, int]:
    """A compiled callback that copies; callbacks and flags."""
    count = np.zeros(2, np.int64)
    call = cfunc(callback_signature())(_copy)
    stream = NativeStream(
        "duplex",
        (device, device),
        (1, 1),
        48000,
        block,
        call,
        count.ctypes.data,
        "low",
        None,
    )
    stream.start()
    time.sleep(seconds)
    stream.close()
    return int(count[0]), int(count[1])


def python_callback(
    device: int, block: int, seconds: float, processor: str
) -> tuple[int, int, int]:
    """A Stream inside a Python callback; callbacks, flags, the Stream's latency."""
    from rtdeclip.live.engine import warm_stream
    from rtdeclip.stream.stream import Stream

    sd = sounddevice()
    stream = Stream(48000, 1, processor, hop=block)
    warm_stream(stream)
    count = [0, 0]

    def callback(x: Any, y: Any, n: int, at: Any, status: Any) -> None:
        count[0] += 1
        count[1] += bool(status)
        y[:] = stream.process(np.ascontiguousarray(x))

    with sd.Stream(
        device=(device, device),
        channels=(1, 1),
        samplerate=48000,
        blocksize=block,
        dtype="float32",
        latency="low",
        callback=callback,
    ):
        time.sleep(seconds)
    return count[0], count[1], stream.latency_samples


def main() -> None:
    """Runs one variant."""
    variant, block, seconds, hog, processor = sys.argv[1:6]
    device = choose("probe", "output", portaudio_devices()).index
    latency = 0
    with python_hog(hog == "1"):
        before = time.process_time()
        if variant == "bare_passthrough":
            callbacks, flags = bare(device, int(block), float(seconds))
        else:
            callbacks, flags, latency = python_callback(
                device, int(block), float(seconds), processor
            )
        cpu = time.process_time() - before
    row = {
        "callbacks": callbacks,
        "flags": flags,
        # One period each way, as the engine states JACK's part.
        "stated_samples": 2 * int(block) + latency,
        "cpu_share": cpu / float(seconds),
    }
    print(json.dumps(row), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
