"""A session at a real engine: the demo's audio process, without a window."""

import os
import time

import pytest

from rtdeclip.live.config import LiveConfig
from rtdeclip.monitor.session import Plan, Session, State

LIMIT_S = 120.0


def until(condition):
    """Polls until ``condition()`` is true."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="module")
def owner(tmp_path_factory):
    """One engine for all; it ends with the session that started it."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    made = Session()
    made.start(Plan(LiveConfig(processor="bypass", priority=0), demo=True))

    def running():
        made.tick()
        assert made.state is not State.FAILED, made.problem
        return made.state is State.RUNNING and made.model is not None

    until(running)
    pid = made.pid
    yield made
    made.stop()
    patch.undo()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def _captured(session):
    return session.model.reader.status().captured


def test_attach_leave_and_attach_again_while_sound_runs(owner):
    pid, guest = owner.pid, Session()
    heard = [_captured(owner)]
    for _ in range(3):
        guest.attach()
        assert guest.pid == pid
        assert not guest.owns_process
        start = _captured(guest)
        until(lambda start=start: _captured(guest) > start)
        guest.model.update(time.monotonic())
        assert guest.model.history.kept > 0
        heard.append(_captured(guest))
        guest.stop()
        assert guest.model is None
    assert heard == sorted(set(heard))
    os.kill(pid, 0)  # still there
    last = heard[-1]
    until(lambda: _captured(owner) > last)
    assert owner.model.reader.parameters()["stop"] == 0.0


def test_effects_and_headroom_are_taken_up_by_a_running_engine(owner):
    owner.ask(post=[["gain", {"gain_db": -20.0}]], pre=[], headroom="open")

    def served():
        owner.tick()
        owner.model.update(time.monotonic())
        return owner.settled

    until(served)
    owner.model.update_slow()
    assert owner.model.effects.names() == ((), ("gain",))
    assert owner.model.gain == 1.0

    def quieter():
        owner.model.update(time.monotonic())
        return (
            -30.0 < owner.model.outputs[0].peak_db < owner.model.inputs[0].peak_db - 15
        )

    until(quieter)
