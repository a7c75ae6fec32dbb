"""``rtdeclip bench live-start``: how long until there is sound, on a dummy JACK device.

``warm``      a session's start with all kernels in numba's cache
``cold``      the same with an empty cache: everything is compiled first
``returned``  the server is killed under the sound and started again; the time counts
              from its first answer

Sound is there when the master fade opens (``Status.gain`` above 0).
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rtdeclip.benchmarks.jack_server import JackServer, jack_server
from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LIVE_PROCESSOR, LiveConfig
from rtdeclip.live.supervisor import Supervisor

CASES = ("warm", "cold", "returned")
_LIMIT_S = 180.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start.

    Args:
        case: one of ``CASES``.
        processor: asked for.
        began_with: the processor of the first sound.
        sound_s: until the first sound.
        whole_s: until the processor that was asked for runs.
        cpu_s: CPU time of the audio process up to the first sound.
        latency_samples: as stated.
    """

    case: str
    processor: str
    began_with: str
    sound_s: float
    whole_s: float
    cpu_s: float
    latency_samples: int

    def as_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def run(
    processor: str = LIVE_PROCESSOR, cases: Sequence[str] = CASES
) -> Iterator[Start]:
    """One row after the other.

    Raises:
        MissingExtraError: no jackd.
        DeviceError: no sound came.
    """
    for case in cases:
        with jack_server() as server:
            if case == "returned":
                yield _returned(processor, server)
                continue
            with _cache(case == "cold") as cache:
                begin = time.monotonic()
                with _session(processor, {**server.env, **cache}) as session:
                    yield _first_sound(session, case, begin)


@contextmanager
def _cache(empty: bool) -> Iterator[dict[str, str]]:
    if not empty:
        yield {}
        return
    with tempfile.TemporaryDirectory() as path:
        yield {"NUMBA_CACHE_DIR": path}


@contextmanager
def _session(processor: str, env: dict[str, str]) -> Iterator[Supervisor]:
    config = LiveConfig(
        input="system", output="system", monitor_speakers=True, processor=processor
    )
    session = Supervisor(config, env=env)
    session.start()
    try:
        yield session
    finally:
        session.stop()


def _returned(processor: str, server: JackServer) -> Start:
    with _session(processor, server.env) as session:
        _first_sound(session, "warm", time.monotonic())
        server.kill()
        # Until the replacement says that it looks for the device.
        said: list[str] = []
        _poll(session, lambda: "waiting" in said, said)
        server.start()
        return _first_sound(session, "returned", time.monotonic())


def _first_sound(session: Supervisor, case: str, begin: float) -> Start:
    _poll(session, lambda: _gain(session) > 0.0)
    sound_s = time.monotonic() - begin
    assert session.reader is not None
    status = session.reader.status()
    names = session.info["processors"]
    wanted = session.config.processor
    _poll(session, lambda: names[_processor(session)] == wanted)
    return Start(
        case,
        wanted,
        names[status.processor],
        sound_s,
        time.monotonic() - begin,
        status.cpu_s,
        session.info["latency_samples"],
    )


def _gain(session: Supervisor) -> float:
    return session.reader.status().gain if session.reader else 0.0


def _processor(session: Supervisor) -> int:
    return session.reader.status().processor if session.reader else 0


def _poll(
    session: Supervisor, done: Callable[[], bool], said: list[str] | None = None
) -> None:
    """Until ``done()``; ``said`` gathers the names of the events."""
    deadline = time.monotonic() + _LIMIT_S
    while not done():
        events = session.poll()
        if said is not None:
            said += [event["event"] for event in events]
        if session.error:
            raise session.error
        if time.monotonic() > deadline:
            raise DeviceError(
                f"No sound after {_LIMIT_S:g} s. See what is missing: rtdeclip doctor"
            )
        time.sleep(0.01)
