"""The audio process's control thread: parameters in, telemetry and events out.

It runs 25 times a second beside the worker and never on the audio path: what it
decides reaches the Stream between two hops, and the output through the callback's
fade.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

import numpy as np

from rtdeclip.errors import RtdeclipError, SettingError
from rtdeclip.live import ring as r
from rtdeclip.live.chain_requests import QUICK, SLOW, ChainRequests, Change
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.engine import Engine
from rtdeclip.live.feedback import LENGTH, FeedbackGuard
from rtdeclip.live.meters import Meters
from rtdeclip.live.pressure import Pressure
from rtdeclip.live.realtime import lift_thread
from rtdeclip.live.telemetry import PARAMETERS, STATES, TelemetryFile
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.headroom import from_db
from rtdeclip.stream.stream import Stream

FADE_IN_S = 0.2
_MUTE_S = 0.02
_DUCK = 0.1  # −20 dB
_ZEROS_S = 2.0
TICK_S = 0.04


class Controller:
    """Takes up what hosts ask for and shows how the engine is.

    Args:
        engine: what is controlled.
        file: telemetry and parameters.
        config: the session's options.
        info: telemetry's; ``processors`` are what ``Status.processor`` counts.
        seek: moves the file source to a time in seconds; None without one.
        guard: judges the output for feedback; None for a file source.
    """

    def __init__(
        self,
        engine: Engine,
        file: TelemetryFile,
        config: LiveConfig,
        info: dict[str, Any],
        seek: Callable[[float], None] | None = None,
        guard: FeedbackGuard | None = None,
    ) -> None:
        self._engine, self._file, self._config = engine, file, config
        self._info = info
        self._processors: list[str] = info["processors"]
        self._seek = seek
        self._guard = guard
        self._meters = Meters(engine, file)
        self._chain = ChainRequests(engine, info["config"], config.ceiling_db)
        self._bypass_gain = 1.0
        self._said: dict[str, int] = {}
        self._ducked = self._silent = False
        self._pressure = Pressure()
        self._worked = (0, 0)
        self._steps: deque[str] = deque()
        self._served, _ = file.request()
        self._busy: threading.Thread | None = None
        for name, value in config.parameters.items():
            if name in PARAMETERS:
                file.set_parameter(name, value)
        self._before = {name: file.parameter(name) for name in PARAMETERS}
        self.ending = False
        self._mix(first=True)

    def tick(self) -> bool:
        """One round; False when a host has asked to stop."""
        now = {name: self._file.parameter(name) for name in PARAMETERS}
        changed = {name for name in PARAMETERS if now[name] != self._before[name]}
        self._before = now
        if changed & {"bypass", "repair_only", "wet"}:
            self._mix()
        if "reset" in changed:
            self._engine.memory.reset_counters()
            self._said.clear()
        if "duck_off" in changed and self._ducked:
            self._ducked = False
            self._say("feedback: the output is back at its level")
        self._serve_request()
        self._listen()
        self._ease()
        self._fade()
        self._report()
        self.publish()
        return "stop" not in changed

    def publish(self, state: str | None = None) -> None:
        """Shows the status, in ``state`` or as the fade has it."""
        fields = self._file.fields
        self._meters.update()
        fade = self._engine.memory.reals[r.FADE]
        shown = state or ("running" if fade > 0.0 else "muted")
        fields["state"] = STATES.index(shown)
        fields["muted"] = int(self._before["mute"] > 0)
        fields["ducked"] = int(self._ducked)
        fields["request_done"] = self._served
        fields["scheduler"] = self._engine.granted.scheduler
        fields["priority"] = self._engine.granted.priority
        fields["faults"] = self._engine.worker.faults + self._stream_faults()
        stream = self._engine.stream
        if isinstance(stream, Stream) and stream.processor in self._processors:
            fields["processor"] = self._processors.index(stream.processor)
        self._file.publish()

    def _stream_faults(self) -> int:
        stream = self._engine.stream
        return stream.faults.count if isinstance(stream, Stream) else 0

    def _say(self, text: str) -> None:
        self._file.say(text, int(self._engine.memory.words[r.CAPTURED]))

    def _mix(self, *, first: bool = False) -> None:
        stream, now = self._engine.stream, self._before
        if not isinstance(stream, Stream):
            return
        bypass, gain = now["bypass"] > 0, self._bypass_gain
        repair, wet = now["repair_only"] > 0, float(np.clip(now["wet"], 0.0, 1.0))

        def change() -> None:
            stream.set_bypass(bypass, gain)
            stream.set_output("repair" if repair else "full")
            stream.set_wet(wet)

        self._engine.do(change)
        if not first:
            what = "bypass" if bypass else ("repair only" if repair else "restored")
            self._say(f"switch: {what}, wet {wet:g}")

    def _fade(self) -> None:
        memory = self._engine.memory
        if not memory.words[r.STARTED]:
            return
        mute = self._before["mute"]
        target = 0.0 if mute or self.ending else (_DUCK if self._ducked else 1.0)
        if target == memory.reals[r.FADE_TARGET]:
            return
        falls = target < memory.reals[r.FADE_TARGET]
        memory.fade_to(target, _MUTE_S if falls and mute < 2 else FADE_IN_S)
        if mute >= 2:
            memory.fade_to(0.0, 0.001)

    def _listen(self) -> None:
        words = self._engine.memory.words
        silent = int(words[r.ZERO_RUN]) > _ZEROS_S * int(words[r.SAMPLE_RATE])
        if silent and not self._silent:
            self._say(
                "silence: the input gives exact zeros for 2 s; is the microphone "
                "muted, or is the program not allowed to listen?"
            )
        self._silent = silent
        if self._guard is None or self._ducked:
            return
        dry, _, _, ends = self._file.scope
        end = int(ends[0])
        if end < LENGTH:
            return
        rows = np.arange(end - LENGTH, end) & (len(dry) - 1)
        if self._guard.hears_howl(dry[rows, 0]):
            self._ducked = True
            self._guard.reset()
            self._say(
                "feedback: one tone grows by itself; the output is 20 dB down. Use "
                "headphones, then press f"
            )

    def _ease(self) -> None:
        """Under overload a processor that can (``auto``) takes a cheaper way."""
        stream, words = self._engine.stream, self._engine.memory.words
        if not isinstance(stream, Stream):
            return
        hops, busy = int(words[r.HOPS]), int(words[r.BUSY_NS])
        done, spent = hops - self._worked[0], busy - self._worked[1]
        self._worked = (hops, busy)
        lasted_ns = 1e9 * done * int(words[r.HOP]) / int(words[r.SAMPLE_RATE])
        load = spent / lasted_ns if done > 0 else 0.0
        step = self._pressure.judge(monotonic(), int(words[r.LATE_HOPS]), load)

        def change() -> None:
            if step < 0 and stream.ease():
                self._steps.append("overload: a cheaper method is used")
            elif step > 0 and stream.recover():
                self._steps.append("overload is over: a better method is allowed again")

        if step:
            self._engine.do(change)
        while self._steps:
            self._say(self._steps.popleft())

    def _report(self) -> None:
        """Events for counters that have moved, once a second at most each."""
        words, worker = self._engine.memory.words, self._engine.worker
        late = int(words[r.LATE_HOPS])
        texts = {
            "late": (late, f"late: {late} hops so far were played dry"),
            "jump": (
                int(words[r.JUMPS]),
                f"skip: the worker left out {int(words[r.SKIPPED])} samples so far "
                "that were already past",
            ),
            "fault": (
                worker.faults + self._stream_faults(),
                f"fault: {worker.last_fault or self._reason()}; dry is played",
            ),
        }
        for name, (count, text) in texts.items():
            if count > self._said.get(name, 0):
                self._say(text)
            self._said[name] = count
        wide = self._engine.layout.n_channels > 1
        for choice in self._engine.choices.take():
            where = f", channel {choice.channel + 1}" if wide else ""
            self._file.say(f"choice: {choice.name}{where}", choice.position)

    def _reason(self) -> str:
        stream = self._engine.stream
        reasons = list(stream.faults.reasons) if isinstance(stream, Stream) else []
        return reasons[-1] if reasons else "a processor failed"

    def _serve_request(self) -> None:
        number, content = self._file.request()
        if self._busy and not self._busy.is_alive():
            self._busy = None
        if number == self._served or content is None or self._busy:
            return
        if not set(content) & {"seek_s", "levels", *QUICK, *SLOW}:
            self._say(f"refused: {json.dumps(content)[:80]} is nothing I know here")
        self._serve_quickly(content)
        if set(content) & set(SLOW):
            self._busy = threading.Thread(
                target=self._rebuild, args=(number, content), daemon=True
            )
            self._busy.start()
        else:
            self._served = number

    def _serve_quickly(self, content: dict[str, Any]) -> None:
        """The parts of a request that need nothing to be built."""
        if "seek_s" in content and self._seek:
            self._seek(float(content["seek_s"]))
        if "levels" in content:
            self._lock_levels(content["levels"])
        try:
            if "bypass_gain_db" in content:
                self._set_bypass_gain(float(content["bypass_gain_db"]))
            self._apply(self._chain.quick(content))
        except (RtdeclipError, TypeError, ValueError) as error:
            self._say(f"refused: {error}")

    def _set_bypass_gain(self, gain_db: float) -> None:
        """How much louder the bypassed input is played, so that A/B compares fairly."""
        if not -24.0 <= gain_db <= 24.0:
            raise SettingError(f"The bypass gain is {gain_db} dB; give −24 to 24 dB.")
        self._bypass_gain = from_db(gain_db)
        self._info["config"]["bypass_gain_db"] = gain_db
        self._file.set_info(self._info)
        self._mix(first=True)

    def _rebuild(self, number: int, content: dict[str, Any]) -> None:
        """Prepares what is slow beside the sound, then crossfades to it."""
        if self._config.priority:
            lift_thread()
        try:
            self._apply(self._chain.slow(content))
        except (RtdeclipError, TypeError, ValueError) as error:
            self._say(f"refused: {error}")
        finally:
            self._served = number

    def _apply(self, changes: list[Change]) -> None:
        for change in changes:
            self._engine.do(change.apply)
            self._info["config"] |= change.config
            if change.text:
                self._say(change.text)
        if changes:
            self._file.set_info(self._info)

    def _lock_levels(self, pairs: list[list[float]] | None) -> None:
        """Clip levels a host has chosen, (high, low) magnitudes; None: detect again."""
        stream = self._engine.stream
        if not isinstance(stream, Stream):
            return

        def plateau(level: float) -> Plateau | None:
            return Plateau.digital(level) if level > 0.0 else None

        try:
            if pairs is None:
                stream.lock_levels(None)
                self._say("levels: detected again")
            else:
                stream.lock_levels([(plateau(h), plateau(lo)) for h, lo in pairs])
        except (RtdeclipError, TypeError, ValueError) as error:
            self._say(f"refused: {error}")
