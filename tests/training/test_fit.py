"""The loop: it learns, resumes exactly, and refuses what is no checkpoint."""

import csv
from dataclasses import replace

import pytest
import torch

from rtdeclip.errors import ModelError, SettingError
from rtdeclip.training.data import Pool
from rtdeclip.training.fit import Fit, Plan, read_checkpoint, schedule, score
from rtdeclip.training.nets.causal_demucs import Shape
from rtdeclip.training.presets import PRESETS, preset
from rtdeclip.training.run import CHECKPOINT, CURVE, LOG, source_of, train

TINY = replace(PRESETS["tiny"], precision="fp32", steps=200, rate=2e-2)
HYBRID = replace(
    TINY,
    shape=Shape(strides=(4, 4, 4), width=8, cap=16, look_ahead=16, estimate=True),
    windows_ms=(16.0, 32.0),
)


def tones(seconds=6, rate=16000):
    """Gliding harmonic tones, a pool to learn from within seconds."""
    t = torch.arange(seconds * rate) / rate
    phase = 2 * torch.pi * torch.cumsum(150 + 50 * torch.sin(4 * t), 0) / rate
    x = sum(torch.cos(k * phase + k * k) / k for k in range(1, 12))
    x = 0.9 * x / x.abs().max()
    return Pool((x * 32767).to(torch.int16), rate)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """Makes a fit at its start; estimates are made once for all of them."""
    cache = tmp_path_factory.mktemp("estimates")
    return lambda plan: Fit(plan, source_of(plan, tones(), 24, cache))


@pytest.mark.parametrize("plan", [TINY, HYBRID], ids=["plain", "hybrid"])
def test_a_tiny_network_learns_within_seconds(fresh, plan):
    fit = fresh(plan)
    item = fit.source(torch.Generator().manual_seed(99), 0)
    before = score(fit.mean, [item])[0]
    losses = [fit.advance() for _ in range(200)]
    assert score(fit.mean, [item])[0] > before + 0.2
    assert sum(losses[-10:]) < sum(losses[:10])
    assert fit.progress == 1.0


@pytest.mark.parametrize("plan", [TINY, HYBRID], ids=["plain", "hybrid"])
def test_a_resumed_training_is_the_uninterrupted_one_bit_for_bit(fresh, plan, tmp_path):
    straight, first = fresh(plan), fresh(plan)
    for _ in range(6):
        straight.advance()
    for _ in range(3):
        first.advance()
    first.save(tmp_path / "a.ckpt")
    second = fresh(replace(plan, seed=plan.seed))
    second.restore(tmp_path / "a.ckpt")
    losses = [second.advance() for _ in range(3)]
    assert second.step == straight.step == 6
    ours, theirs = second.mean.state_dict(), straight.mean.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    ours, theirs = second.net.state_dict(), straight.net.state_dict()
    assert all(torch.equal(ours[k], theirs[k]) for k in ours)
    assert straight.advance() == second.advance()
    assert len(set(losses)) == 3


def test_another_seed_gives_another_training(fresh):
    first, second = fresh(TINY), fresh(replace(TINY, seed=1))
    assert first.advance() != second.advance()


def test_a_run_leaves_checkpoint_log_and_curve(fresh, tmp_path):
    plan, lines = replace(TINY, steps=4), []
    fit = fresh(plan)
    item = fit.source(torch.Generator().manual_seed(5), 0)
    first = type(item)(*(None if t is None else t[:1] for t in item))
    train(fit, {"0.2": [first]}, tmp_path, report=lines.append)
    with (tmp_path / LOG).open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["4"]
    assert float(rows[0]["mean_0.2_db"]) == pytest.approx(
        score(fit.mean, [first])[0], abs=1e-3
    )
    assert (tmp_path / CURVE).stat().st_size > 1000
    kept = read_checkpoint(tmp_path / CHECKPOINT)
    assert Plan.from_dict(kept["plan"]) == plan
    assert lines[-1].startswith("step 4,")


def test_the_learning_rate_warms_up_and_ends_low():
    assert schedule(0.0, 0.01) == pytest.approx(0.01)
    assert schedule(0.1, 2.0) > 0.9
    assert schedule(0.5, 2.0) == pytest.approx(0.5)
    assert schedule(1.0, 2.0) == pytest.approx(0.01)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_checkpoint_is_refused_in_words(tmp_path, content):
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="is not a checkpoint of rtdeclip"):
        read_checkpoint(path)


def test_a_checkpoint_of_a_later_version_asks_for_an_update(tmp_path):
    path = tmp_path / "x.ckpt"
    torch.save({"format": 99}, path)
    with pytest.raises(ModelError, match=r"format 99.*Update rtdeclip"):
        read_checkpoint(path)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(SettingError, match="demucs-speech-16k"):
        preset("nobody")
