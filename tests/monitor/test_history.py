import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.live.telemetry import Scope
from rtdeclip.monitor.history import History, envelope


def _ramp(start, n, channels=1):
    dry = np.repeat(np.arange(start, start + n)[:, None], channels, 1)
    sign = (dry % 3 - 1).astype(np.int8)
    return Scope(start, dry.astype(np.float32), -dry.astype(np.float32), sign)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(0, 700), min_size=1, max_size=12),
    kept=st.integers(1, 500),
    asked=st.integers(1, 800),
)
def test_the_newest_samples_come_back_whatever_the_pieces(sizes, kept, asked):
    history = History(kept, 1)
    end = 0
    for n in sizes:
        history.append(_ramp(end, n))
        end += n
    stretch = history.latest(asked, 0)
    n = min(asked, kept, end)
    assert stretch.position == end - n
    expected = _ramp(end - n, n)
    assert (stretch.dry == expected.dry[:, 0]).all()
    assert (stretch.wet == expected.wet[:, 0]).all()
    assert (stretch.sign == expected.sign[:, 0]).all()


@settings(deadline=None)
@given(gap=st.integers(1, 1000), before=st.integers(1, 100), after=st.integers(1, 100))
def test_after_a_gap_only_what_follows_it_is_shown(gap, before, after):
    history = History(300, 2)
    history.append(_ramp(0, before, 2))
    history.append(_ramp(before + gap, after, 2))
    stretch = history.latest(300, 1)
    assert stretch.position == before + gap
    assert len(stretch.dry) == after


def test_what_is_known_already_is_not_taken_twice():
    history = History(100, 1)
    history.append(_ramp(0, 50))
    history.append(_ramp(30, 40))
    assert history.end == 70
    assert history.latest(100, 0).dry.tolist() == list(range(70))


@settings(deadline=None)
@given(
    n=st.integers(0, 400),
    position=st.integers(0, 10_000),
    per_bin=st.integers(1, 50),
)
def test_bins_hold_the_extremes_and_their_borders_do_not_move(n, position, per_bin):
    x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    e = envelope(x, position, per_bin)
    assert e.position % per_bin == 0
    assert len(e.low) == len(e.high) == len(e.places)
    for i in range(len(e.low)):
        at = e.position + i * per_bin - position
        part = x[at : at + per_bin]
        assert len(part) == per_bin
        assert (e.low[i], e.high[i]) == (part.min(), part.max())
    assert len(x) - len(e.low) * per_bin < 2 * per_bin
