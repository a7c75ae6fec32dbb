"""Clean batches made worse on the device they lie on, by a seeded generator.

The same rules as ``rtdeclip.distortion``, for a batch at a time: levels are drawn per
item, log-uniform over a range of the item's peak, a share of them at one fixed
fraction (the papers' 0.2), a share with unlike levels for the two polarities.
"""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Degradation:
    """The mix, stored in every checkpoint.

    Args:
        lowest: smallest clip level, as a fraction of the item's peak.
        highest: largest.
        fixed: the fraction that ``fixed_share`` of the items take.
        fixed_share: 0 to 1.
        uneven_share: share of items whose lower level differs, by up to 3 dB.
        sum_share: share of items to which others are added (voices, chords).
        most_added: how many others at most, each at a gain of 0 to 1.
        tilt_share: share of items filtered by 1 + a·z⁻¹, |a| ≤ 0.6, before clipping.
    """

    lowest: float = 0.05
    highest: float = 0.9
    fixed: float = 0.2
    fixed_share: float = 0.3
    uneven_share: float = 0.05
    tilt_share: float = 0.3
    sum_share: float = 0.0
    most_added: int = 1

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)


class Item(NamedTuple):
    """A batch, all ``(B, N)`` float32: truth, clipped, mask, level, the estimates."""

    clean: Tensor
    clipped: Tensor
    sign: Tensor
    theta: Tensor
    estimate: Tensor | None = None
    partner: Tensor | None = None

    def to(self, device: str | torch.device) -> "Item":
        """The batch on another device."""
        clean, clipped, sign, theta = (tensor.to(device) for tensor in self[:4])
        estimate, partner = (None if x is None else x.to(device) for x in self[4:])
        return Item(clean, clipped, sign, theta, estimate, partner)

    def padded(self, samples: int) -> "Item":
        """``samples`` zeros at the end; the level goes on."""
        pad = (0, samples)
        clean, clipped, sign = (functional.pad(tensor, pad) for tensor in self[:3])
        theta = functional.pad(self.theta, pad, mode="replicate")
        estimate, partner = (
            None if x is None else functional.pad(x, pad) for x in self[4:]
        )
        return Item(clean, clipped, sign, theta, estimate, partner)


def degrade(clean: Tensor, mix: Degradation, generator: Generator) -> Item:
    """``clean`` ``(B, N)`` as a training batch."""
    return clip_batch(*shaped(clean, mix, generator))


def shaped(
    clean: Tensor, mix: Degradation, generator: Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """``clean`` ``(B, N)`` filtered and summed, and its two levels, ``(B, 1)`` each.

    Polarity is drawn too, so that the network cannot learn a voice's asymmetry in one
    direction only.
    """

    def uniform() -> Tensor:
        draw = torch.rand(clean.shape[0], 1, generator=generator)
        return draw.to(clean.device)

    alone = clean
    for _ in range(mix.most_added if mix.sum_share else 0):
        other = alone[torch.randperm(clean.shape[0], generator=generator)]
        clean = clean + uniform() * (uniform() < mix.sum_share) * other
    tilt = (1.2 * uniform() - 0.6) * (uniform() < mix.tilt_share)
    clean = clean + tilt * functional.pad(clean, (1, 0))[:, :-1]
    clean = torch.where(uniform() < 0.5, clean, -clean)

    fraction = mix.lowest * (mix.highest / mix.lowest) ** uniform()
    fixed = torch.full_like(fraction, mix.fixed)
    fraction = torch.where(uniform() < mix.fixed_share, fixed, fraction)
    high = fraction * clean.abs().amax(1, keepdim=True).clamp(min=1e-6)
    uneven = uniform() < mix.uneven_share
    low = torch.where(uneven, high * 10.0 ** (-3.0 / 20.0 * uniform()), high)
    return clean, high, low


def clip_batch(clean: Tensor, high: Tensor, low: Tensor) -> Item:
    """``clean`` ``(B, N)`` held within [−low, high], each ``(B, 1)`` and > 0."""
    clipped = torch.maximum(torch.minimum(clean, high), -low)
    sign = (clean >= high).to(clean.dtype) - (clean <= -low).to(clean.dtype)
    theta = torch.maximum(high, low).expand_as(clean).contiguous()
    return Item(clean, clipped, sign, theta)
