"""The SIMD passes are the transform, the count and the split that they claim to be."""

import numpy as np
import pytest
from numba import njit

from rtdeclip.errors import SettingError
from rtdeclip.processors.shrinkage import SHRINKAGES, largest, shrink
from rtdeclip.processors.simd_fft import (
    RADICES,
    bin_order,
    forward_pass,
    inverse_pass,
    pack,
    plan_for,
    tables,
    time_pass,
    unpack,
)
from rtdeclip.processors.simd_select import count_above, split_above


def frame_matrix(n):
    """A of the module's first lines, (n, n) complex."""
    m, t = np.arange(n)[:, None], np.arange(n)[None, :]
    return np.exp(-1j * np.pi * t * (4 * m + 1) / (2 * n)) / np.sqrt(n)


def passes(size, lanes):
    @njit
    def step(work, table, low, high, state, values, power, rest):
        inverse_pass(size, lanes, work, table, values, rest)
        gap = time_pass(size, lanes, work, table, low, high, state)
        forward_pass(size, lanes, work, table, values, power)
        return gap

    return step


@pytest.mark.parametrize(("size", "lanes"), [(256, 4), (256, 16), (512, 8), (512, 16)])
def test_an_iteration_is_two_matrix_products_and_a_projection(size, lanes):
    plan, rng = plan_for(size, lanes), np.random.default_rng(size + lanes)
    matrix, order = frame_matrix(size), bin_order(plan)
    before = rng.standard_normal(size).astype(np.float32)
    v = rng.standard_normal(size) + 1j * rng.standard_normal(size)
    share = rng.uniform(0, 1, size)
    low = rng.uniform(-1, 0, size).astype(np.float32)
    high = rng.uniform(0, 1, size).astype(np.float32)

    state = pack(plan, before)
    power, work = np.zeros(size, np.float32), np.zeros(2 * plan.plane, np.float32)
    values = np.concatenate([v[order].real, v[order].imag]).astype(np.float32)
    gap = passes(size, lanes)(
        work,
        tables(plan),
        pack(plan, low),
        pack(plan, high),
        state,
        values,
        power,
        share[order].astype(np.float32),
    )

    x = np.clip(before, low, high)
    a = (matrix.conj().T @ (share * v)).real
    d = x - a
    expected = share * v + matrix @ (2 * np.clip(d, low, high) - x)
    found = np.zeros(size, complex)
    found[order] = values[:size] + 1j * values[size:]
    assert np.allclose(unpack(plan, state), d, atol=1e-4)
    assert np.allclose(found, expected, atol=1e-4)
    assert np.allclose(power, np.abs(expected[order]) ** 2, rtol=1e-4, atol=1e-4)
    assert np.isclose(gap, (x * (2 * (a + before) - 3 * x)).sum(), rtol=1e-4)


def test_the_frame_is_tight():
    matrix = frame_matrix(256)
    x = np.random.default_rng(0).standard_normal(256)
    assert np.allclose((matrix.conj().T @ (matrix @ x)).real, x)


@pytest.mark.parametrize("size", RADICES)
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_every_bin_has_one_place(size, lanes):
    plan = plan_for(size, lanes)
    assert np.prod(plan.radices) * lanes == size
    assert np.array_equal(np.sort(bin_order(plan)), np.arange(size))


def test_a_size_without_a_kernel_is_refused():
    with pytest.raises(SettingError, match="choose one of 256, 512"):
        plan_for(300, 16)


@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_counting_and_splitting_agree_with_numpy(lanes):
    @njit
    def count(bits, bar):
        return count_above(lanes, bits, bar)

    @njit
    def split(power, bar, rest):
        return split_above(256, lanes, power, bar, rest)

    power = np.random.default_rng(lanes).exponential(1, 256).astype(np.float32)
    bits, rest = power.view(np.int32), np.zeros(256, np.float32)
    for bar in (-1, 0, int(np.median(bits)), int(bits.max()), 0x7F7FFFFF):
        above = bits > bar
        assert count(bits, np.int32(bar)) == above.sum()
        kept = split(power, np.int32(bar), rest)
        assert np.isclose(kept, power[above].sum(), rtol=1e-5)
        assert np.array_equal(rest, 1.0 - above)


def test_the_k_largest_stay_and_of_equals_none_too_many():
    @njit
    def keep(power, rest, k, memory):
        return shrink("largest", 256, 8, power, rest, k, memory)

    rng = np.random.default_rng(1)
    rest, memory = np.zeros(256, np.float32), np.zeros(4, np.int32)
    for k in (1, 2, 3, 10, 50, 100, 255):
        power = rng.exponential(1, 256).astype(np.float32) ** 4
        keep(power, rest, k, memory)
        assert set(np.flatnonzero(rest == 0)) == set(np.argsort(power)[-k:])
    for power in (np.zeros(256, np.float32), np.ones(256, np.float32)):
        keep(power, rest, 7, memory)
        assert (rest == 0).sum() == 0
    twins = np.repeat(rng.exponential(1, 128).astype(np.float32), 2)
    keep(twins, rest, 7, memory)
    assert (rest == 0).sum() == 6
    assert SHRINKAGES["largest"] is largest
