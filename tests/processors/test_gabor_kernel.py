"""The Gabor frame of the SIMD passes: Parseval, adjoint, ordered by frequency."""

import numpy as np
import pytest

from rtdeclip.processors.gabor_kernel import Gabor
from rtdeclip.types import Samples

WINDOW = 256


def noise(*shape: int) -> Samples:
    return np.random.default_rng(11).standard_normal(shape).astype(np.float32)


def analyzed(gabor: Gabor, x: Samples) -> tuple[Samples, Samples]:
    z = gabor.zeros()
    power = np.zeros((gabor.n_frames, WINDOW), np.float32)
    gabor.analyze(x, z, power)
    return z, power


@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_the_transform_is_a_parseval_frame(n: int) -> None:
    x = noise(n)
    gabor = Gabor(WINDOW, n)
    z, power = analyzed(gabor, x)
    assert np.allclose(gabor.synthesize(z), x, atol=1e-5)
    assert power.sum() == pytest.approx(np.sum(x**2), rel=1e-4)
    assert np.allclose(power, z[:, :WINDOW] ** 2 + z[:, WINDOW:] ** 2, rtol=1e-4)


def test_synthesis_is_the_adjoint_of_analysis() -> None:
    x = noise(700)
    gabor = Gabor(WINDOW, 700)
    z = noise(gabor.n_frames, 2 * WINDOW)
    left = np.sum(analyzed(gabor, x)[0].astype(np.float64) * z)
    right = np.dot(x.astype(np.float64), gabor.synthesize(z))
    assert left == pytest.approx(right, rel=1e-4)


def test_analysis_adds_to_what_is_there() -> None:
    x = noise(600)
    gabor = Gabor(WINDOW, 600)
    once, power = analyzed(gabor, x)
    twice = once.copy()
    gabor.analyze(x, twice, power)
    assert np.allclose(twice, 2 * once, atol=1e-5)


@pytest.mark.parametrize("place", [3, 100, 250])
def test_a_tone_peaks_at_the_place_of_its_frequency(place: int) -> None:
    t = np.arange(1000)
    x = np.sin(np.pi * (place + 0.5) / WINDOW * t).astype(np.float32)
    gabor = Gabor(WINDOW, 1000)
    power = analyzed(gabor, x)[1]
    assert gabor.rank[power[8].argmax()] == place
