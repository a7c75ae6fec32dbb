"""What can be known of a running engine, and what can be set."""

from dataclasses import dataclass
from typing import NamedTuple

from rtdeclip.types import Samples, Signs

METERED_CHANNELS = 8
"""Meters are kept for so many channels; sound may have more."""

PARAMETERS = (
    "bypass",  # 1: dry, delayed alike
    "repair_only",  # 1: hear only what the repair adds
    "wet",  # 0 dry … 1 restored
    "mute",  # 0 sound, 1 muted, 2 muted at once (panic)
    "pause",  # 1: the played file stands still
    "duck_off",  # counter: forget the feedback guard's duck
    "reset",  # counter: set the counters and histograms to zero
    "stop",  # counter: end the audio process cleanly
)
STATES = ("starting", "muted", "running", "stopping", "ended")
_NO_METERS = (0.0,) * METERED_CHANNELS


@dataclass(frozen=True, slots=True)
class Status:
    """One look at the running engine; counters run from the start or the last reset.

    Units are in the names; levels are linear magnitudes, full scale 1. Per-channel
    fields hold ``METERED_CHANNELS`` numbers, of which the first ``n_channels`` count.
    """

    state: int = 0  # index into STATES
    time_ns: int = 0  # CLOCK_MONOTONIC of this status; older than 1 s: not well
    captured: int = 0  # positions that arrived
    published: int = 0  # positions the worker has finished
    played: int = 0  # positions that left
    callbacks: int = 0
    block: int = 0  # samples of the last callback
    input_overflows: int = 0  # callbacks in which PortAudio flagged it
    input_underflows: int = 0
    output_overflows: int = 0
    output_underflows: int = 0
    device_stalls: int = 0  # callback gaps above 1.5 periods
    device_rushes: int = 0  # callbacks within half a block of the last: it catches up
    late_hops: int = 0  # hops of which a sample was played dry
    late_samples: int = 0  # positions played dry because of it
    own_underruns: int = 0  # … although the device had kept its time
    skipped_samples: int = 0  # positions the worker left out as already past
    episodes: int = 0  # runs of late callbacks, however long each
    faults: int = 0  # hops of which the host refused the processor's result
    bad_input_samples: int = 0  # NaN or infinite, replaced by zero
    clipped_samples: int = 0
    latency_samples: int = 0  # from capture ring to playback ring, all in all
    stream_latency_samples: int = 0  # of it: processor, effects, limiter
    processor: int = 0  # index into info["processors"]
    request_done: int = 0  # number of the last request served or refused
    muted: int = 0
    ducked: int = 0  # 1: the feedback guard holds the output 20 dB down
    scheduler: int = 0  # 0 ordinary, 1 SCHED_FIFO, 2 SCHED_RR through RTKit
    priority: int = 0
    recording_end: int = 0  # for a file source: its length in samples, else 0
    file_position: int = 0  # for a file source: sample now playing
    starved_ms: float = 0.0  # sound played dry or silent for want of a hop
    rtf_p50: float = 0.0  # hop's time / hop's length
    rtf_p99: float = 0.0
    rtf_max: float = 0.0
    load: float = 0.0  # mean RTF since the last status
    wake_p50_us: float = 0.0  # callback to worker
    wake_p99_us: float = 0.0
    wake_max_us: float = 0.0
    gain: float = 1.0  # master fade now in force
    zeros_s: float = 0.0  # length of the exact silence now at the input
    drift_ppm: float = 0.0  # output clock against input clock, separate devices only
    cpu_s: float = 0.0  # CPU time of the audio process
    device_in_ms: float = 0.0  # as PortAudio states it; 0 where it states nonsense
    device_out_ms: float = 0.0
    limiter_gain_db: float = 0.0  # deepest reduction since the last status
    peak_in: tuple[float, ...] = _NO_METERS  # since the last status
    rms_in: tuple[float, ...] = _NO_METERS
    peak_out: tuple[float, ...] = _NO_METERS
    rms_out: tuple[float, ...] = _NO_METERS
    clip_high: tuple[float, ...] = _NO_METERS  # level now in force, 0: none known
    clip_low: tuple[float, ...] = _NO_METERS
    clipped_share: tuple[float, ...] = _NO_METERS  # of the last second, 0 to 1


class Event(NamedTuple):
    """Something that happened to the sound."""

    number: int
    position: int  # samples since the stream began
    time_s: float  # since the epoch
    text: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A stretch of sound, dry and wet of the same positions.

    Args:
        position: sample position of the first row.
        dry: ``(n, n_channels)`` float32, what came in.
        wet: same shape, what was made of it.
        sign: same shape, int8, 0 reliable, +1 clipped high, −1 clipped low.
    """

    position: int
    dry: Samples
    wet: Samples
    sign: Signs
