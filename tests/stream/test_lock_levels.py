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


def test_levels_of_a_scanned_recording_are_not_replaced():
    levels = [LevelSchedule((Segment(0, 100, None, None),))]
    stream = Stream(RATE, processor="bypass", levels=levels)
    with pytest.raises(SettingError, match="scan"):
        stream.lock_levels([(None, None)])
