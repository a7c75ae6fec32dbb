"""From a folder of sound to a model that runs, by commands alone."""

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner

from rtdeclip.cli.export import export
from rtdeclip.cli.train import train
from rtdeclip.errors import ModelError, SettingError
from rtdeclip.processors.model_card import read_card
from rtdeclip.processors.onnx_model import make
from rtdeclip.training.fit import read_checkpoint

app = typer.Typer()
app.command()(train)
app.command()(export)


def call(*words):
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def sound(tmp_path, monkeypatch):
    """Three files to train on and one apart; the cache in a folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for name in ("data/a.wav", "data/b.wav", "data/c.wav", "held/test/d.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.3 * rng.standard_normal(12000), 16000)
    return tmp_path


def test_train_resume_export_and_run(sound):
    out = sound / "run"
    tail = ("--preset", "tiny", "--speed", "1", "--threads", "1", "--out", out)
    said = call("train", "mine", "--data", sound / "data", "--steps", "2", *tail)
    assert "2 files to train on, 1 to validate on" in said
    checkpoint = out / "last.ckpt"
    assert read_checkpoint(checkpoint)["step"] == 2
    more = ("--resume", checkpoint, "--steps", "3")
    call("train", "mine", "--data", sound / "data", *more, *tail)
    assert read_checkpoint(checkpoint)["step"] == 3

    model = sound / "models" / "mine"
    said = call(
        "export", checkpoint, "--out", model, "--data", sound / "held", "--set",
        "test", "--licence", "CC0", "--source", "noise, CC0",
    )  # fmt: skip
    assert "rtdeclip file -p model --set model=" in said
    card = read_card(model)
    assert card.name == "mine"
    assert card.data == ("noise, CC0",)
    assert card.training["steps"] == 3
    assert [s.set for s in card.scores] == ["test"] * 6
    assert make(card, 16000, "int8").hop == 64

    again = ("--init", model, "--steps", "1", "--out", sound / "second")
    call("train", "mine", "--data", sound / "data", *tail[:-2], *again)
    start = read_checkpoint(sound / "second" / "last.ckpt")["mean"]
    from_scratch = read_checkpoint(checkpoint)["mean"]
    name = "down.1.conv.weight"
    assert (start[name] - from_scratch[name]).abs().max() < 0.02

    again = ("--init", checkpoint, "--steps", "1", "--out", sound / "third")
    call("train", "mine", "--data", sound / "data", *tail[:-2], *again)
    start = read_checkpoint(sound / "third" / "last.ckpt")["mean"]
    assert (start[name] - from_scratch[name]).abs().max() < 0.02
    with pytest.raises(ModelError, match="holds a causal-demucs of other sizes"):
        call("train", "rnn-paper", "--data", sound / "data", *again, "--speed", "1")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--loss", "joy"), "--loss 'joy' is unknown; give one of delta_sdr"),
        (("--steps", "-1"), "cannot be negative"),
        (("--preset", "huge"), "There is no preset 'huge'"),
        (("--resume", "RUN", "--init", "x", "--steps", "1"), "exclude each other"),
    ],
)
def test_wrong_options_are_refused_in_words(sound, words, reason):
    common = ("train", "mine", "--data", sound / "data", "--out", sound / "run")
    if "RUN" in words:
        call(*common, "--preset", "tiny", "--steps", "1")
        words = [sound / "run" / "last.ckpt" if w == "RUN" else w for w in words]
    with pytest.raises(SettingError, match=reason):
        call(*common, *words)
