"""One running engine without its device: Stream, memory, worker and their latency.

The audio process opens a device on it; tests and benchmarks drive it by a simulated
clock. Both run the same code down to the callback's kernel.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rtdeclip.errors import DeviceError
from rtdeclip.files.chain import EffectChoice, build_effects
from rtdeclip.live import ring as r
from rtdeclip.live.choices import ChoiceLog
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.drift import prepare, reserve_samples
from rtdeclip.live.effect_slots import EffectSlots, warm_effects
from rtdeclip.live.latency import LatencyBudget
from rtdeclip.live.realtime import ORDINARY, Granted, make_thread_realtime
from rtdeclip.live.ring import EngineMemory
from rtdeclip.live.warm import play_tone
from rtdeclip.live.worker import BlockProcessor, Scope, Worker, warm_kernels
from rtdeclip.stream.headroom import LiveHeadroom, from_db
from rtdeclip.stream.levels import LevelSchedule
from rtdeclip.stream.stream import Stream


@dataclass(frozen=True, slots=True)
class Layout:
    """Which device channel goes where.

    Args:
        in_map: device channel of each stream channel; empty for a file source.
        out_map: stream channel of each device channel, −1 silence, −2 mean of all.
        n_channels: of the stream.
        in_channels: to open; 0 for a file source.
    """

    in_map: tuple[int, ...]
    out_map: tuple[int, ...]
    n_channels: int
    in_channels: int


def plan_layout(config: LiveConfig, inputs: int, outputs: int) -> Layout:
    """The channel maps: mono goes to both ears, stereo to its own sides.

    Args:
        config: ``channels`` and ``in_channels`` count.
        inputs: channels that the input has (a file: all are used).
        outputs: channels that the output has.

    Raises:
        DeviceError: the input has not the channels asked for.
    """
    n = inputs if config.file else (config.channels or min(inputs, 2))
    picks = config.in_channels or tuple(range(n))
    if max(picks) >= inputs:
        raise DeviceError(
            f"Input channel {max(picks) + 1} was asked for; the device has {inputs}. "
            "Ask for fewer (--channels), or choose another device: rtdeclip devices"
        )
    n = min(len(picks), r.MAX_CHANNELS)
    wide = min(outputs, max(2, n), r.MAX_CHANNELS)
    if n == 1:
        out_map: tuple[int, ...] = (0,) * wide
    elif wide == 1:
        out_map = (-2,)
    else:
        out_map = tuple(c if c < n else -1 for c in range(wide))
    if config.file:
        return Layout(tuple(range(n)), out_map, n, 0)
    return Layout(picks, out_map, n, max(picks) + 1)


def build_stream(
    config: LiveConfig,
    sample_rate: int,
    n_channels: int,
    levels: Sequence[LevelSchedule] | None = None,
) -> tuple[Stream, LiveHeadroom | None]:
    """The Stream of a session, and its headroom stage if it has one.

    Raises:
        SettingError, PluginError, ModelError: as ``Stream``.
    """
    headroom = None
    if config.headroom != "off":
        is_open = config.headroom == "open"
        headroom = LiveHeadroom(
            sample_rate,
            n_channels,
            0.0 if is_open else config.gain_db,
            config.ceiling_db,
        )
        headroom.set_open(is_open)
    reserve, settings = None, dict(config.settings)
    if config.max_latency_ms is not None:
        if config.processor == "auto":  # its ladder ends there, and pads to its rungs
            settings.setdefault("max_latency", config.max_latency_ms)
        else:
            reserve = round(config.max_latency_ms * 1e-3 * sample_rate)
    pre, post = (
        build_effects([EffectChoice(*e) for e in effects], sample_rate, n_channels)
        for effects in (config.pre, config.post)
    )
    stream = Stream(
        sample_rate,
        n_channels,
        config.processor,
        settings,
        levels=levels,
        linked=config.linked,
        hop=config.hop,
        latency_samples=reserve,
    )
    # Slots, also empty ones: a host may fill them while sound runs.
    stream.set_effects(
        [EffectSlots(pre, sample_rate, n_channels, stream.hop)],
        [
            EffectSlots(post, sample_rate, n_channels, stream.hop),
            *([headroom] if headroom else []),
        ],
    )
    return stream, headroom


def warm_stream(stream: Stream) -> None:
    """Runs a clipped tone through ``stream`` and resets it: no first-time cost later.

    Also compiles the worker's own kernels and those of the effects.
    """
    warm_effects(stream.sample_rate, stream.n_channels)
    play_tone(stream)
    warm_kernels()


class Engine:
    """Memory and worker around a Stream.

    Args:
        config: block, periods and headroom count.
        layout: channel maps.
        stream: what processes.
        sample_rate: Hz.
        headroom: the stream's last stage, for the limiter's meter.
        scope: telemetry's rings.
        clock_ns: None, or the simulated clock.
        out_rate: nominal Hz of an output device with a clock of its own; None: input
            and output are one device.

    Attributes:
        memory: rings and counters.
        worker: takes and publishes hops.
        choices: what ``auto`` chose, by position.
        budget: the latency, all but the device's own.
        granted: what the system gave the worker's thread.
    """

    def __init__(
        self,
        config: LiveConfig,
        layout: Layout,
        stream: BlockProcessor,
        sample_rate: int,
        headroom: LiveHeadroom | None = None,
        scope: Scope | None = None,
        clock_ns: Callable[[], int] | None = None,
        out_rate: int | None = None,
    ) -> None:
        self.stream = stream
        self.headroom = headroom
        self.layout = layout
        self.granted = Granted(ORDINARY, 0, "not started")
        self.budget = LatencyBudget(
            sample_rate,
            stream.latency_samples,
            headroom.latency_samples if headroom else 0,
            stream.hop,
            config.block or stream.hop,
            config.periods,
            resampler_samples=reserve_samples(sample_rate) if out_rate else 0,
        )
        self.memory = EngineMemory(
            sample_rate,
            layout.n_channels,
            layout.in_map,
            layout.out_map,
            layout.in_channels,
            stream.hop,
            self.budget.block,
            stream.latency_samples,
            self.budget.engine_samples
            + (self.budget.resampler_samples + self.budget.block if out_rate else 0),
        )
        if out_rate:
            self._prepare_two_clocks(sample_rate, out_rate)
        if config.headroom == "limit" and headroom:
            self.memory.reals[r.DRY_GAIN] = np.float32(from_db(config.gain_db))
            self.memory.reals[r.CEILING] = np.float32(from_db(config.ceiling_db))
        self.choices = ChoiceLog(stream)
        self._todo: deque[Callable[[], object]] = deque()
        clock = {} if clock_ns is None else {"clock_ns": clock_ns}
        self.worker = Worker(
            self.memory, stream, scope, before_hop=self._before_hop, **clock
        )
        self._priority = config.priority
        self._thread = threading.Thread(
            target=self._work, name="rtdeclip-worker", daemon=True
        )

    def _prepare_two_clocks(self, in_rate: int, out_rate: int) -> None:
        memory = self.memory
        table = r.table_of(memory.block)
        prepare(memory.words, memory.reals, table, in_rate, out_rate)

    def do(self, change: Callable[[], object]) -> None:
        """Have the worker's thread run ``change`` before its next hop."""
        self._todo.append(change)

    def start_worker(self) -> None:
        """Starts the worker's thread; before the device, so that no hop waits."""
        ready = threading.Event()
        self._ready = ready
        self._thread.start()
        ready.wait()

    def stop_worker(self, timeout_s: float = 2.0) -> bool:
        """Ends the worker's thread; False if it did not end in time."""
        self.worker.stop()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _work(self) -> None:
        if self._priority:
            self.granted = make_thread_realtime(self._priority)
        self._ready.set()
        self.worker.run()

    def _before_hop(self) -> None:
        while self._todo:
            self._todo.popleft()()
        self.choices.look(self.worker.hop_number)
