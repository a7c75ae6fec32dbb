import os
import subprocess
import sys

import pytest

from rtdeclip.cli._live_view import bar, lines, verdict
from rtdeclip.errors import DeviceError
from rtdeclip.live.config import LiveConfig
from rtdeclip.live.latency import LatencyBudget
from rtdeclip.live.supervisor import Supervisor
from rtdeclip.live.telemetry import Status

# A machine without sound: no server answers, and ALSA knows no plug-ins.
ENV = {
    **os.environ,
    "PULSE_SERVER": "unix:/none",
    "JACK_DEFAULT_SERVER": "none",
    "JACK_NO_START_SERVER": "1",
}


def test_the_latency_statement_adds_up():
    budget = LatencyBudget(48000, 311, 71, 256, 256, 1, 256, 256, True, 0)
    assert sum(n for _, n in budget.rows()) == budget.total_samples
    assert budget.engine_samples == 311 + 256 + 256
    text = budget.sentence()
    assert text.startswith("Latency 27.8 ms = device in (assumed) 5.3 + hop 5.3")
    assert "limiter 1.5" in text
    assert "resampler" not in text


def test_the_view_shows_what_matters_in_80_columns():
    per = (0.5, 0.25, *[0.0] * 6)
    status = Status(
        late_hops=7,
        starved_ms=37.3,
        rtf_p99=0.31,
        muted=1,
        zeros_s=3.0,
        clip_high=(0.5, 0.0, *[0.0] * 6),
        clipped_share=(0.031, *[0.0] * 7),
        peak_in=per,
        rms_in=per,
        peak_out=per,
        rms_out=per,
    )
    info = {"input": "Mic", "output": "Phones", "processors": ["cubic"], "hop": 256}
    text = "\n".join(lines(status, info, 2, 48000))
    for word in ("Mic → Phones", "cubic", "late hops 7 (37.3 ms", "p99 31 %", "MUTED"):
        assert word in text
    assert "clipped 3.1 % at -6.0 dB" in text
    assert "exact zeros" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("fields", "info", "said"),
    [
        ({}, {}, "all is well"),
        ({"late_hops": 3}, {}, "too busy at times. Try --block 512"),
        ({"late_hops": 1, "input_overflows": 5}, {}, "the device lost blocks"),
        ({"output_underflows": 1}, {}, "the device lost blocks"),
        ({"faults": 1, "late_hops": 3}, {}, "the processor fails"),
        ({"zeros_s": 2.5, "late_hops": 3}, {}, "NO SIGNAL"),
        ({}, {"compiled_callback": False}, "Python's callback"),
    ],
)
def test_one_sentence_says_how_it_goes_and_what_to_do(fields, info, said):
    sentence = verdict(Status(**fields), info)
    assert said in sentence
    assert len(sentence) <= 80


def test_a_bar_is_full_at_full_scale_and_empty_in_silence():
    assert bar(1.0, 1.0) == "█" * 28
    assert bar(0.0, 0.0) == " " * 28
    assert bar(1.0, 0.0316).count("█") == 14


def test_a_config_survives_its_journey():
    config = LiveConfig(
        processor="ar", settings={"order": 3}, pre=(("gain", {"gain_db": 1.0}),)
    )
    assert LiveConfig.from_json(config.to_json()) == config


def test_a_machine_without_devices_is_an_error_in_words(tmp_path):
    path = str(tmp_path / "a.telemetry")
    session = Supervisor(LiveConfig(input="none", output="none", telemetry=path), ENV)
    session.start()
    with pytest.raises(DeviceError, match=r"[Nn]o output device.*rtdeclip d"):
        session.wait_until_running(60.0)
    session.stop()
    assert session.state == "failed"
    assert os.listdir(tmp_path) == []


def test_an_unknown_processor_fails_in_words_and_is_not_tried_again(tmp_path):
    code = "from rtdeclip.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "live", "--processor", "no-such"],
        env=ENV,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "There is no processor called 'no-such'" in done.stderr
