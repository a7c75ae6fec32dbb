"""Segments made beside the training: the same draws however fast they come."""

from dataclasses import replace

import torch

from rtdeclip.training.beside import SHARD, USES, Beside
from rtdeclip.training.data import Pool
from rtdeclip.training.nets.causal_demucs import Shape
from rtdeclip.training.presets import PRESETS

PLAN = replace(
    PRESETS["tiny"],
    shape=Shape(strides=(4, 4), width=4, cap=8, look_ahead=16, layers=1, partner=True),
    segment_samples=512,
    batch=8,
)
LATER = SHARD * USES // PLAN.batch  # the first step that draws from two shards


def pool(seed=0):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(20000, generator=generator).cumsum(0) / 200
    return Pool((noise.clamp(-1, 1) * 32767).to(torch.int16), 16000)


def drawn(source, step, seed=0):
    return source(torch.Generator().manual_seed(seed), step)


def test_a_repeated_training_draws_the_same_from_what_is_kept(tmp_path):
    said = []
    first = Beside(PLAN, pool(), 2 * SHARD, tmp_path, said.append)
    early, late = drawn(first, 0), drawn(first, LATER)
    again = Beside(PLAN, pool(), 2 * SHARD, tmp_path, said.append)
    for one, other in ((early, drawn(again, 0)), (late, drawn(again, LATER))):
        assert torch.equal(one.clean, other.clean)
        assert torch.equal(one.partner, other.partner)
    assert "0 of 2" in said[0]
    assert "2 of 2" in said[1]


def test_more_segments_join_as_the_training_goes_on(tmp_path):
    source = Beside(PLAN, pool(), 2 * SHARD, tmp_path)
    early = torch.cat([drawn(source, 0, s).clean.abs() for s in range(120)])
    late = torch.cat([drawn(source, LATER, s).clean.abs() for s in range(240)])
    kinds = [len(torch.unique(x, dim=0)) for x in (early, late)]
    assert kinds[0] == SHARD
    assert kinds[1] > 1.9 * SHARD


def test_without_its_helper_the_training_makes_its_own(tmp_path):
    source = Beside(PLAN, pool(), SHARD, tmp_path)
    source._helper.kill()  # as the system does for want of memory
    source._helper.join()
    assert drawn(source, 0).clean.shape == (PLAN.batch, PLAN.segment_samples)


def test_another_plan_or_other_audio_shares_nothing(tmp_path):
    folders = {
        Beside(plan, audio, 0, tmp_path)._folder
        for plan, audio in (
            (PLAN, pool()),
            (PLAN, pool(1)),
            (replace(PLAN, seed=3), pool()),
            (replace(PLAN, segment_samples=1024), pool()),
        )
    }
    assert len(folders) == 4
