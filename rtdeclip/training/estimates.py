"""Segments with classical estimates beside them, computed before they are trained on.

A-SPADE's is the start of a hybrid; linear prediction's is a partner that the network
mixes in, and looks as far ahead as the whole model is late.

A-SPADE runs a few hundred times faster than the sound, training sees each segment
several times: so segments are drawn, degraded and restored ahead (``beside`` does it
while the training runs), and kept as 16-bit integers. Each is cut from a longer one,
so that no estimate lacks its surroundings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Generator, Tensor

from rtdeclip.processors.aspade import window_for
from rtdeclip.processors.model_card import Estimate
from rtdeclip.processors.spade_signal import aspade_estimate
from rtdeclip.processors.whole_estimate import whole_estimate
from rtdeclip.stream.processor import Processor, Value
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.stream.registry import find
from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import Item, clip_batch, shaped
from rtdeclip.training.fit import Plan

GROWTH = 0.015  # of A-SPADE's sparsity
# Settings of what networks correct; the card tells the host to use the same.
ESTIMATORS: Mapping[str, dict[str, Value]] = {
    "aspade": {"growth": GROWTH},
    "ar": {"order": 64, "look_ahead": 4.3},
    "best": {"network": "off"},
}
WIDE_HZ = 24000
LOOK_AHEAD_MS, WIDE_LOOK_AHEAD_MS = 48.0, 8.0  # of linear prediction, at most
SURROUNDINGS_S = 0.032  # on each side
WIDE_SURROUNDINGS_S = 0.256  # for an estimate of longer frames than A-SPADE's
DRAWN = 16  # segments at a time, so that one can be added to another
FULL = 32767.0
ROOM = 4.0  # estimates may rise above full scale by 12 dB


@dataclass(frozen=True)
class Prepared:
    """Degraded segments and their estimates.

    Args:
        clean: ``(n_items, n_samples)`` int16, full scale 32767.
        estimate: same shape, int16, full scale 32767 / 4.
        levels: ``(n_items, 2)`` float32, the high and the low clip level.
        partner: as ``estimate``.
    """

    clean: Tensor
    estimate: Tensor | None
    levels: Tensor
    partner: Tensor | None = None

    def draw(self, batch: int, generator: Generator) -> Item:
        """A batch of random items, each with a random polarity."""
        chosen = torch.randint(len(self.clean), (batch,), generator=generator)
        return self.rows(chosen.tolist()).turned(generator)

    def rows(self, chosen: list[int]) -> "Prepared":
        """These items alone."""
        estimate, partner = (
            None if kept is None else kept[chosen]
            for kept in (self.estimate, self.partner)
        )
        return Prepared(self.clean[chosen], estimate, self.levels[chosen], partner)

    @classmethod
    def joined(cls, parts: "Sequence[Prepared]") -> "Prepared":
        """The items of all ``parts``, which have the same estimates."""
        estimate, partner = (
            None if kept[0] is None else torch.cat([x for x in kept if x is not None])
            for kept in ([p.estimate for p in parts], [p.partner for p in parts])
        )
        clean, levels = (
            torch.cat(kept)
            for kept in ([p.clean for p in parts], [p.levels for p in parts])
        )
        return cls(clean, estimate, levels, partner)

    def turned(self, generator: Generator) -> Item:
        """All items as a batch, each with a random polarity."""
        flip = 1.0 - 2.0 * torch.randint(2, (len(self.clean), 1), generator=generator)
        clean = self.clean.float() / FULL * flip
        estimate, partner = (
            None if kept is None else kept.float() * (ROOM / FULL) * flip
            for kept in (self.estimate, self.partner)
        )
        high, low = torch.where(flip > 0, self.levels, self.levels.flip(1)).chunk(2, 1)
        item = clip_batch(clean, high, low)
        return item._replace(estimate=estimate, partner=partner)


def prepare(pool: Pool, plan: Plan, count: int) -> Prepared:
    """``count`` segments of ``pool`` degraded by the plan's mix, with estimates.

    Args:
        pool: clean audio.
        plan: its mix, segment length, windows and seed.
        count: how many; each takes 2 bytes a sample for itself and each estimate.
    """
    generator = Generator().manual_seed(plan.seed + 1)
    length = plan.segment_samples
    near = plan.estimator == "aspade"
    around_s = SURROUNDINGS_S if near else WIDE_SURROUNDINGS_S
    edge = round(around_s * plan.sample_rate)
    clean = torch.zeros(count, length, dtype=torch.int16)
    estimate = torch.zeros_like(clean) if plan.estimate else None
    partner = torch.zeros_like(clean) if plan.partner else None
    levels = torch.zeros(count, 2)
    for k in range(count):
        if k % DRAWN == 0:
            drawn = pool.draw(DRAWN, length + 2 * edge, generator)
            drawn, highs, lows = shaped(drawn, plan.mix, generator)
        whole, high, low = (x[k % DRAWN, None] for x in (drawn, highs, lows))
        scale = 1.0 / max(1.0, float(whole.abs().max()))
        whole = (whole * scale * FULL).round() / FULL
        item = clip_batch(whole, high * scale, low * scale)
        windows = plan.windows_ms or (0.0,)
        item = estimated(item, plan, windows[k % len(windows)])
        clean[k] = (item.clean[0, edge:-edge] * FULL).round().to(torch.int16)
        for kept, found in ((estimate, item.estimate), (partner, item.partner)):
            if kept is not None and found is not None:
                rounded = (found[0, edge:-edge] * (FULL / ROOM)).round()
                kept[k] = rounded.clamp(-FULL, FULL).to(torch.int16)
        levels[k] = torch.cat([high, low], 1)[0] * scale
    return Prepared(clean, estimate, levels, partner)


def estimated(item: Item, plan: Plan, window_ms: float) -> Item:
    """``item``, a batch of one, with the estimates the plan's network takes.

    Args:
        item: clipped.
        plan: its sample rate and shape.
        window_ms: of A-SPADE; not used by a network without its estimate.
    """
    y, sign = item.clipped[0].numpy(), item.sign[0].numpy().astype(np.int8)
    bound = np.where(sign == 0, np.float32(0), np.abs(y)).astype(np.float32)
    late = late_samples(plan, window_ms)
    if plan.estimate:
        if plan.estimator == "aspade":
            window = window_for(plan.sample_rate, window_ms)
            found = aspade_estimate(y, sign, bound, window, GROWTH)
        else:
            found = whole_estimate(_estimator(plan, window_ms), y, sign, bound)
        item = item._replace(estimate=torch.from_numpy(found)[None])
    if plan.partner:
        partner = partner_of(plan)
        settings = {**partner.settings}
        if partner.follows:
            settings[partner.follows] = 1e3 * late / plan.sample_rate
        processor = find(partner.processor).build(plan.sample_rate, 1, **settings)
        found = whole_estimate(processor, y, sign, bound)
        item = item._replace(partner=torch.from_numpy(found)[None])
    return item


@cache
def late_samples(plan: Plan, window_ms: float) -> int:
    """The latency of the model with its estimate, beyond its hop.

    Args:
        plan: its sample rate and shape.
        window_ms: of A-SPADE; not used by a network without its estimate.
    """
    late: int = plan.shape.look_ahead
    if plan.estimate:
        made = _estimator(plan, window_ms)
        late += fit_processor(made, plan.shape.hop, 0).latency_samples
    return late


def estimate_of(plan: Plan) -> Estimate:
    """The processor whose estimate the plan's network corrects, for its card."""
    settings = dict(ESTIMATORS.get(plan.estimator, {}))
    return Estimate(plan.estimator, settings, plan.windows_ms)


