import threading

import pytest

from rtdeclip.live import preparation
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.preparation import STAND_IN, Preparation
from rtdeclip.live.telemetry import TelemetryFile


@pytest.fixture
def helpers(monkeypatch, tmp_path):
    """Nothing is ready; what helpers would compile is only written down."""
    asked = []

    class Noted:
        def __init__(self, names, rate):
            asked.append((tuple(names), rate))

        def wait(self):
            pass

    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "marks"))
    monkeypatch.setattr(preparation, "Helpers", Noted)
    return asked


def test_cubic_stands_in_for_auto_with_room_for_its_latency(helpers):
    one = Preparation(LiveConfig(processor="auto"), threading.Event())
    assert helpers == [(("bypass", STAND_IN), 48000)]
    prepared = one.ready(48000, 1)
    assert prepared.stands_in
    assert prepared.stream.processor == STAND_IN
    assert one.ready(48000, 1) is prepared
    # The switch that follows is possible: auto fits into what was reserved.
    bank = prepared.stream.prepare("auto", {"max_latency": 35.0})
    assert bank.latency_samples <= prepared.stream.latency_samples


def test_a_processor_chosen_by_name_is_waited_for(helpers):
    one = Preparation(LiveConfig(processor="bypass"), threading.Event())
    prepared = one.ready(44100, 2)
    assert helpers == [(("bypass", "bypass"), 48000)]
    assert not prepared.stands_in
    assert prepared.stream.processor == "bypass"
    assert preparation.is_ready("bypass")


def test_once_compiled_nothing_stands_in(helpers):
    preparation.mark_ready("auto")
    one = Preparation(LiveConfig(processor="auto"), threading.Event())
    assert helpers == [(("bypass", "auto"), 48000)]
    assert not one.ready(48000, 1).stands_in


@pytest.mark.parametrize("chosen", ["auto", "ar"])
def test_the_processor_asked_for_takes_over_unless_another_was_chosen(
    helpers, tmp_path, chosen
):
    config = LiveConfig(processor="auto", max_latency_ms=40.0, settings={"hop": 128})
    one = Preparation(config, threading.Event())
    file = TelemetryFile(tmp_path / "a.telemetry", 48000, 1, 256, 256, 1024)
    file.set_info({"config": {"processor": chosen}})
    one.relieve(file.path).join()
    assert helpers[-1][0] == ("auto",)
    wanted = {"processor": "auto", "settings": {"max_latency": 40.0, "hop": 128}}
    assert file.request()[1] == (wanted if chosen == "auto" else None)
    file.close()


def test_a_session_that_has_ended_is_not_asked(helpers, tmp_path):
    one = Preparation(LiveConfig(processor="auto"), threading.Event())
    one.relieve(tmp_path / "gone.telemetry").join()
