"""What the window is connected to: nothing, a process of its own, or someone else's.

A session starts and restarts an audio process through the supervisor, or attaches to
an engine that runs already. It stops what it started and nothing else. No Qt here;
``tick`` is called by a timer and never blocks.
"""

import contextlib
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.recorder import Recorder, Take
from rtdeclip.live.supervisor import Supervisor
from rtdeclip.live.telemetry import ParameterWriter, TelemetryReader, find_sessions
from rtdeclip.monitor.outbox import Outbox
from rtdeclip.monitor.view_model import ViewModel

SOUND = "rtdeclip.live.audio_process"
DEMO = "rtdeclip.monitor.demo_source"
_LOOK_EVERY_S = 0.5
_MATCH_STEP_DB = 0.2
"""The bypass follows the restored sound's loudness in steps of at least this."""


class State(Enum):
    """How the connection stands."""

    IDLE = "idle"
    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting for the device"
    FAILED = "failed"


_STATES = {
    "starting": State.STARTING,
    "running": State.RUNNING,
    "waiting": State.WAITING,
    "stopping": State.IDLE,
    "ended": State.IDLE,
    "failed": State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start.

    Args:
        config: of the audio process.
        demo: the embedded audio instead of a device.
    """

    config: LiveConfig
    demo: bool = False


class Session:
    """One connection; public attributes are for reading.

    Attributes:
        state: how it stands.
        problem: why it failed or ended, a sentence; empty otherwise.
        model: what is shown; None while nothing runs.
        controls: sets parameters; None while nothing runs.
        match: the bypass is as loud as the restored sound.
        plan: what was started last; None when attached.
        generation: counts the engines that were looked at.
    """

    def __init__(self) -> None:
        self.state = State.IDLE
        self.problem = ""
        self.model: ViewModel | None = None
        self.controls: ParameterWriter | None = None
        self.plan: Plan | None = None
        self.generation = 0
        self.match = False
        self._match_db = 0.0
        self._outbox: Outbox | None = None
        self._reader: TelemetryReader | None = None
        self._supervisor: Supervisor | None = None
        self._recorder: Recorder | None = None
        self._next_look_s = 0.0

    @property
    def owns_process(self) -> bool:
        """True when the sound ends with the window."""
        return self._supervisor is not None

    @property
    def pid(self) -> int:
        """Of the audio process; 0 if there is none."""
        if self._supervisor:
            return self._supervisor.pid
        return self._reader.pid if self._reader else 0

    def start(self, plan: Plan) -> None:
        """Starts an audio process of its own; ends the one before."""
        self.stop()
        self.plan = plan
        self._supervisor = Supervisor(plan.config, module=DEMO if plan.demo else SOUND)
        self._supervisor.start()
        self.state, self.problem = State.STARTING, ""

    def attach(self, path: Path | None = None) -> None:
        """Looks at an engine that someone else started; the newest without a path.

        Raises:
            DeviceError: there is none.
        """
        self.stop()
        self.plan = None
        if path is None:
            running = find_sessions()
            if not running:
                raise DeviceError(
                    "No engine is running that the monitor could attach to. "
                    "Start one: rtdeclip live"
                )
            path = running[0]
        reader = TelemetryReader(path)
        self._connect(reader, ParameterWriter(path))
        self.state, self.problem = State.RUNNING, ""

    def stop(self) -> None:
        """Ends the process of its own, or lets go of another's."""
        self.stop_recording()
        if self._match_db and not self._supervisor:  # as it was found
            self.ask(bypass_gain_db=0.0)
        self._let_go()
        if self._supervisor:
            self._supervisor.stop()
            self._supervisor = None
        self.state = State.IDLE

    def tick(self) -> None:
        """A look at the process; call it some 30 times a second, it is cheap."""
        if self._supervisor:
            self._follow(self._supervisor)
        elif time.monotonic() >= self._next_look_s:
            self._next_look_s = time.monotonic() + _LOOK_EVERY_S
            self._look()
        if self._outbox and self.model:
            self._outbox.served(self.model.status.request_done)
            self._match_loudness(self.model)

    def ask(self, **content: Any) -> None:
        """Asks the engine for something; nothing while none runs."""
        if self._outbox:
            self._outbox.ask(**content)

    @property
    def settled(self) -> bool:
        """The engine has served everything that was asked for."""
        return self._outbox is None or self._outbox.idle

    def _match_loudness(self, model: ViewModel) -> None:
        """Keeps the bypass as loud as the restored sound, or bit-exact again."""
        wanted = model.match_db if self.match else 0.0
        if self.settled and (
            abs(wanted - self._match_db) >= _MATCH_STEP_DB
            or (wanted == 0.0 and self._match_db != 0.0)
        ):
            self._match_db = wanted
            self.ask(bypass_gain_db=round(wanted, 2))

    def _follow(self, supervisor: Supervisor) -> None:
        supervisor.poll()
        self.state = _STATES[supervisor.state]
        if supervisor.reader is not self._reader:
            self._let_go()
            if supervisor.reader and supervisor.writer:
                self._connect(supervisor.reader, supervisor.writer)
        if self.state in (State.FAILED, State.IDLE):
            self.problem = str(supervisor.error or "")
            self._let_go()
            supervisor.stop()
            self._supervisor = None

    def _look(self) -> None:
        """At someone else's engine: a new one under the same name is followed."""
        reader = self._reader
        if reader is None:
            return
        if reader.alive() and not reader.replaced():
            return
        self._let_go()
        with contextlib.suppress(DeviceError):
            self.attach(reader.path)
            return
        self.state = State.IDLE
        self.problem = "The engine that the monitor was attached to has ended."

    def record(self, path: Path) -> None:
        """Writes dry and wet to ``NAME.dry.wav`` and ``NAME.wet.wav``.

        Raises:
            FileError: they exist or cannot be made.
        """
        self._recorder = Recorder(path)
        if self._reader:
            self._recorder.follow(self._reader)

    @property
    def recording(self) -> bool:
        """A recording is being written."""
        return self._recorder is not None and not self._recorder.error

    def stop_recording(self) -> Take | None:
        """Closes the files; what was recorded, None if nothing was."""
        if self._recorder is None:
            return None
        take, self._recorder = self._recorder.stop(), None
        return take

    def _connect(self, reader: TelemetryReader, writer: ParameterWriter) -> None:
        self._reader, self.controls = reader, writer
        self.model = ViewModel(reader)
        self._outbox, self._match_db = Outbox(writer.request), 0.0
        self.generation += 1
        if self._recorder:
            self._recorder.follow(reader)

    def _let_go(self) -> None:
        self._reader = self.model = self.controls = self._outbox = None
