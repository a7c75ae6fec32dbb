import numpy as np
import pytest

from rtdeclip.processors.cubic_paper import METHOD
from rtdeclip.processors.least_squares import fit_cubic


def test_a_cubic_is_recovered_exactly_from_two_samples_on_each_side() -> None:
    t = np.linspace(-1, 1, 60)
    x = (0.9 - 0.8 * t**2 + 0.1 * t**3).astype(np.float32)[:, None]
    sign = (x > 0.6).astype(np.int8)
    y = np.minimum(x, np.float32(0.6))
    restored = METHOD.build(16000).restore(y, sign, np.abs(sign) * 0.6, 16000)
    assert np.abs(restored - x).max() < 1e-4


@pytest.mark.parametrize("points", [2, 5])
def test_the_fit_agrees_with_the_vandermonde_system(points: int) -> None:
    rng = np.random.default_rng(3)
    t = np.concatenate([-1 + 0.05 * np.arange(points), 1 - 0.05 * np.arange(points)])
    v = rng.standard_normal(2 * points)
    b, scratch = np.zeros(4), np.zeros((4, 4))
    fit_cubic(t, v, 2 * points, b, scratch)
    expected = np.linalg.lstsq(np.vander(t, 4, increasing=True), v, rcond=None)[0]
    assert np.allclose(b, expected, atol=1e-6)


def test_reliable_samples_and_other_channels_are_left_alone() -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((500, 2)).astype(np.float32)
    sign = np.zeros((500, 2), np.int8)
    sign[100:110, 0] = 1
    restored = METHOD.build(16000).restore(x, sign, np.abs(sign) * 0.1, 16000)
    assert np.array_equal(restored[sign == 0], x[sign == 0])
    assert not np.array_equal(restored[100:110, 0], x[100:110, 0])


def test_no_bound_holds_the_result() -> None:
    x = np.sin(np.arange(400) * 0.9).astype(np.float32)[:, None]
    sign = (x > 0.3).astype(np.int8)
    y = np.minimum(x, np.float32(0.3))
    restored = METHOD.build(16000).restore(y, sign, np.abs(sign) * 0.3, 16000)
    assert np.any(restored[sign > 0] < 0.3)


def test_runs_without_four_samples_near_them_stay() -> None:
    y = np.full((40, 1), 0.5, np.float32)
    sign = np.ones((40, 1), np.int8)
    sign[20] = 0
    restored = METHOD.build(16000).restore(y, sign, np.abs(sign) * 0.5, 16000)
    assert np.array_equal(restored, y)


def test_more_points_give_another_curve() -> None:
    rng = np.random.default_rng(5)
    x = np.cumsum(rng.standard_normal((300, 1)), axis=0).astype(np.float32)
    sign = np.zeros((300, 1), np.int8)
    sign[50:60] = 1
    curves = [
        METHOD.build(16000, points=n).restore(x, sign, np.abs(sign) * 0.0, 16000)
        for n in (2, 4)
    ]
    assert not np.array_equal(*curves)
