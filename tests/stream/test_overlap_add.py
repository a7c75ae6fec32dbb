"""Frame methods reconstruct, start late by window − hop, and skip clean frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rtdeclip.errors import SettingError
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.overlap_add import OverlapAdd, sine_window
from rtdeclip.stream.processor import Method
from rtdeclip.testing import check_processor


class Copy:
    """A kernel that restores nothing and counts its calls."""

    def __init__(self, window):
        self.window, self.calls = window, 0

    def restore(self, frame, sign, bound, out):
        self.calls += 1
        out[:] = frame


def run(adapter, x, sign=0):
    clip = Clip(adapter.hop)
    clip.sign[:] = sign
    clip.count = adapter.hop if sign else 0
    blocks = x.reshape(-1, adapter.hop)
    return np.concatenate([adapter.process(b, clip).copy() for b in blocks])


@settings(max_examples=40, deadline=None)
@given(
    hop=st.integers(1, 40),
    overlaps=st.integers(1, 8),
    clipped=st.booleans(),
    seed=st.integers(0, 99),
)
def test_any_positive_windows_reconstruct(hop, overlaps, clipped, seed):
    rng = np.random.default_rng(seed)
    window = hop * overlaps
    analysis = rng.uniform(0.2, 1, window).astype(np.float32)
    synthesis = rng.uniform(0.2, 1, window).astype(np.float32)
    adapter = OverlapAdd(Copy(window), hop, analysis, synthesis)
    x = rng.standard_normal(hop * 30).astype(np.float32)
    y = run(adapter, x, 1 if clipped else 0)
    late = adapter.latency_samples
    assert late == window - hop
    assert np.allclose(y[late:], x[: len(x) - late], atol=1e-5)


def test_frames_without_clipping_never_reach_the_kernel():
    kernel = Copy(64)
    adapter = OverlapAdd(kernel, 16, sine_window(64), sine_window(64))
    x = np.ones(640, np.float32)
    run(adapter, x)
    assert kernel.calls == 0
    run(adapter, x[:16], 1)
    run(adapter, x[:160])
    assert kernel.calls == 4


@pytest.mark.parametrize("hop", [0, 48, 100])
def test_a_hop_that_does_not_divide_the_window_is_refused(hop):
    with pytest.raises(SettingError, match="75 % overlap"):
        OverlapAdd(Copy(64), hop, sine_window(64), sine_window(64))


def test_windows_that_leave_a_hole_are_refused():
    gap = sine_window(64)
    gap[10] = 0
    with pytest.raises(SettingError, match="without weight"):
        OverlapAdd(Copy(64), 64, gap, gap)


def test_the_adapter_keeps_the_contract():
    def make(sample_rate):
        return OverlapAdd(Copy(64), 16, sine_window(64), sine_window(64))

    check_processor(Method("copy", "test", make))
