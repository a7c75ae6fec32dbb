"""What a live session is asked to do; travels to the audio process as one JSON line."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

from rtdeclip.errors import SettingError
from rtdeclip.stream.processor import Value

Headroom = Literal["limit", "open", "off"]
Purpose = Literal["sound", "measure"]
Clocks = Literal["auto", "one", "two"]

BLOCK = 256
ONE_MORE_PERIOD_UP_TO = 256
"""At blocks up to this one, a hop may take one device period more (stated)."""


LIVE_PROCESSOR = "auto"


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """All options of a session; the defaults are those of ``rtdeclip live``.

    Args:
        input: device by name, part of it or index; ``default``; unused with ``file``.
        output: the same.
        file: an audio file as the input.
        loop: play the file again and again.
        start_s: where in the file to begin.
        sample_rate: Hz; None takes the device's own.
        block: samples per callback.
        channels: of the stream; None: what the input has, at most 2.
        in_channels: device channels to take, counted from 0; empty: the first ones.
        processor: name.
        settings: of the processor.
        pre: effects before the declipper, (name, settings) in order.
        post: effects after it, before the headroom.
        hop: samples; None takes the processor's.
        max_latency_ms: what ``auto`` may use; for other processors, reserved for those
            switched to later.
        extra_periods: device periods a hop may take beyond the first; None: 1 for
            blocks up to 256 samples, else 0, and as many as ``device_latency`` holds
            where a sound server hands out its buffer in bursts.
        headroom: ``limit``: −6 dB and the true-peak ceiling; ``open``: neither, but
            a host may switch to ``limit`` and back while sound runs; ``off``: neither,
            and 1.5 ms less latency.
        gain_db: of ``limit``.
        ceiling_db: of ``limit``.
        monitor_speakers: allow the default microphone into the default loudspeakers.
        python_callback: do without the compiled callback.
        priority: SCHED_FIFO priority of the worker; 0 asks for none.
        device_latency: ``low``, ``high`` or seconds; None chooses by sound system.
        parameters: start values of telemetry's parameters.
        telemetry: path of the file to make.
        wait_for_device: a missing device is waited for instead of an error (after a
            reconnect).
        expect: rate and channels of the last run, so that the kernels are ready
            before the device is back; 0: unknown.
        purpose: ``sound``; ``measure``: send a known sequence through the loop and
            time it.
        clocks: whether input and output keep one time; ``auto`` judges by name.
        scan: find a file's clip levels before it is played, and lock them.
        linked: channels share their clip levels, see ``Stream``.
        duration_s: end by itself after so much sound; None: when asked.
    """

    input: str = "default"
    output: str = "default"
    file: str = ""
    loop: bool = False
    start_s: float = 0.0
    sample_rate: int | None = None
    block: int = BLOCK
    channels: int | None = None
    in_channels: tuple[int, ...] = ()
    processor: str = LIVE_PROCESSOR
    settings: dict[str, Value] = field(default_factory=dict)
    pre: tuple[tuple[str, dict[str, Value]], ...] = ()
    post: tuple[tuple[str, dict[str, Value]], ...] = ()
    hop: int | None = None
    max_latency_ms: float | None = None
    extra_periods: int | None = None
    headroom: Headroom = "limit"
    gain_db: float = -6.0
    ceiling_db: float = -1.0
    monitor_speakers: bool = False
    python_callback: bool = False
    priority: int = 60
    device_latency: float | None = None
    parameters: dict[str, float] = field(default_factory=dict)
    telemetry: str = ""
    wait_for_device: bool = False
    expect: tuple[int, int] = (0, 0)
    purpose: Purpose = "sound"
    clocks: Clocks = "auto"
    scan: bool = False
    linked: bool = False
    duration_s: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.block <= 16384:
            raise SettingError(
                f"block={self.block}: give 1 to 16384 samples, or 0 for the device's "
                "own choice."
            )
        if self.extra_periods is not None and not 0 <= self.extra_periods <= 64:
            raise SettingError(f"extra_periods={self.extra_periods}: give 0 to 64.")

    @property
    def periods(self) -> int:
        """k of the prefill's formula."""
        if self.extra_periods is not None:
            return self.extra_periods
        return 1 if self.block <= ONE_MORE_PERIOD_UP_TO else 0

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "LiveConfig":
        """What ``to_json`` wrote."""
        content = json.loads(line)
        for name in ("in_channels", "expect"):
            content[name] = tuple(content[name])
        for name in ("pre", "post"):
            content[name] = tuple((effect, given) for effect, given in content[name])
        return cls(**content)
