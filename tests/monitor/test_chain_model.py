"""Effects, requests and loudness as the window thinks of them; no Qt."""

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.monitor import saved_runs
from rtdeclip.monitor.effect_chain import EffectChain, Slot
from rtdeclip.monitor.loudness import LARGEST_DB, LoudnessMatch
from rtdeclip.monitor.outbox import Outbox
from rtdeclip.monitor.view_model import ViewModel

from .conftest import RATE, FakeReader

NAMES = st.sampled_from(["eq", "gain", "highpass", "limiter"])
SLOTS = st.lists(st.builds(Slot, NAMES, st.just({})), max_size=4).map(tuple)
CHAINS = st.builds(EffectChain, SLOTS, SLOTS)


@settings(deadline=None)
@given(chain=CHAINS, name=NAMES, after=st.booleans())
def test_an_effect_is_added_at_the_end_of_its_side(chain, name, after):
    more = chain.added(name, after=after)
    side, other = (more.post, more.pre) if after else (more.pre, more.post)
    assert side[-1] == Slot(name)
    assert other == (chain.pre if after else chain.post)
    index = len(more.slots) - 1 if after else len(more.pre) - 1
    assert more.removed(index) == chain


@settings(deadline=None)
@given(chain=CHAINS, index=st.integers(0, 7))
def test_moving_earlier_loses_nothing_and_ends_at_the_front(chain, index):
    if index >= len(chain.slots):
        return
    moved = chain.slots[index]
    names = Counter(slot.name for slot in chain.slots)
    for _ in range(len(chain.slots) + 1):
        chain = chain.earlier(index)
        assert Counter(slot.name for slot in chain.slots) == names
        index = max(0, index - (chain.slots[index] is not moved))
    assert chain.slots[0] == moved
    assert chain.pre
    assert chain.earlier(0) == chain


@settings(deadline=None)
@given(chain=CHAINS, index=st.integers(0, 7), value=st.floats(-24, 24))
def test_settings_change_one_effect_and_come_back_from_rows(chain, index, value):
    if index >= len(chain.slots):
        return
    changed = chain.with_settings(index, {"gain_db": value})
    for i, (before, after) in enumerate(zip(chain.slots, changed.slots, strict=True)):
        assert (after.settings == {"gain_db": value}) == (i == index)
        assert after.name == before.name
    rows = changed.rows()
    assert EffectChain.of(rows["pre"], rows["post"]) == changed


def test_damaged_rows_are_left_out():
    rows = [["eq", {"low_db": 1.0}], ["eq"], 3, None, [3, {}], ["gain", "loud"]]
    assert EffectChain.of(rows, ()).names() == (("eq",), ())


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=30))
def test_no_request_is_lost_and_the_newest_of_a_kind_arrives(steps):
    """Numbers ask for something; None: the engine serves what it has."""
    engine, sent = {}, []

    def send(**content):
        sent.append(content)
        return len(sent)

    outbox, wanted = Outbox(send), {}
    for i, step in enumerate(steps):
        if step is None:
            for content in sent:
                engine |= content
            outbox.served(len(sent))
        else:
            outbox.ask(**{f"kind{step}": i})
            wanted[f"kind{step}"] = i
    for _ in range(2):
        for content in sent:
            engine |= content
        outbox.served(len(sent))
    assert engine == wanted
    assert outbox.idle


def _noise(seconds, n_channels=2):
    generator = np.random.default_rng(3)
    shape = (round(seconds * RATE), n_channels)
    return (0.1 * generator.standard_normal(shape)).astype(np.float32)


@settings(deadline=None)
@given(
    gain_db=st.floats(-20, 20),
    pieces=st.lists(st.integers(500, 30_000), min_size=1, max_size=6),
)
def test_the_loudness_match_is_the_gain_whatever_the_pieces(gain_db, pieces):
    match = LoudnessMatch(RATE, 2)
    dry = _noise(1.0)
    wet = dry * np.float32(10 ** (gain_db / 20))
    at = 0
    while at < len(dry):
        n = pieces[at % len(pieces)]
        match.feed(dry[at : at + n], wet[at : at + n])
        at += n
    held = float(np.clip(gain_db, -LARGEST_DB, LARGEST_DB))
    assert match.gain_db == pytest.approx(held, abs=0.01)


def test_loudness_hears_treble_more_than_rumble():
    t = np.arange(RATE)[:, None] / RATE
    rumble = np.sin(2 * np.pi * 30 * t).astype(np.float32)
    treble = np.sin(2 * np.pi * 4000 * t).astype(np.float32)
    match = LoudnessMatch(RATE, 1)
    match.feed(rumble, treble)
    # BS.1770: +4.0 dB at 4 kHz, −8.6 dB at 30 Hz; more than is ever applied.
    assert match.gain_db == LARGEST_DB


def test_silence_says_nothing_about_loudness():
    match = LoudnessMatch(RATE, 2)
    assert match.gain_db == 0.0
    match.feed(np.zeros((RATE, 2), np.float32), np.zeros((RATE, 2), np.float32))
    assert match.gain_db == 0.0


def test_what_is_heard_bypassed_is_not_taken_for_the_restored_sound():
    reader, heard = FakeReader(), {"bypass": 1.0, "wet": 1.0}
    reader.parameters = lambda: heard
    model = ViewModel(reader)
    reader.advance(RATE)
    model.update(0.0)
    assert model.match_db == 0.0
    heard["bypass"] = 0.0
    reader.advance(RATE)
    model.update(1.0)
    assert 2.0 < model.match_db < 4.0
    reader.info["config"]["post"] = [["eq", {}]]
    assert model.match_db == 0.0


def test_the_newest_runs_are_kept(tmp_path):
    first = datetime(2026, 11, 21, 6, 30)
    for i in range(25):
        saved_runs.keep({"rows": []}, first + timedelta(minutes=i), tmp_path)
    found = saved_runs.runs(tmp_path)
    assert len(found) == 20
    assert saved_runs.title(found[0]) == "2026-11-21 06:54:00"