def _estimator(plan: Plan, window_ms: float) -> Processor:
    estimate = estimate_of(plan)
    settings = dict(estimate.settings)
    if plan.windows_ms:
        settings["window_ms"] = window_ms
    made: Processor = find(plan.estimator).build(plan.sample_rate, 1, **settings)
    return made


def partner_of(plan: Plan) -> Estimate:
    """Linear prediction that the plan's network can afford live, as its partner.

    Its cost grows with the samples it sees at once and the order squared: at 16 kHz it
    looks as far ahead as the model is late, up to 48 ms; at full band over 8 ms at
    most, at half the order.
    """
    wide = plan.sample_rate > WIDE_HZ
    settings: dict[str, Value] = {"order": 64} if wide else {}
    furthest_ms = WIDE_LOOK_AHEAD_MS if wide else LOOK_AHEAD_MS
    late = min(late_samples(plan, ms) for ms in plan.windows_ms or (0.0,))
    if late < furthest_ms * 1e-3 * plan.sample_rate:
        return Estimate("ar", settings, follows="look_ahead")
    return Estimate("ar", settings | {"look_ahead": furthest_ms})


def all_estimated(items: Sequence[Item], plan: Plan, window_ms: float) -> list[Item]:
    """Validation items with the estimates of the live processor."""
    return [estimated(item, plan, window_ms) for item in items]
