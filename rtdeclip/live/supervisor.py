"""Starts the audio process, watches it and replaces it: the host's side of a session.

Whatever goes wrong with a device, its server or a driver ends the audio process; the
supervisor starts the next one at once, with the settings as they stood, and that one
waits for the device to come back under its name. ``poll`` never blocks, so a monitor
may call it from its event loop.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from rtdeclip.errors import DeviceError, RtdeclipError, SettingError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.recorder import Recorder
from rtdeclip.live.runtime_dir import runtime_dir
from rtdeclip.live.telemetry import ParameterWriter, TelemetryReader, remove_stale

State = Literal["starting", "running", "waiting", "stopping", "ended", "failed"]

_SILENT_S = 2.0
"""A running audio process that shows no status for so long is ended."""
_MUTE_S = {"opening": 15.0, "waiting": 10.0}
"""So is one that says nothing more after these; compiling may take its time."""
_STOP_S = 5.0
_PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0)
_GOOD_RUN_S = 5.0
_LOG_BYTES = 1 << 20
_COUNTERS = ("stop", "reset", "duck_off")


class Supervisor:
    """One session, however many audio processes it takes.

    Args:
        config: what to do.
        env: environment of the audio process; None: this one's.
        recorder: follows every audio process.
        module: what an audio process runs (the demo's has no sound card).

    Attributes:
        state: ``starting`` until sound runs, ``waiting`` for a device that is gone,
            ``failed`` with ``error`` set, ``ended``.
        reader: telemetry of the running audio process, or None.
        writer: its parameters, or None.
        restarts: how many replacements there were.
        summary: the last status of a session that has ended.
    """

    def __init__(
        self,
        config: LiveConfig,
        env: Mapping[str, str] | None = None,
        recorder: Recorder | None = None,
        module: str = "rtdeclip.live.audio_process",
    ) -> None:
        self._module = module
        if not config.telemetry:
            remove_stale()
            name = f"live-{time.time_ns() // 1000:x}.telemetry"
            config = replace(config, telemetry=str(runtime_dir() / name))
        self.config = config
        self._env = dict(env) if env is not None else None
        self._recorder = recorder
        self.state: State = "starting"
        self.reader: TelemetryReader | None = None
        self.writer: ParameterWriter | None = None
        self.restarts = 0
        self.error: RtdeclipError | None = None
        self.summary: dict[str, Any] = {}
        self.info: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._retry_at = 0.0
        self._failures = 0
        self._started_at = 0.0
        self._drained = False
        self._last, self._heard_at = "", 0.0
        self._log = _open_log()
        weakref.finalize(self, os.close, self._log)

    @property
    def pid(self) -> int:
        """Of the audio process; 0 if there is none now."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Starts the first audio process; ``poll`` tells how it fares."""
        self._spawn()

    def poll(self) -> list[dict[str, Any]]:
        """What has happened since the last call; restarts what has died."""
        events = self._take_lines(0.0)
        if self._process is None:
            if self.state == "waiting" and time.monotonic() >= self._retry_at:
                self._spawn()
            return events
        if self._process.poll() is not None:
            events += self._bury()
        elif self._is_silent():
            self._process.kill()
        return events

    def stop(self) -> list[dict[str, Any]]:
        """Ends the session: fade out, close, and kill what does not obey.

        Returns:
            what ``poll`` would have told.
        """
        events: list[dict[str, Any]] = []
        if self.state in ("ended", "failed"):
            return events
        self.state = "stopping"
        if self._process is not None:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            events = self.poll()
        self.state = "failed" if self.error else "ended"
        self._sweep()
        return events

    def wait_until_running(self, timeout_s: float) -> None:
        """Polls until sound runs.

        Raises:
            RtdeclipError: the session failed, in the audio process's own words.
            DeviceError: it did not start in time.
        """
        deadline = time.monotonic() + timeout_s
        while self.state != "running":
            self.poll()
            if self.error:
                raise self.error
            if time.monotonic() > deadline:
                self.stop()
                raise DeviceError(
                    f"No sound after {timeout_s:g} s. See what is missing: "
                    "rtdeclip doctor"
                )
            time.sleep(0.02)

    def _spawn(self) -> None:
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._drained, self._last = False, ""
        if os.fstat(self._log).st_size > _LOG_BYTES:
            os.ftruncate(self._log, 0)
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=self._env,
            start_new_session=True,  # ctrl-C is the host's
        )
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # dead already: ``poll`` will see it
            self._process.stdin.write(self.config.to_json().encode() + b"\n")
            self._process.stdin.flush()
        self._started_at = time.monotonic()
        threading.Thread(
            target=_listen, args=(self._process.stdout, self._lines), daemon=True
        ).start()

    def _take_lines(self, patience_s: float) -> list[dict[str, Any]]:
        """What the audio process has said; that it still waits is no news."""
        events = []
        while line := self._next_line(patience_s):
            self._heard_at = time.monotonic()
            event = self._take(line)
            if event["event"] != "alive":
                self._last = event["event"]
                events.append(event)
        return events

    def _take(self, line: bytes) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "started":
            self._take_started(event)
        elif event["event"] == "waiting":
            self.state = "waiting"
        elif event["event"] == "ended":
            self.summary = event
        elif event["event"] == "error":
            # Only what the user asked for amiss is not tried again.
            kind = SettingError if event["kind"] == "usage" else DeviceError
            self.error = kind(event["message"])
        return event

    def _take_started(self, event: dict[str, Any]) -> None:
        shape = (event["info"]["sample_rate"], event["info"]["n_channels"])
        self.config = replace(self.config, expect=shape, wait_for_device=True)
        self._started_at = time.monotonic()
        path = Path(event["telemetry"])
        try:
            self.reader, self.writer = TelemetryReader(path), ParameterWriter(path)
        except DeviceError:
            return  # it has lost its device since: its end comes next
        self.info = event["info"]
        self.state = "running"
        if self._recorder:
            self._recorder.follow(self.reader)

    def _is_silent(self) -> bool:
        if self.state != "running" or self.reader is None:
            patience = _MUTE_S.get(self._last, float("inf"))
            return time.monotonic() - self._heard_at > patience
        shown = max(self.reader.status().time_ns * 1e-9, self._started_at)
        return time.monotonic() - shown > _SILENT_S

    def _bury(self) -> list[dict[str, Any]]:
        """The audio process has ended: as asked, for good, or to be replaced."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        code = process.wait()
        events = self._take_lines(0.5)
        with contextlib.suppress(OSError):
            process.stdin.close()
        self._process = None
        self._keep_settings()
        self.reader = self.writer = None
        self._sweep()
        if code == 0 or self.state == "stopping":
            self.state = "ended"
            return events
        ran = time.monotonic() - self._started_at > _GOOD_RUN_S
        known = self.config.wait_for_device  # it has run once
        if not known or isinstance(self.error, SettingError):
            self.state = "failed"
            self.error = self.error or DeviceError(
                f"The audio process ended with code {code}: {self._last_words()} "
                "See: rtdeclip doctor"
            )
            return events
        self.error = None
        self._failures = 0 if ran else self._failures
        pause = _PAUSES_S[min(self._failures, len(_PAUSES_S) - 1)]
        self._failures += 1
        self._retry_at = time.monotonic() + pause
        self.state = "waiting"
        self.restarts += 1
        return [*events, {"event": "reconnecting", "code": code, "pause_s": pause}]

    def _next_line(self, patience_s: float) -> bytes:
        """What the audio process said next; empty if nothing."""
        if self._drained:
            return b""
        try:
            line = (
                self._lines.get(timeout=patience_s)
                if patience_s
                else (self._lines.get_nowait())
            )
        except queue.Empty:
            return b""
        self._drained = not line
        return line

    def _keep_settings(self) -> None:
        if self.reader is None:
            return
        values = self.reader.parameters()
        kept = {k: v for k, v in values.items() if k not in _COUNTERS}
        config = self.reader.info.get("config", {})
        self.config = replace(
            self.config,
            parameters=kept,
            processor=config.get("processor", self.config.processor),
            settings=config.get("settings", self.config.settings),
        )

    def _sweep(self) -> None:
        """What a killed audio process could not remove."""
        file = Path(self.config.telemetry)
        for part in file.parent.glob(f"{file.stem}.*"):
            part.unlink(missing_ok=True)

    def _last_words(self) -> str:
        size = os.fstat(self._log).st_size
        said = os.pread(self._log, 4096, max(0, size - 4096))
        lines = said.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def _open_log() -> int:
    """A file without a name for the audio process's standard error."""
    handle, path = tempfile.mkstemp(prefix="rtdeclip-")
    os.close(handle)
    handle = os.open(path, os.O_RDWR | os.O_APPEND)
    os.unlink(path)
    return handle


def _listen(pipe: Any, lines: "queue.SimpleQueue[bytes]") -> None:
    with pipe:
        for line in pipe:
            if line.startswith(b"{"):  # libraries chatter on standard output too
                lines.put(line)
    lines.put(b"")
