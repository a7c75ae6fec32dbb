"""``rtdeclip clip`` makes the test material that its options say."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from rtdeclip.cli._audio import read
from rtdeclip.cli.clip import clip
from rtdeclip.errors import FileError, InputError, SettingError

app = typer.Typer(rich_markup_mode="rich")
app.command("clip")(clip)


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    t = np.arange(8000) / 8000
    x = 0.6 * np.sin(2 * np.pi * 110 * t) + 0.3 * np.sin(2 * np.pi * 333 * t)
    path = tmp_path / "clean.wav"
    soundfile.write(path, np.stack([x, 0.5 * x], axis=1), 8000, subtype="FLOAT")
    return path


def sdr(x: np.ndarray, y: np.ndarray) -> float:
    return float(10 * np.log10((x**2).sum() / ((x - y) ** 2).sum()))


def test_a_fraction_of_the_peak(clean: Path, tmp_path: Path) -> None:
    result = run(clean, tmp_path / "out.wav", "--fraction", 0.2, "--json")
    assert result.exit_code == 0
    x, y = read(clean).audio, read(tmp_path / "out.wav").audio
    np.testing.assert_array_equal(
        y, np.clip(x, -0.2 * np.abs(x).max(), 0.2 * np.abs(x).max())
    )
    (row,) = json.loads(result.stdout)
    assert row["high"] == row["low"] == pytest.approx(0.2 * np.abs(x).max())
    assert row["clipped_fraction"] == pytest.approx(np.mean(x != y), abs=1e-3)
    assert row["sdr_db"] == pytest.approx(sdr(x, y), abs=1e-4)


def test_an_input_sdr(clean: Path, tmp_path: Path) -> None:
    assert run(clean, tmp_path / "out.wav", "--sdr", 7).exit_code == 0
    assert sdr(read(clean).audio, read(tmp_path / "out.wav").audio) == pytest.approx(
        7, abs=1e-3
    )


def test_levels_of_each_polarity(clean: Path, tmp_path: Path) -> None:
    assert run(clean, tmp_path / "out.wav", "--asymmetric", 0.5, 0.1).exit_code == 0
    y = read(tmp_path / "out.wav").audio
    assert (y.max(), y.min()) == (np.float32(0.5), np.float32(-0.1))


def test_gain_before_the_level_is_noted_in_the_file(
    clean: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.wav"
    assert run(clean, out, "--level", 0.5, "--gain-db", 20).exit_code == 0
    sound = read(out)
    assert np.abs(sound.audio).max() == np.float32(0.5)
    assert sound.gain_db == 20.0
    quiet = np.abs(sound.audio) < 0.49
    np.testing.assert_allclose(
        sound.audio[quiet], 10 * read(clean).audio[quiet], rtol=1e-6
    )


def test_tanh_overdrive_and_logistic(clean: Path, tmp_path: Path) -> None:
    x = read(clean).audio.astype(float)
    out = tmp_path / "out.wav"
    run(clean, out, "--tanh", "--gain-db", 20)
    np.testing.assert_allclose(read(out).audio, np.tanh(10 * x), atol=1e-6)
    run(clean, out, "--overdrive", 20, 20)
    first = 0.5 * x[0, 0] + 0.75 * (0.1 - 0.1**3 / 3)
    assert read(out).audio[0, 0] == pytest.approx(first, abs=1e-6)
    result = run(clean, out, "--logistic", 10, 0.5, "--json")
    lost = json.loads(result.stdout)[0]["missing_fraction"]
    assert lost == pytest.approx(np.mean(read(out).audio == 0), abs=1e-3)


def test_wet_and_dry_add_up(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert run(clean, out, "--level", 0.2, "--wet", 0.25).exit_code == 0
    x = read(clean).audio.astype(float)
    expected = 0.25 * np.clip(x, -0.2, 0.2) + 0.75 * x
    np.testing.assert_allclose(read(out).audio, expected, atol=1e-7)


def test_noise_comes_before_clipping_and_the_seed_repeats_it(
    clean: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / f"{n}.wav" for n in range(3)]
    for out, seed in zip(outs, (1, 1, 2), strict=True):
        run(clean, out, "--level", 0.3, "--noise", 0.05, "--seed", seed)
    a, b, c = (read(out).audio for out in outs)
    assert (a == b).all()
    assert (a != c).any()
    assert a.max() == np.float32(0.3)


def test_the_high_pass_comes_after_clipping(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    run(clean, out, "--level", 0.3, "--highpass", 80)
    y = read(out).audio[:, 0]
    assert (np.abs(y - y.max()) < 1e-6).sum() < 5


def test_the_input_is_never_touched(clean: Path, tmp_path: Path) -> None:
    before = clean.read_bytes()
    assert run(clean, clean, "--level", 0.3).exit_code == 2
    link = tmp_path / "link.wav"
    link.symlink_to(clean)
    assert run(clean, link, "--level", 0.3).exit_code == 2
    assert clean.read_bytes() == before


def test_exactly_one_distortion_is_wanted(clean: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert run(clean, out).exit_code == 2
    assert run(clean, out, "--level", 0.3, "--sdr", 7).exit_code == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--fraction", 1.5), SettingError),
        (("--sdr", 0), SettingError),
        (("--overdrive", 200, 0), SettingError),
    ],
)
def test_a_setting_out_of_range_leaves_no_file(
    clean: Path, tmp_path: Path, words: tuple[object, ...], error: type[Exception]
) -> None:
    result = run(clean, tmp_path / "out.wav", *words)
    assert result.exit_code == 1
    assert isinstance(result.exception, error)
    assert [p.name for p in tmp_path.iterdir()] == ["clean.wav"]


def test_files_that_cannot_be_used_are_named(clean: Path, tmp_path: Path) -> None:
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"nothing of audio")
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.zeros(100), 8000)
    empty = tmp_path / "empty.wav"
    soundfile.write(empty, np.zeros(0), 8000)
    out = tmp_path / "out.wav"
    for source, error in (
        (noise, FileError),
        (empty, FileError),
        (tmp_path / "absent.wav", FileError),
        (silent, InputError),
    ):
        result = run(source, out, "--fraction", 0.2)
        assert isinstance(result.exception, error)
    for bad in (tmp_path / "out.flac", tmp_path / "out", tmp_path / "no" / "out.wav"):
        result = run(clean, bad, "--level", 0.2)
        assert isinstance(result.exception, FileError)
        assert not bad.exists()


def test_help_shows_examples_within_eighty_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run("--help")
    assert "rtdeclip clip clean.wav clipped.wav --fraction 0.2" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
