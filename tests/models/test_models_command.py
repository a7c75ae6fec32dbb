"""Cards are listed, shown and verified; a number that does not hold is found."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from rtdeclip.benchmarks.models import clean_files, measure, wanted_scores
from rtdeclip.cli.models import models
from rtdeclip.errors import FileError, ModelError
from rtdeclip.processors import model_card
from rtdeclip.processors.model_card import Score, read_card

TINY = Path(__file__).parents[1] / "data" / "tiny-step"


@pytest.fixture
def data(tmp_path):
    """A data folder with two clean files in test/tones."""
    folder = tmp_path / "data" / "test" / "tones"
    folder.mkdir(parents=True)
    t = np.arange(16000) / 16000
    for k, f in enumerate((150, 220)):
        x = sum(np.cos(2 * np.pi * f * h * t + h * h) / h for h in range(1, 9))
        soundfile.write(folder / f"{k}.wav", 0.2 * x, 16000)
    return tmp_path / "data"


def scored(folder, score, mean):
    """A copy of the tiny model whose card states one score."""
    shutil.copytree(TINY, folder)
    text = (folder / "card.toml").read_text()
    text += (
        f'\n[[scores]]\nset = "{score.set}"\nfraction = {score.fraction}\n'
        f'weights = "{score.weights}"\nmean_db = {mean}\nworst_db = {score.worst_db}\n'
    )
    (folder / "card.toml").write_text(text)
    return folder


def measured(data):
    card = read_card(TINY)
    wanted = Score("test/tones", 0.2, "fp32", 0.0, 0.0)
    return measure(card, wanted, clean_files(data / wanted.set, card.sample_rate))


def test_a_true_card_is_verified(data, tmp_path):
    score = measured(data)
    assert score.mean_db >= score.worst_db
    assert score.mean_db != 0
    folder = scored(tmp_path / "true", score, score.mean_db)
    done = CliRunner().invoke(models, ["verify", str(folder), "--data", str(data)])
    assert done.exit_code == 0, done.output
    assert "All 1 rows as the card says" in done.output


def test_a_number_that_does_not_hold_is_told(data, tmp_path):
    score = measured(data)
    folder = scored(tmp_path / "false", score, score.mean_db + 0.5)
    done = CliRunner().invoke(models, ["verify", str(folder), "--data", str(data)])
    assert done.exit_code == 1
    assert "1 of 1 numbers differ by more than 0.05 dB" in done.output
    assert f"{score.mean_db:.2f} dB (card {score.mean_db + 0.5:.2f})" in done.output


def test_verify_wants_the_data_and_undamaged_files(data, tmp_path):
    folder = scored(tmp_path / "m", measured(data), 0.0)
    gone = CliRunner().invoke(models, ["verify", str(folder), "--data", str(tmp_path)])
    assert isinstance(gone.exception, FileError)
    assert "holds no audio" in str(gone.exception)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")
    bad = CliRunner().invoke(models, ["verify", str(folder), "--data", str(data)])
    assert isinstance(bad.exception, ModelError)
    assert "damaged" in str(bad.exception)


def test_a_new_card_gets_a_row_per_level_and_precision():
    rows = wanted_scores(read_card(TINY), "test/speech")
    assert len(rows) == 10
    assert {row.weights for row in rows} == {"int8", "fp32"}
    assert {row.fraction for row in rows} == {0.1, 0.2, 0.3, 0.5, 0.7}
    music = wanted_scores(read_card(TINY), "test/music")
    assert [row.input_sdr_db for row in music] == [3.0, 7.0, 15.0] * 2
    assert {row.fraction for row in music} == {0.0}


def test_a_score_at_an_input_sdr_is_measured_at_it():
    t = np.arange(8000) / 16000
    x = sum(np.cos(2 * np.pi * 150 * h * t + h * h) / h for h in range(1, 9))
    x = (0.2 * x).astype(np.float32)
    rows = [
        measure(read_card(TINY), Score("m", 0.0, "fp32", 0, 0, input_sdr_db=s), [x])
        for s in (3.0, 15.0)
    ]
    assert rows[0].mean_db != rows[1].mean_db
    assert rows[0].mean_db == rows[0].worst_db > 0


def test_the_list_names_models_and_says_why_one_cannot_be_used(tmp_path, monkeypatch):
    shutil.copytree(TINY, tmp_path / "tiny-step")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "card.toml").write_text("format = 99")
    monkeypatch.setenv(model_card.FOLDERS_VARIABLE, str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    done = CliRunner().invoke(models, ["list"])
    assert done.exit_code == 0
    assert "tiny-step" in done.output
    assert "6 ms" in done.output
    assert "format 99, this version reads up to 1" in done.output


def test_show_prints_the_card():
    done = CliRunner().invoke(models, ["show", str(TINY)])
    assert done.exit_code == 0
    assert "LibriSpeech" in done.output
    assert "sha256" in done.output
    nobody = CliRunner().invoke(models, ["show", "nobody"])
    assert "There is no model 'nobody'" in str(nobody.exception)
