"""LLR, PESQ, STOI: known answers where there are some, and their refusals."""

import csv
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rtdeclip.distortion import clip_at_fraction
from rtdeclip.errors import InputError, MissingExtraError
from rtdeclip.metrics.llr import llr
from rtdeclip.metrics.pesq import pesq
from rtdeclip.metrics.stoi import estoi, stoi

DATA = Path(os.environ.get("RTDECLIP_DATA", Path(__file__).parents[3] / "shared/data"))
KNOWN = DATA / "test" / "known_llr.csv"
RATE = 16_000


def speech(n: int = 2 * RATE, seed: int = 1) -> NDArray[np.float64]:
    """Pulses through two resonances in syllables: enough for the detectors."""
    rng = np.random.default_rng(seed)
    pulses = (np.arange(n) % 128 == 0) + 0.05 * rng.normal(size=n)
    for hz, radius in ((500.0, 0.97), (1500.0, 0.96)):
        a, b = 2 * radius * np.cos(2 * np.pi * hz / RATE), -(radius**2)
        kernel = np.zeros(400)
        kernel[0], kernel[1] = 1.0, a
        for k in range(2, 400):
            kernel[k] = a * kernel[k - 1] + b * kernel[k - 2]
        pulses = np.convolve(pulses, kernel)[:n]
    envelope = np.maximum(np.sin(2 * np.pi * 2.5 * np.arange(n) / RATE), 0.0)
    x = envelope * pulses
    return 0.5 * x / np.abs(x).max()


X = speech()
Y = np.clip(X, -0.05, 0.05)


@pytest.mark.skipif(not KNOWN.exists(), reason="the speech of known LLR is not here")
def test_llr_of_clipped_speech_is_the_known_one_in_both_variants() -> None:
    for row in csv.DictReader(KNOWN.read_text().splitlines()):
        x, rate = soundfile.read(KNOWN.parent / "speech" / row["file"])
        y = clip_at_fraction(x, float(row["theta_fraction_of_peak"])).audio
        found = llr(x, y, rate)
        assert found.capped == pytest.approx(float(row["llr_capped"]), abs=2e-6)
        assert found.composite == pytest.approx(float(row["llr_composite"]), abs=2e-6)


def test_llr_equals_its_definition_on_one_frame() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 600))
    n = 480
    window = 0.5 * (1 - np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)))

    def toeplitz(s: NDArray[np.float64]) -> NDArray[np.float64]:
        frame = s[:n] * window
        r = [frame[: n - k] @ frame[k:] for k in range(17)]
        return np.array([[r[abs(i - j)] for j in range(17)] for i in range(17)])

    def predictor(r: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([[1.0], -np.linalg.solve(r[:16, :16], r[1:, 0])])

    clean, test = toeplitz(x), toeplitz(z)
    a, b = predictor(clean), predictor(test)
    expected = np.log((b @ clean @ b) / (a @ clean @ a))
    assert llr(x, z, RATE).composite == pytest.approx(expected)


def test_llr_of_the_same_is_zero_and_the_cap_holds() -> None:
    assert llr(X, X, RATE).capped == 0.0
    t = np.arange(len(X)) / RATE
    bad = llr(X, np.sin(2 * np.pi * 3000 * t), RATE)
    assert bad.capped <= 2.0 < bad.composite


def test_llr_of_digital_silence_in_the_test_is_finite() -> None:
    assert np.isfinite(llr(X, np.zeros_like(X), RATE).composite)


def published_noise(n: int = 8000) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(test, reference) of the examples in torchmetrics' documentation, version 1.

    ``torch.manual_seed(42)``, then two of ``torch.randn(n)``: the Mersenne twister's 24
    lower bits, Box and Muller's method on 8 radii and 8 angles at a time.
    """
    bits = np.random.RandomState(42).randint(0, 2**32, (2 * n // 16, 2, 8), np.uint32)
    radius, angle = (bits & 0xFFFFFF).astype(np.float64).transpose(1, 0, 2) / 2**24
    radius = np.sqrt(-2 * np.log1p(-radius))
    turns = [radius * np.cos(2 * np.pi * angle), radius * np.sin(2 * np.pi * angle)]
    test, reference = np.stack(turns, 1).astype(np.float32).reshape(2, n)
    return test, reference


def test_pesq_and_stoi_of_the_published_noise_are_as_published() -> None:
    pytest.importorskip("pesq", reason="the extra speech-metrics is not installed")
    pytest.importorskip("pystoi", reason="the extra speech-metrics is not installed")
    test, reference = published_noise()
    assert test[:3] == pytest.approx([1.9269, 1.4873, 0.9007], abs=5e-5)
    assert pesq(reference, test, 8000, "nb") == pytest.approx(2.2885, abs=5e-5)
    assert pesq(reference, test, RATE, "wb") == pytest.approx(1.6805, abs=5e-5)
    assert stoi(reference, test, 8000) == pytest.approx(-0.084, abs=5e-4)


def test_pesq_of_identical_speech_is_the_top_of_its_scale() -> None:
    pytest.importorskip("pesq", reason="the extra speech-metrics is not installed")
    assert pesq(X, X, RATE, "wb") == pytest.approx(4.6438885, abs=1e-6)
    assert pesq(X, X, RATE, "nb") == pytest.approx(4.5486383, abs=1e-6)


def test_pesq_and_stoi_fall_with_clipping_and_ignore_the_level() -> None:
    pytest.importorskip("pesq", reason="the extra speech-metrics is not installed")
    pytest.importorskip("pystoi", reason="the extra speech-metrics is not installed")
    assert pesq(X, Y, RATE, "wb") < 4.0
    assert pesq(X, 0.25 * Y, RATE, "wb") == pytest.approx(pesq(X, Y, RATE, "wb"))
    for score in (stoi, estoi):
        assert score(X, X, RATE) == pytest.approx(1.0, abs=1e-6)
        assert score(X, Y, RATE) < 0.99


@pytest.mark.parametrize(
    ("x", "z", "why"),
    [
        (np.zeros(RATE), X[:RATE], "silence|silent"),
        (X[:RATE], np.zeros(RATE), "silence|silent"),
        (X[:800], X[:800], "0.25 s|0.4 s"),
        (X, X[:-1], "shape"),
        (X, np.where(np.arange(len(X)) == 9, np.nan, X), "NaN"),
        (np.stack([X, X], 1), np.stack([X, X], 1), "channels"),
    ],
)
def test_the_libraries_silent_answers_become_errors(
    x: NDArray[np.float64], z: NDArray[np.float64], why: str
) -> None:
    pytest.importorskip("pesq", reason="the extra speech-metrics is not installed")
    pytest.importorskip("pystoi", reason="the extra speech-metrics is not installed")
    with pytest.raises(InputError, match=why):
        pesq(x, z, RATE, "wb")
    with pytest.raises(InputError, match=why):
        stoi(x, z, RATE)


def test_llr_refuses_silence_and_a_single_frame() -> None:
    for x in (np.zeros(RATE), X[:500]):
        with pytest.raises(InputError, match="silent"):
            llr(x, x, RATE)


def test_pesq_refuses_other_rates() -> None:
    with pytest.raises(InputError, match="16000"):
        pesq(X, X, 48_000, "wb")
    with pytest.raises(InputError, match="16000"):
        pesq(X, X, 8000, "wb")


def test_a_missing_library_is_an_error_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pesq", None)
    monkeypatch.setitem(sys.modules, "pystoi", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*speech-metrics"):
        pesq(X, Y, RATE, "nb")
    with pytest.raises(MissingExtraError, match=r"pip install .*speech-metrics"):
        stoi(X, Y, RATE)
