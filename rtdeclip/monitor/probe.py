"""What there is to choose from, in JSON lines: ``python -m rtdeclip.monitor.probe``.

First everything that is quick to say (processors, effects, devices, presets), then
for each processor its latency and what it costs on this machine.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from typing import Any

import numpy as np

from rtdeclip.benchmarks.synth import plucked
from rtdeclip.errors import RtdeclipError
from rtdeclip.live.devices import list_devices
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import Group, Listing, build_effect, listings
from rtdeclip.stream.stream import Stream

_SECONDS = 0.5


def describe(listing: Listing) -> dict[str, Any]:
    """One listing as plain data; ``reason`` says why it cannot be used."""
    method = listing.method
    if method is None:
        return {"name": listing.name, "reason": listing.reason}
    return {
        "name": method.name,
        "summary": method.summary,
        "kind": method.kind,
        "scope": method.scope,
        "note": method.note,
        "rates": method.rates,
        "settings": [asdict(setting) for setting in method.settings],
    }


def cost(method: Method, sample_rate: int) -> dict[str, Any]:
    """Latency and mean RTF of one channel of clipped sound, or why there is none."""
    if method.rates and sample_rate not in method.rates:
        return {"reason": f"works at {' or '.join(map(str, method.rates))} Hz"}
    sound = np.clip(plucked(_SECONDS, sample_rate), -0.4, 0.4)
    try:
        stream = Stream(sample_rate, 1, method)
        stream.feed(sound)
        start = time.thread_time()
        stream.feed(sound)
    # A plug-in may fail in any way; the menu says how and goes on.
    except Exception as error:
        return {"reason": str(error)}
    return {
        "latency_ms": 1e3 * (stream.latency_samples + stream.hop) / sample_rate,
        "rtf": (time.thread_time() - start) / _SECONDS,
    }


def effect_cost(method: Method, sample_rate: int) -> dict[str, Any]:
    """Latency and mean RTF of an effect on one channel, or why there is none."""
    sound = plucked(_SECONDS, sample_rate)[:, None]
    try:
        effect = build_effect(method.name, sample_rate, 1, {})
        effect.process(sound)
        start = time.thread_time()
        effect.process(sound)
    # As above.
    except Exception as error:
        return {"reason": str(error)}
    return {
        "latency_ms": 1e3 * effect.latency_samples / sample_rate,
        "rtf": (time.thread_time() - start) / _SECONDS,
    }


def main(sample_rate: int) -> None:
    """Prints all of it."""
    os.nice(10)  # the sound comes first
    groups: tuple[Group, ...] = ("processors", "effects")
    for group in groups:
        rows = [describe(listing) for listing in listings(group).values()]
        print(json.dumps({group: rows}), flush=True)
    try:
        devices = {"devices": [asdict(device) for device in list_devices()]}
        print(json.dumps(devices), flush=True)
    except (RtdeclipError, OSError) as error:
        print(json.dumps({"devices": [], "problem": str(error)}), flush=True)
    for listing in listings("effects").values():
        if listing.method:
            row = effect_cost(listing.method, sample_rate)
            print(json.dumps({"cost": listing.name, **row}), flush=True)
    for listing in listings("processors").values():
        method = listing.method
        if method and method.kind == "processor":
            row = {"cost": method.name, **cost(method, sample_rate)}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 48000)
