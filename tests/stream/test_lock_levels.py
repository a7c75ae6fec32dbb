import numpy as np
import pytest

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.stream import Stream

RATE = 8000


def _sine():
    return (0.9 * np.sin(np.arange(4096) * 0.07)).astype(np.float32)


def test_locked_levels_hold_from_the_next_block_on_and_are_detected_again_on_request():
    stream = Stream(RATE, processor="bypass")
    stream.lock_levels([(Plateau.digital(0.5), None)])
    stream.feed(_sine())
    (clip,) = stream.clips
    assert clip.high == Plateau.digital(0.5)
    assert clip.low is None
    stream.lock_levels(None)
    stream.feed(np.clip(_sine(), -0.6, 0.7))
    (clip,) = stream.clips
    assert clip.high is not None
    assert clip.high.level == pytest.approx(0.7)


def test_levels_for_another_number_of_channels_are_refused():
    with pytest.raises(SettingError, match="2 channels"):
        Stream(RATE, processor="bypass").lock_levels([(None, None)] * 2)


def test_levels_that_change_within_a_scanned_recording_are_not_replaced():
    segments = (Segment(0, 100, None, None), Segment(100, 200, None, None))
    stream = Stream(RATE, processor="bypass", levels=[LevelSchedule(segments)])
    with pytest.raises(SettingError, match="scan"):
        stream.lock_levels([(None, None)])


def test_one_level_of_a_scanned_recording_gives_way_and_comes_back():
    scanned = LevelSchedule((Segment(0, 1 << 40, Plateau.digital(0.5), None),))
    stream = Stream(RATE, processor="bypass", levels=[scanned])
    x = np.full((stream.hop * 4, 1), 0.5, np.float32)

    def clipped():
        stream.feed(x)
        return stream.clips[0].count

    assert clipped() == stream.hop
    stream.lock_levels([(Plateau.digital(0.7), None)])
    assert clipped() == 0
    stream.lock_levels(None)
    assert clipped() == stream.hop
