"""The terminal's view of a running session, drawn from its telemetry."""

import math
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtdeclip.live.supervisor import Supervisor
    from rtdeclip.live.telemetry import Status

_BAR = 28
_FLOOR_DB = -60.0
_KEPT = 4
_ZEROS_S = 2.0
LIVE_KEYS = "b bypass  r repair only  p processor  m mute  space panic  0 reset  q quit"
FILE_KEYS = (
    "b bypass  r repair only  p processor  space pause  ←→ seek  0 reset  q quit"
)


def decibels(magnitude: float) -> float:
    """Linear to dB, not below the meters' floor.

    Example:
        >>> decibels(0.1), decibels(0.0)
        (-20.0, -60.0)
    """
    return max(_FLOOR_DB, 20.0 * math.log10(max(magnitude, 1e-9)))


def bar(peak: float, rms: float) -> str:
    """A level bar: full up to the rms, light up to the peak, ``_BAR`` wide."""

    def cells(x: float) -> int:
        return round(_BAR * (1.0 - decibels(x) / _FLOOR_DB))

    full, top = min(_BAR, cells(rms)), min(_BAR, cells(peak))
    return ("█" * full + "░" * max(0, top - full)).ljust(_BAR)


def lines(
    status: "Status", info: dict[str, Any], n_channels: int, rate: int
) -> list[str]:
    """The view as text, 80 columns: one string a line."""
    names = info.get("processors", [])
    name = names[status.processor] if status.processor < len(names) else "?"
    flags = [
        word
        for word, on in (
            ("MUTED", status.muted),
            ("DUCKED −20 dB (f: undo)", status.ducked),
        )
        if on
    ]
    shown = [f"{info.get('input', '')} → {info.get('output', '')}"[:80]]
    shown.append(
        f"restored by {name}   {rate} Hz   block {status.block}   hop "
        f"{info.get('hop', 0)}   " + "  ".join(flags)
    )
    shown += _levels(status, n_channels)
    shown.append(verdict(status, info)[:80])
    shown.append(
        f"time used   p50 {100 * status.rtf_p50:.0f} %  p99 "
        f"{100 * status.rtf_p99:.0f} %  max {100 * status.rtf_max:.0f} % of a hop   "
        f"wake-up p99 {1e-3 * status.wake_p99_us:.1f} ms"
    )
    shown.append(
        f"late hops {status.late_hops} ({status.starved_ms:.1f} ms unrepaired)   "
        f"device xruns in {status.input_overflows + status.input_underflows} out "
        f"{status.output_overflows + status.output_underflows}   "
        f"faults {status.faults}"
    )
    if not info.get("one_clock", True):
        shown.append(f"output clock {status.drift_ppm:+.1f} ppm against the input's")
    shown.append(str(info.get("latency_text", "")))
    return shown


def verdict(status: "Status", info: dict[str, Any]) -> str:
    """How it goes, in one sentence, and what to do about it."""
    xruns = sum(
        (
            status.input_overflows,
            status.input_underflows,
            status.output_overflows,
            status.output_underflows,
        )
    )
    if status.zeros_s > _ZEROS_S:
        return "NO SIGNAL: exact zeros. Is the microphone muted, or not allowed?"
    if status.faults:
        return "CARE: the processor fails; the sound passes unrepaired. Try another: p"
    if status.late_hops and status.late_hops >= xruns:
        return "CARE: this machine was too busy at times. Try --block 512; 0 resets"
    if xruns:
        return "CARE: the device lost blocks (busy machine?). Try --block 512"
    if not info.get("compiled_callback", True):
        return "CARE: Python's callback. A busy program can hold up the sound"
    return "all is well: nothing late, nothing lost"


def _levels(status: "Status", n_channels: int) -> list[str]:
    shown = []
    for c in range(min(n_channels, 2)):
        high, low = status.clip_high[c], status.clip_low[c]
        level = "not clipped"
        if high or low:
            share = 100 * status.clipped_share[c]
            level = f"clipped {share:.1f} % at {_both(high, low)} dB"
        shown.append(
            f"in  {c + 1} {bar(status.peak_in[c], status.rms_in[c])} "
            f"{decibels(status.peak_in[c]):6.1f} dB  {level}"
        )
        shown.append(
            f"out {c + 1} {bar(status.peak_out[c], status.rms_out[c])} "
            f"{decibels(status.peak_out[c]):6.1f} dB"
        )
    return shown


def _both(high: float, low: float) -> str:
    """The clip levels of both polarities, once if they are alike."""
    known = [f"{decibels(level):.1f}" for level in (high, low) if level]
    return "/".join(dict.fromkeys(known))


class View:
    """A few lines at the bottom of the terminal, redrawn in place.

    Args:
        seekable: show the keys and the place of a file.
        recording: name of the recording, shown as REC; empty for none.
    """

    def __init__(self, seekable: bool, recording: str) -> None:
        from rich.console import Console
        from rich.live import Live

        self._seekable, self._recording = seekable, recording
        self._said: deque[str] = deque(maxlen=_KEPT)
        self._live = Live(
            console=Console(highlight=False), auto_refresh=False, transient=True
        )

    def __enter__(self) -> "View":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        for text in self._said:
            self._live.console.print(text, markup=False)

    def say(self, text: str) -> None:
        """Keeps an event among the last ones shown."""
        self._said.append(text)

    def update(self, session: "Supervisor") -> None:
        """Draws the state as it is now."""
        from rich.text import Text

        if session.reader is None:
            body = [f"{session.state} …"]
        else:
            status = session.reader.status()
            rate = session.reader.sample_rate
            body = lines(status, session.info, session.reader.n_channels, rate)
            if self._seekable:
                body.append(_place(status, rate))
        if self._recording:
            body.insert(0, f"● REC {self._recording}")
        body += list(self._said)
        body.append(FILE_KEYS if self._seekable else LIVE_KEYS)
        self._live.update(Text("\n".join(body), no_wrap=False), refresh=True)


def _place(status: "Status", rate: int) -> str:
    def clock(samples: int) -> str:
        seconds = samples / rate
        return f"{int(seconds // 60)}:{seconds % 60:04.1f}"

    return f"{clock(status.file_position)} / {clock(status.recording_end)}"
