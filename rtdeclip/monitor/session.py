"""What the window is connected to: nothing, a process of its own, or someone else's.

A session starts, watches and restarts an audio process, or attaches to a running one.
It stops what it started and nothing else. No Qt here; ``tick`` is called by a timer.
"""

import os
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.runtime_dir import runtime_dir
from rtdeclip.live.telemetry import ParameterWriter, TelemetryReader, find_sessions
from rtdeclip.monitor.process import DEMO, SOUND, AudioProcess
from rtdeclip.monitor.view_model import ViewModel

LOOK_EVERY_S = 0.5
DEVICE_LOST = 75


class State(Enum):
    """How the connection stands."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting for the device"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start.

    Args:
        config: of the audio process; its ``telemetry`` is filled in.
        demo: the embedded audio instead of a device.
    """

    config: LiveConfig
    demo: bool = False


class Session:
    """One connection; public attributes are for reading.

    Attributes:
        state: how it stands.
        problem: why it failed, a sentence with the cure; empty otherwise.
        model: what is shown; None while nothing runs.
        controls: sets parameters; None while nothing runs.
        plan: what was started last; None when attached.
    """

    def __init__(self) -> None:
        self.state = State.IDLE
        self.problem = ""
        self.model: ViewModel | None = None
        self.controls: ParameterWriter | None = None
        self.plan: Plan | None = None
        self.generation = 0
        self._reader: TelemetryReader | None = None
        self._process: AudioProcess | None = None
        self._number = 0
        self._next_look_s = 0.0

    @property
    def owns_process(self) -> bool:
        """True when the sound ends with the window."""
        return self._process is not None

    def start(self, plan: Plan) -> None:
        """Starts an audio process of its own; ends the one before."""
        self.stop()
        self._number += 1
        path = runtime_dir() / f"monitor-{os.getpid()}-{self._number}.telemetry"
        self.plan = replace(plan, config=replace(plan.config, telemetry=str(path)))
        self._process = AudioProcess(self.plan.config, DEMO if plan.demo else SOUND)
        self.state, self.problem = State.STARTING, ""

    def attach(self, path: Path | None = None) -> None:
        """Looks at an engine that someone else started; the newest without a path.

        Raises:
            DeviceError: there is none.
        """
        self.stop()
        if path is None:
            running = find_sessions()
            if not running:
                raise DeviceError(
                    "No engine is running that the monitor could attach to. "
                    "Start one: rtdeclip live"
                )
            path = running[0]
        self._connect(path)

    def restart(self) -> None:
        """The same again: for a hung process, or after an error."""
        if self.plan:
            kept = self.model.parameters if self.model else {}
            config = replace(self.plan.config, parameters=_kept(kept))
            self.start(replace(self.plan, config=config))

    def stop(self) -> None:
        """Ends the process of its own, or lets go of another's."""
        self._let_go()
        if self._process:
            self._process.end()
            self._process = None
        self.state = State.IDLE

    def tick(self) -> None:
        """A look at the process; call it some 30 times a second, it is cheap."""
        if self._process:
            for line in self._process.said():
                self._hear(line)
        now = time.monotonic()
        if now >= self._next_look_s:
            self._next_look_s = now + LOOK_EVERY_S
            self._look()

    def _hear(self, line: dict[str, Any]) -> None:
        event = line.get("event")
        if event == "started":
            self._connect(Path(str(line["telemetry"])))
        elif event == "waiting":
            self.state = State.WAITING
        elif event == "error":
            self._fail(str(line.get("message", "")))

    def _look(self) -> None:
        if self._process:
            code = self._process.exit_code
            if code == DEVICE_LOST and self.plan:
                config = replace(self.plan.config, wait_for_device=True)
                self.start(replace(self.plan, config=config))
            elif code is not None:
                self._ended(code)
        elif self._reader and not self._reader.alive():
            self._let_go()
            self.state = State.IDLE
            self.problem = "The engine that the monitor was attached to has ended."

    def _ended(self, code: int) -> None:
        assert self._process
        words, self._process = self._process.last_words, None
        failed = self.state is State.FAILED
        self._let_go()
        if code == 0:
            self.state = State.IDLE
        elif not failed:
            self._fail(f"The audio process ended by itself (exit code {code}). {words}")

    def _fail(self, problem: str) -> None:
        self._let_go()
        self.state, self.problem = State.FAILED, problem

    def _connect(self, path: Path) -> None:
        self._reader = TelemetryReader(path)
        self.controls = ParameterWriter(path)
        self.model = ViewModel(self._reader)
        self.generation += 1
        self.state, self.problem = State.RUNNING, ""

    def _let_go(self) -> None:
        self._reader = self.model = self.controls = None


def _kept(parameters: dict[str, float]) -> dict[str, float]:
    names = ("bypass", "repair_only", "wet", "mute")
    return {name: parameters[name] for name in names if name in parameters}
