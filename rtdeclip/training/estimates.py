"""Segments with an A-SPADE estimate beside them, computed once before the training.

A-SPADE runs a few hundred times faster than the sound, training sees each segment
many times: so the segments are drawn, degraded and restored ahead, and kept as 16-bit
integers. Each is cut from a longer one, so that no estimate lacks its surroundings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.spade_signal import aspade_estimate
from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import Item, clip_batch, shaped
from rtdeclip.training.fit import Plan

GROWTH = 0.05  # of the sparsity: two thirds of the time for 0.1 dB less than 0.03
SURROUNDINGS = 512  # samples on each side
FULL = 32767.0
ROOM = 4.0  # estimates may rise above full scale by 12 dB


@dataclass(frozen=True)
class Prepared:
    """Degraded segments and their estimates.

    Args:
        clean: ``(n_items, n_samples)`` int16, full scale 32767.
        estimate: same shape, int16, full scale 32767 / 4.
        levels: ``(n_items, 2)`` float32, the high and the low clip level.
    """

    clean: Tensor
    estimate: Tensor
    levels: Tensor

    def draw(self, batch: int, generator: Generator) -> Item:
        """A batch of random items, each with a random polarity."""
        chosen = torch.randint(len(self.clean), (batch,), generator=generator)
        flip = 1.0 - 2.0 * torch.randint(2, (batch, 1), generator=generator)
        clean = self.clean[chosen].float() / FULL * flip
        estimate = self.estimate[chosen].float() * (ROOM / FULL) * flip
        levels = self.levels[chosen]
        high, low = torch.where(flip > 0, levels, levels.flip(1)).chunk(2, 1)
        item = clip_batch(clean, high, low)
        return item._replace(estimate=estimate)


def prepare(
    pool: Pool,
    plan: Plan,
    count: int,
    progress: Callable[[float], None] | None = None,
) -> Prepared:
    """``count`` segments of ``pool`` degraded by the plan's mix, with estimates.

    Args:
        pool: clean audio.
        plan: its mix, segment length, windows and seed.
        count: how many; each takes 4 bytes a sample.
        progress: told the share that is done.
    """
    generator = Generator().manual_seed(plan.seed + 1)
    length, edge = plan.segment_samples, SURROUNDINGS
    clean = torch.zeros(count, length, dtype=torch.int16)
    estimate = torch.zeros_like(clean)
    levels = torch.zeros(count, 2)
    for k in range(count):
        whole = pool.draw(1, length + 2 * edge, generator)
        whole, high, low = shaped(whole, plan.mix, generator)
        scale = 1.0 / max(1.0, float(whole.abs().max()))
        whole = (whole * scale * FULL).round() / FULL
        item = clip_batch(whole, high * scale, low * scale)
        window = plan.windows_ms[k % len(plan.windows_ms)]
        item = estimated(item, plan.sample_rate, window, GROWTH)
        assert item.estimate is not None
        clean[k] = (item.clean[0, edge:-edge] * FULL).round().to(torch.int16)
        kept = (item.estimate[0, edge:-edge] * (FULL / ROOM)).round()
        estimate[k] = kept.clamp(-FULL, FULL).to(torch.int16)
        levels[k] = torch.cat([high, low], 1)[0] * scale
        if progress:
            progress((k + 1) / count)
    return Prepared(clean, estimate, levels)


def estimated(item: Item, sample_rate: int, window_ms: float, growth: float) -> Item:
    """``item``, a batch of one, with its A-SPADE estimate."""
    y, sign = item.clipped[0].numpy(), item.sign[0].numpy().astype(np.int8)
    bound = np.where(sign == 0, np.float32(0), np.abs(y)).astype(np.float32)
    found = aspade_estimate(y, sign, bound, window_for(sample_rate, window_ms), growth)
    return item._replace(estimate=torch.from_numpy(found)[None])


def all_estimated(
    items: Sequence[Item], sample_rate: int, window_ms: float
) -> list[Item]:
    """Validation items with estimates as good as those of the live processor."""
    return [estimated(item, sample_rate, window_ms, 0.03) for item in items]
