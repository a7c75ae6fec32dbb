import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.live.telemetry import Status
from rtdeclip.monitor.catalog import Catalog
from rtdeclip.monitor.preferences import Preferences, load, save
from rtdeclip.monitor.thresholds import HIGHEST, LOWEST, Thresholds
from rtdeclip.monitor.view_model import ViewModel
from rtdeclip.monitor.words import status_line

from .conftest import LEVEL, RATE, FakeReader


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(0, 60_000), min_size=1, max_size=8),
    window_s=st.sampled_from([0.01, 0.1, 2.0, 10.0]),
    pixels=st.integers(1, 3000),
)
def test_traces_show_the_sound_up_to_now_with_the_gain_undone(steps, window_s, pixels):
    reader = FakeReader(n_channels=1)
    model = ViewModel(reader)
    for i, n in enumerate(steps):
        reader.advance(n)
        model.update(0.1 * i)
    source, output, added = model.traces(window_s, pixels)
    assert len(source.low) == len(output.low) == len(added.low) <= pixels
    if not len(source.low):
        return
    assert source.age_s.min() >= -window_s
    assert source.age_s.max() <= 0.0
    assert source.high.max() <= LEVEL
    assert np.abs(output.high).max() <= 0.81
    # Only where something was clipped is anything added.
    quiet = ~(added.clipped_high | added.clipped_low)
    assert np.abs(added.high[quiet]).max(initial=0.0) < 1e-6
    marked = source.high[source.clipped_high]
    assert (marked == np.float32(LEVEL)).all()


def test_meters_and_histogram_follow_every_channel(reader):
    model = ViewModel(reader)
    reader.advance(RATE)
    model.update(1.0)
    model.update_slow()
    for meter in model.inputs:
        assert meter.hold_db == pytest.approx(-6.02, abs=0.01)
    assert all(d.counts.sum() > 0 for d in model.densities)
    assert model.levels.high == LEVEL
    assert model.levels.high_confidence > 0.8


def test_frozen_pictures_stand_still(reader):
    model = ViewModel(reader)
    reader.advance(1000)
    model.update(0.0)
    model.frozen = True
    reader.advance(1000)
    model.update(0.1)
    assert model.history.end == 1000


def test_a_status_that_ages_is_noticed(reader):
    model = ViewModel(reader)
    reader.fields["time_ns"] = 5_000_000_000
    model.update(5.2)
    assert not model.stale
    model.update(9.0)
    assert model.stale
    assert "Restart" in model.sentence


@settings(deadline=None)
@given(
    pairs=st.lists(st.tuples(st.floats(0, 4), st.floats(0, 4)), min_size=1, max_size=8),
    channel=st.integers(0, 7),
    polarity=st.sampled_from([1, -1]),
    magnitude=st.floats(-10, 10),
    linked=st.booleans(),
)
def test_a_dragged_level_locks_stays_in_range_and_moves_only_what_is_linked(
    pairs, channel, polarity, magnitude, linked
):
    channel %= len(pairs)
    before = Thresholds(tuple(pairs), linked=linked)
    after = before.moved(channel, polarity, magnitude)
    assert after.locked
    assert LOWEST <= after.pairs[channel][polarity < 0] <= HIGHEST
    if linked:
        assert len({level for pair in after.pairs for level in pair}) == 1
    else:
        assert after.pairs[channel][polarity > 0] == before.pairs[channel][polarity > 0]
        others = [i for i in range(len(pairs)) if i != channel]
        assert all(after.pairs[i] == before.pairs[i] for i in others)
    assert after.detected(((9.0, 9.0),) * len(pairs)) == after
    assert after.request() == [list(pair) for pair in after.pairs]
    assert after.with_lock(False).request() is None


@pytest.mark.parametrize(
    ("status", "parameters", "words"),
    [
        (Status(state=2), {}, "Restoring; no clipping found so far"),
        (Status(state=2), {"bypass": 1.0}, "Bypassed"),
        (Status(state=2), {"mute": 1.0}, "Muted"),
        (Status(state=2, late_hops=1), {"wet": 0.5}, "50 % wet"),
        (Status(state=2, late_hops=1), {}, "1 late hop,"),
        (Status(state=0), {}, "starting"),
        (Status(state=2, clipped_share=(0.1,) * 8), {}, "10.0 % of the samples"),
    ],
)
def test_the_status_line_says_what_is(status, parameters, words):
    assert words in status_line(status, parameters, 2, 17.2, 0.0)


def test_the_catalog_fills_as_the_probe_speaks():
    catalog = Catalog()
    setting = {
        "name": "order",
        "default": 3,
        "summary": "of the fit",
        "unit": "",
        "low": 1,
        "high": 9,
        "choices": [],
        "applies": "rebuild",
    }
    rows = [
        {"name": "b", "kind": "processor", "settings": [setting]},
        {"name": "a", "kind": "processor", "note": "baseline"},
        {"name": "whole", "kind": "restorer"},
        {"name": "broken", "reason": "ImportError: no"},
    ]
    catalog.hear({"processors": rows})
    catalog.hear({"cost": "b", "latency_ms": 5.0, "rtf": 0.01})
    catalog.hear({"devices": [], "problem": "PortAudio is missing."})
    assert [e.name for e in catalog.live_processors()] == ["b", "a", "broken"]
    assert catalog.processors["b"].price == "5.0 ms · 1.0 % of a core"
    assert catalog.processors["b"].settings[0].parse("4") == 4
    assert catalog.complete
    assert catalog.problem == "PortAudio is missing."


def test_preferences_come_back_and_damage_is_forgiven(tmp_path):
    path = tmp_path / "deep" / "monitor.toml"
    kept = Preferences(theme="light", settings={"cubic": {"points": 2}}, gain_db=-3.0)
    save(kept, path)
    assert load(path) == kept
    path.write_text('theme = 3\nwidth = 1000\nunknown = "x"')
    assert load(path) == Preferences(width=1000)
    path.write_text("not toml [")
    assert load(path) == Preferences()


def test_the_view_model_loads_neither_qt_nor_kernels_nor_sound():
    names = "catalog child density effect_chain history keyboard load loudness"
    names += " meters outbox preferences saved_runs scale session spectra theme"
    names += " thresholds view_model words"
    imports = "; ".join(f"import rtdeclip.monitor.{name}" for name in names.split())
    code = f"import sys; {imports}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"PySide6", "pyqtgraph", "numba", "sounddevice", "onnxruntime"}
