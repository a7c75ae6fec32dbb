"""The demo's audio process: the real engine on synthesised, clipped sound, no device.

``python -m rtdeclip.monitor.demo_source`` speaks the language of the audio process: one
JSON line (``LiveConfig``) in, one JSON object a line out (``building``, ``started``,
``ended``, ``error``). Worker, rings, latency, late hops and telemetry are those of live
sound; only the sound card is replaced by a thread that keeps time by the clock.
"""

import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rtdeclip.benchmarks.synth import plucked, voice
from rtdeclip.errors import RtdeclipError
from rtdeclip.live import ring as r
from rtdeclip.live.callback import exchange
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.control import TICK_S, Controller
from rtdeclip.live.engine import Engine, build_stream, plan_layout, warm_stream
from rtdeclip.live.realtime import make_thread_realtime, quiet_interpreter
from rtdeclip.live.telemetry import TelemetryFile
from rtdeclip.live.tell import tell
from rtdeclip.stream.registry import listings
from rtdeclip.types import Samples

SAMPLE_RATE = 48000
LOOP_S = 4.0
HIGH, LOW = 0.45, 0.36
"""Clip levels of the demo's sound: an amplifier that clips lopsided."""
_FADE_S = 0.05


def demo_sound(sample_rate: int, seconds: float = LOOP_S) -> Samples:
    """A voice (left) and a plucked string (right), clipped; loops without a click.

    Args:
        sample_rate: Hz.
        seconds: length of the loop, > 0.1.

    Returns:
        ``(n_samples, 2)`` float32, within −``LOW`` … ``HIGH``.
    """
    speech, strings = voice(seconds, sample_rate, 3), plucked(seconds, sample_rate, 1)
    clean = np.stack([speech + 0.15 * strings, 0.85 * strings + 0.2 * speech], axis=1)
    # The level breathes, so that clipping comes and goes.
    t = np.arange(len(clean)) / len(clean)
    clean *= (0.75 - 0.25 * np.cos(2 * np.pi * 2 * t))[:, None]
    n = round(_FADE_S * sample_rate)
    ramp = np.linspace(0.0, 1.0, n)[:, None]
    clean[:n] *= ramp
    clean[-n:] *= ramp[::-1]
    return np.clip(clean, -LOW, HIGH).astype(np.float32)


class TimedDevice:
    """Calls the engine back at the pace of the clock, as a sound card would.

    Args:
        engine: with a started worker.
        sound: ``(n_samples, n_channels)`` float32, played in a loop.
        block: samples per callback.
        sample_rate: Hz.
        priority: real-time priority of the thread, above the worker's; 0 asks none.
    """

    def __init__(
        self,
        engine: Engine,
        sound: Samples,
        block: int,
        sample_rate: int,
        priority: int = 0,
    ) -> None:
        self._priority = priority
        self._engine, self._sound = engine, sound
        self._block, self._rate = block, sample_rate
        self._at = 0
        self._out = np.zeros(block * len(engine.layout.out_map), np.float32)
        self._in = np.zeros((block, sound.shape[1]), np.float32)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Starts calling back."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the callback in hand."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        if self._priority:
            make_thread_realtime(self._priority)
        period = self._block / self._rate
        due = time.monotonic()
        while not self._stopping.is_set():
            self._callback()
            due += period
            wait = due - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            elif wait < -0.5:  # stood still (laptop closed): do not catch up
                due = time.monotonic()

    def _callback(self) -> None:
        rows = np.arange(self._at, self._at + self._block) % len(self._sound)
        np.take(self._sound, rows, axis=0, out=self._in)
        self._at += self._block
        exchange(
            self._engine.memory.block,
            self._in.ravel(),
            self._out,
            self._block,
            time.monotonic_ns(),
            0,
        )
        self._engine.worker.wake()


def run(config: LiveConfig, stop: threading.Event) -> None:
    """Until ``stop`` is set or a host asks for it.

    Raises:
        RtdeclipError: the processor cannot be had or its settings are wrong.
    """
    tell("building", processor=config.processor)
    stream, headroom = build_stream(config, SAMPLE_RATE, 2)
    layout = plan_layout(config, 2, 2)
    warm_stream(stream)
    sound = demo_sound(SAMPLE_RATE)
    block = config.block or stream.hop
    file = TelemetryFile(Path(config.telemetry), SAMPLE_RATE, 2, stream.hop, block)
    try:
        engine = Engine(config, layout, stream, SAMPLE_RATE, headroom, file.scope)
        names = [name for name, entry in listings("processors").items() if entry.method]
        info = {
            "input": "embedded audio: a voice (left), a plucked string (right)",
            "output": "nowhere: this is the demo",
            "system": "demo",
            "sample_rate": SAMPLE_RATE,
            "n_channels": 2,
            "block": block,
            "hop": stream.hop,
            "latency_rows": engine.budget.rows(),
            "latency_samples": engine.budget.total_samples,
            "latency_text": engine.budget.sentence(),
            "processors": names,
            "config": asdict(config),
        }
        file.set_info(info)
        controller = Controller(engine, file, config, info)
        quiet_interpreter()
        engine.start_worker()
        device = TimedDevice(
            engine, sound, block, SAMPLE_RATE, config.priority and config.priority + 5
        )
        device.start()
        tell("started", telemetry=str(file.path), info=info)
        while controller.tick() and not stop.wait(TICK_S):
            pass
        controller.publish("ended")
        device.stop()
        engine.stop_worker()
        tell("ended", late_hops=int(engine.memory.words[r.LATE_HOPS]))
    finally:
        file.close()


def main() -> int:
    """Reads the configuration, plays until told to stop; the exit code."""
    config = LiveConfig.from_json(sys.stdin.readline())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the host decides what it means

    def watch_host() -> None:
        while sys.stdin.read(4096):
            pass
        stop.set()

    threading.Thread(target=watch_host, daemon=True).start()
    try:
        run(config, stop)
    except RtdeclipError as error:
        tell("error", message=str(error), kind="usage")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
