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

from rtdeclip.benchmarks.live import FLAGS, python_hog
from rtdeclip.live import ring as r
from rtdeclip.live.atomic import as_pointer
from rtdeclip.live.callback import (
    MONOTONIC,
    callback_signature,
    clock_gettime,
    count_jit,
)
from rtdeclip.live.devices import choose, portaudio_devices
from rtdeclip.live.portaudio import NativeStream, sounddevice
from rtdeclip.live.ring import EngineMemory


def _copy(
    incoming: Any, outgoing: Any, n: Any, time_info: Any, flags: Any, user_data: Any
) -> int:
    words = carray(as_pointer(user_data), (r.WORDS,), np.int64)
    clock_gettime(MONOTONIC, types.uintp(user_data + 8 * r.TIMESPEC))
    now_ns = words[r.TIMESPEC] * 1_000_000_000 + words[r.TIMESPEC + 1]
    samples = types.int64(n)
    count_jit(words, samples, now_ns, types.int64(flags))
    x = carray(as_pointer(incoming), (samples,), np.float32)
    y = carray(as_pointer(outgoing), (samples,), np.float32)
    for i in range(samples):
        y[i] = x[i]
    return 0


def bare(device: int, block: int, seconds: float) -> dict[str, int]:
    """A compiled callback that copies; counted as the engine counts."""
    words = EngineMemory(48000, 1, (0,), (0,), 1, block, block, 0, 0).words
    call = cfunc(callback_signature())(_copy)
    stream = NativeStream(
        "duplex",
        (device, device),
        (1, 1),
        48000,
        block,
        call,
        words.ctypes.data,
        "low",
        None,
    )
    stream.start()
    time.sleep(seconds)
    stream.close()
    return {
        "callbacks": int(words[r.CALLBACKS]),
        "flags": int(words[r.INPUT_UNDERFLOWS : r.OUTPUT_OVERFLOWS + 1].sum()),
        "device_stalls": int(words[r.DEVICE_STALLS]),
        "device_rushes": int(words[r.RUSHES]),
    }


def python_callback(
    device: int, block: int, seconds: float, processor: str
) -> dict[str, int]:
    """A Stream inside a Python callback, and the Stream's latency."""
    from rtdeclip.live.engine import warm_stream
    from rtdeclip.stream.stream import Stream

    sd = sounddevice()
    stream = Stream(48000, 1, processor, hop=block)
    warm_stream(stream)
    count = [0, 0]

    def callback(x: Any, y: Any, n: int, at: Any, status: Any) -> None:
        count[0] += 1
        # An over- and an underflow in one callback are two, as the engine counts.
        for flag in FLAGS:
            count[1] += getattr(status, flag)
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
    found = {"callbacks": count[0], "flags": count[1]}
    return {**found, "latency": stream.latency_samples}


def main() -> None:
    """Runs one variant."""
    variant, block, seconds, hog, processor = sys.argv[1:6]
    device = choose("probe", "output", portaudio_devices()).index
    with python_hog(hog == "1"):
        before = time.process_time()
        if variant == "bare_passthrough":
            row: dict[str, float] = {**bare(device, int(block), float(seconds))}
        else:
            row = {**python_callback(device, int(block), float(seconds), processor)}
        row["cpu_share"] = (time.process_time() - before) / float(seconds)
    # One period each way, as the engine states JACK's part.
    row["stated_samples"] = 2 * int(block) + row.pop("latency", 0)
    print(json.dumps(row), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
