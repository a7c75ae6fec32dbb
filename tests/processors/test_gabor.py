import numpy as np
import pytest

from rtdeclip.processors.gabor import (
    FrameRestorer,
    by_segments,
    cut,
    hann,
    overlap_add,
    project,
    window_by_duration,
)
from rtdeclip.types import Samples, Signs


def noise(*shape: int) -> Samples:
    return np.random.default_rng(11).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(("n", "hop"), [(1, 4), (15, 4), (16, 8), (101, 16)])
def test_frames_put_every_sample_into_the_same_number_of_them(n: int, hop: int) -> None:
    frames = cut(np.ones(n, np.float32), 16, hop)
    assert np.array_equal(overlap_add(frames.copy(), n, hop), np.full(n, 16 / hop))


def test_projection_keeps_what_is_known() -> None:
    x, y = noise(4), np.array([0.1, 0.5, -0.5, 0.5], np.float32)
    sign = np.array([0, 1, -1, 1], np.int8)
    x[1], x[2], x[3] = 0.9, 0.3, 0.2
    bound = np.array([0, 0.5, 0.5, 0.5], np.float32)
    expected = np.array([0.1, 0.9, -0.5, 0.5], np.float32)
    assert np.array_equal(project(x, y, sign, bound), expected)


def test_segments_meet_without_a_seam_and_leave_unclipped_ones_alone() -> None:
    y = noise(1000, 2)
    sign = np.zeros((1000, 2), np.int8)
    sign[::10, 0] = 1
    seen = []

    def double(y: Samples, sign: Signs, bound: Samples) -> Samples:
        seen.append(len(y))
        return 2 * y

    out = by_segments(y, sign, np.abs(sign) * np.float32(1), double, 300, 50)
    assert np.allclose(out[:, 0], 2 * y[:, 0], atol=1e-5)
    assert np.array_equal(out[:, 1], y[:, 1])
    assert seen == [300, 300, 300, 250]


def test_a_frame_method_that_does_nothing_gives_the_signal_back() -> None:
    y = noise(500, 1)
    sign = np.ones((500, 1), np.int8)
    restorer = FrameRestorer(
        64, 16, np.sqrt(hann(64)), np.sqrt(hann(64)), lambda y, s, b: y, batch=3
    )
    out = restorer.restore(y, sign, np.abs(y), 16000)
    assert np.allclose(out, y, atol=1e-5)


def test_frame_methods_see_only_frames_with_clipped_samples() -> None:
    sign = np.zeros((640, 1), np.int8)
    sign[320] = 1
    frames: list[int] = []

    def count(y: Samples, sign: Signs, bound: Samples) -> Samples:
        frames.append(len(y))
        return y

    flat = np.ones(64, np.float32)
    FrameRestorer(64, 16, flat, flat, count).restore(
        noise(640, 1), sign, np.abs(sign) * np.float32(1), 16000
    )
    assert frames == [4]


def test_windows_follow_the_duration() -> None:
    assert window_by_duration(16000, 16.0) == 256
    assert window_by_duration(44100, 16.0) == 512
