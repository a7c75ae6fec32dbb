"""PEAQ agrees with independent implementations, and with itself."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from rtdeclip.errors import InputError
from rtdeclip.metrics.peaq import peaq
from rtdeclip.metrics.peaq.network import NAMES, grade

DATA = Path(os.environ.get("RTDECLIP_DATA", Path(__file__).parents[3] / "shared/data"))
KNOWN = DATA / "peaq" / "known.csv"

# ODG and the 11 variables by PQevalAudio (Kabal) for clipped orchestral excerpts.
PQEVAL = """
-2.3140 748.75 748.56 -5.6859 17.691 1.8656 0.30595 16.801 26.268 1.4428 0.99814 0.4373
-0.5791 798.34 798.33 -14.41 7.0896 1.5714 0.066082 4.073 7.2766 .54061 .75784 0.045016
-0.8568 770.61 770.52 -11.271 11.552 1.6075 0.19385 11.383 16.792 0.30572 0.9367 0.09434
-0.4303 816.65 816.63 -14.868 6.6524 1.0991 0.21414 6.3294 8.9065 .22306 .83547 .022642
-3.5700 771.55 771.51 7.4325 66.252 2.5652 0.44437 66.585 221.56 3.7836 0.98422 0.46128
-1.8343 758.72 758.70 2.3217 23.527 2.6187 0.093175 15.489 61.891 1.3033 0.79411 0.16729
-3.8936 420.05 419.95 6.1101 38.227 2.36 0.22421 38.35 497.89 0.64675 1 0.75532
"""


def saw_and_triangle(n: int = 128 * 1024) -> tuple[NDArray[np.float64], ...]:
    phase = (440 * np.arange(n) / 48_000) % 1.0
    saw = np.where(phase < 0.5, 2 * phase, 2 * phase - 2)
    triangle = 1 - 4 * np.abs((phase + 0.25) % 1.0 - 0.5)
    return 0.8 * saw, 0.8 * triangle


def music(seed: int, n: int = 48_000) -> NDArray[np.float64]:
    """A plucked string: partials up to 17 kHz, nothing above, as PEAQ expects."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 48_000
    x = np.zeros(n)
    for k in range(1, 86):
        tone = np.sin(2 * np.pi * (196 * k * t + rng.random()))
        x += rng.uniform(0.3, 1) / k * np.exp(-(k**0.5) * (t % 0.5)) * tone
    return 0.5 * x / np.abs(x).max()


@pytest.mark.parametrize("row", PQEVAL.split("\n")[1:-1])
def test_the_network_gives_the_grade_of_known_variables(row: str) -> None:
    odg, *movs = (float(word) for word in row.split())
    assert grade(np.array(movs))[1] == pytest.approx(odg, abs=3e-4)


def test_a_saw_against_a_triangle_has_the_grade_of_gstpeaq() -> None:
    saw, triangle = saw_and_triangle()
    assert peaq(saw, triangle, 48_000).odg == pytest.approx(-2.007, abs=0.003)


@pytest.mark.skipif(not KNOWN.exists(), reason="the graded excerpts are not here")
def test_graded_excerpts_get_their_grades() -> None:
    errors = []
    for row in csv.DictReader(KNOWN.read_text().splitlines()):
        x, rate = soundfile.read(KNOWN.parent / row["reference"])
        z, _ = soundfile.read(KNOWN.parent / row["degraded"])
        errors.append(abs(peaq(x, z, rate).odg - float(row["odg"])))
    assert np.median(errors) <= 0.001
    assert max(errors) <= 0.01


def test_identical_sound_is_imperceptible() -> None:
    x = music(1)
    same = peaq(x, x, 48_000)
    assert 0.1 < same.odg <= 0.22
    assert same.five_grade == same.odg + 5
    assert same.movs["ADBB"] == same.movs["RelDistFramesB"] == 0.0
    assert tuple(same.movs) == NAMES


def test_the_harder_the_clipping_the_worse_the_grade() -> None:
    x = music(2)
    grades = [
        peaq(x, np.clip(x, -t, t), 48_000).odg for t in (0.4, 0.3, 0.2, 0.1, 0.05)
    ]
    assert all(np.diff(grades) < 0)
    assert grades[-1] < -3.0 < -1.0 < grades[0]


def test_groups_of_frames_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    x = music(3)
    z = np.clip(x, -0.2, 0.2)
    whole = peaq(x, z, 48_000)
    monkeypatch.setattr("rtdeclip.metrics.peaq.measure.FRAMES_AT_ONCE", 7)
    parts = peaq(x, z, 48_000)
    assert list(parts.movs.values()) == pytest.approx(list(whole.movs.values()))


def test_two_equal_channels_grade_as_one() -> None:
    x = music(4)
    z = np.clip(x, -0.2, 0.2)
    stereo = peaq(np.stack([x, x], 1), np.stack([z, z], 1), 48_000)
    assert stereo.odg == pytest.approx(peaq(x, z, 48_000).odg)


def test_silence_around_the_sound_does_not_count() -> None:
    x = music(5, 96_000)
    z = np.clip(x, -0.2, 0.2)
    pad = (8 * 1024, 20 * 1024)
    padded = peaq(np.pad(x, pad), np.pad(z, pad), 48_000)
    plain = peaq(x, z, 48_000)
    assert padded.odg == pytest.approx(plain.odg, abs=0.15)
    assert padded.movs["TotalNMRB"] == pytest.approx(plain.movs["TotalNMRB"], abs=0.5)


def test_noise_in_a_digital_pause_gives_finite_variables() -> None:
    x = music(9, 96_000)
    x[30_000:60_000] = 0.0
    z = x + np.where(x == 0.0, 0.5 * music(10, 96_000), 0.0)
    assert np.isfinite(list(peaq(x, z, 48_000).movs.values())).all()


def test_a_constant_gain_is_adapted_to() -> None:
    x = music(6)
    assert peaq(x, 0.97 * x, 48_000).odg > -0.2


def test_short_sound_still_gives_finite_variables() -> None:
    x = music(7, 3000)
    assert np.isfinite(list(peaq(x, 0.9 * x, 48_000).movs.values())).all()


@pytest.mark.parametrize(
    ("x", "rate", "why"),
    [
        (np.zeros(48_000), 48_000, "silent"),
        (music(8)[:4], 48_000, "short"),
        (music(8), 44_100, "48000"),
        (np.zeros((4800, 3)), 48_000, "channels"),
        (np.full(4800, np.nan), 48_000, "NaN"),
    ],
)
def test_what_cannot_be_graded_is_refused(
    x: NDArray[np.float64], rate: int, why: str
) -> None:
    with pytest.raises(InputError, match=why):
        peaq(x, x, rate)


def test_lengths_must_be_equal() -> None:
    x = music(9)
    with pytest.raises(InputError, match="shape"):
        peaq(x, x[:-1], 48_000)


def test_a_silent_test_signal_is_refused_as_its_grade_would_be_meaningless() -> None:
    x = music(10)
    with pytest.raises(InputError, match="test signal is silent"):
        peaq(x, np.zeros_like(x), 48_000)
