"""Runs one live session in a terminal: ``live`` and ``play`` share it."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.live.supervisor import Supervisor

_PERIOD_S = 0.1
_VIEW_EVERY = 2  # the view is drawn at 5 Hz: eyes need no more, and it costs
_SEEK_S = 5.0
CTRL_C, TERMINATED = 130, 143


class Keys:
    """Single keys from the terminal, without waiting for them.

    Yields nothing where standard input is no terminal.
    """

    def __init__(self) -> None:
        self._handle = -1
        self._before: Any = None

    def __enter__(self) -> "Keys":
        with contextlib.suppress(ImportError, OSError, ValueError):
            import termios
            import tty

            handle = sys.stdin.fileno()
            if sys.stdin.isatty():
                self._before = termios.tcgetattr(handle)
                tty.setcbreak(handle)
                self._handle = handle
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(self._handle, termios.TCSADRAIN, self._before)

    def pressed(self) -> Iterator[str]:
        """Every key since the last call; arrows as ``left`` and ``right``."""
        if self._handle < 0:
            return
        import os
        import select

        while select.select([self._handle], [], [], 0)[0]:
            data = os.read(self._handle, 64).decode(errors="ignore")
            if not data:
                return
            data = data.replace("\x1b[D", "\x00").replace("\x1b[C", "\x01")
            names = {"\x00": "left", "\x01": "right", "\x1b": "escape"}
            yield from (names.get(c, c) for c in data)


class Console:
    """What keys do to a running session."""

    def __init__(self, session: "Supervisor", seekable: bool) -> None:
        self._session, self._seekable = session, seekable
        self.wants_end = False

    def press(self, key: str) -> None:
        """Takes up one key."""
        writer, reader = self._session.writer, self._session.reader
        if key in ("q", "Q"):
            self.wants_end = True
        if writer is None or reader is None:
            return
        if key in ("b", "r", "m"):
            name = {"b": "bypass", "r": "repair_only", "m": "mute"}[key]
            writer.set(name, 0.0 if writer.get(name) else 1.0)
        elif key == "escape" or (key == " " and not self._seekable):
            writer.set("mute", 2.0)
        elif key == " ":
            writer.set("pause", 0.0 if writer.get("pause") else 1.0)
        elif key == "f":
            writer.bump("duck_off")
        elif key == "0":
            writer.bump("reset")
        elif key == "p":
            names = reader.info["processors"]
            following = (reader.status().processor + 1) % len(names)
            writer.request(processor=names[following], settings={})
        elif key in ("left", "right") and self._seekable:
            at = reader.status().file_position / reader.sample_rate
            step = _SEEK_S if key == "right" else -_SEEK_S
            writer.request(seek_s=max(0.0, at + step))


def run_session(
    session: "Supervisor",
    *,
    as_json: bool,
    quiet: bool,
    seekable: bool = False,
    recording: str = "",
) -> int:
    """Starts the session, shows it, ends it; the exit code.

    Args:
        session: not yet started.
        as_json: ten JSON lines a second instead of the view.
        quiet: neither.
        seekable: the input is a file.
        recording: name to show while recording.

    Returns:
        0 ended by itself or by ``q``, 130 by ctrl-C, 143 by SIGTERM.

    Raises:
        RtdeclipError: it failed, in the audio process's words.
    """
    stopped_by: list[int] = []
    handlers = {
        number: signal.signal(number, lambda n, _: stopped_by.append(n))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        session.start()
        _show(session, stopped_by, as_json, quiet, seekable, recording)
    finally:
        for event in session.stop():
            _tell(event, as_json, quiet, None)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if session.error:
        raise session.error
    if stopped_by:
        return CTRL_C if stopped_by[0] == signal.SIGINT else TERMINATED
    return 0


def _show(
    session: "Supervisor",
    stopped_by: list[int],
    as_json: bool,
    quiet: bool,
    seekable: bool,
    recording: str,
) -> None:
    from rtdeclip.cli._live_view import View

    plain = as_json or quiet or not sys.stdout.isatty()
    view = None if plain else View(seekable, recording)
    console = Console(session, seekable)
    since, turn = 0, 0
    with Keys() as keys, view or contextlib.nullcontext():
        while not (stopped_by or console.wants_end):
            begin = time.perf_counter()
            for event in session.poll():
                since = 0 if event["event"] == "started" else since
                _tell(event, as_json, quiet, view)
            if session.state in ("ended", "failed"):
                return
            for key in keys.pressed():
                console.press(key)
            since = _events(session, since, as_json, quiet, view)
            if as_json:
                _print_status(session)
            elif view and turn % _VIEW_EVERY == 0:
                view.update(session)
            turn += 1
            time.sleep(max(0.0, _PERIOD_S - (time.perf_counter() - begin)))


def _tell(event: dict[str, Any], as_json: bool, quiet: bool, view: Any) -> None:
    """One line of the audio process."""
    if as_json:
        shown = {k: v for k, v in event.items() if k != "info"}
        typer.echo(json.dumps(shown | event.get("info", {})))
        return
    if quiet:
        return
    texts: dict[str, Callable[[dict[str, Any]], str]] = {
        "started": lambda e: f"{e['info']['latency_text']}  ({e['scheduler']})",
        "waiting": lambda e: f"Waiting for the device. {e['message']}",
        "reconnecting": lambda e: "The sound has stopped; starting it again.",
        "ended": _farewell,
        "note": lambda e: str(e["text"]),
    }
    if view and event["event"] == "started":
        return  # the view itself states the latency
    if text := texts.get(event["event"]):
        (view.say if view else typer.echo)(text(event))


def _farewell(event: dict[str, Any]) -> str:
    xruns = sum(
        event[f"{way}_{kind}"]
        for way in ("input", "output")
        for kind in ("overflows", "underflows")
    )
    return (
        f"Ended. Late hops {event['late_hops']} ({event['starved_ms']:.1f} ms dry), "
        f"device xruns {xruns}, RTF p99 {event['rtf_p99']:.2f}"
    )


def _events(
    session: "Supervisor", since: int, as_json: bool, quiet: bool, view: Any
) -> int:
    """Prints what happened to the sound; where to go on next time."""
    if session.reader is None:
        return 0
    for event in session.reader.events(since):
        since = event.number + 1
        if as_json:
            typer.echo(json.dumps({"event": "sound", **event._asdict()}))
        elif not quiet:
            at = event.position / session.reader.sample_rate
            (view.say if view else typer.echo)(f"{at:9.2f} s  {event.text}")
    return since


def _print_status(session: "Supervisor") -> None:
    from rtdeclip.live.telemetry import STATES

    if session.reader is None:
        return
    status = asdict(session.reader.status())
    names = session.reader.info.get("processors", [])
    n = session.reader.n_channels
    for name, value in status.items():
        if isinstance(value, tuple):
            status[name] = value[:n]
    status["state"] = STATES[status["state"]]
    if status["processor"] < len(names):
        status["processor"] = names[status["processor"]]
    typer.echo(json.dumps({"event": "status", **status}))
