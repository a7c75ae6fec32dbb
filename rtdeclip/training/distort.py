"""The papers' own distortions for whole batches: each a rule with a range.

The numbers are those of ``rtdeclip.distortion``, where the formulas have their sources:
a fraction of the peak, an input SDR, a gain before a hard clip, SoX's overdrive, tanh;
any of them with dry signal beside it. Levels are set over a piece several segments
long, as a file's level is set by its loudest part; then a segment is cut out of it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import log
from typing import Any, Self

import torch
from torch import Generator, Tensor

from rtdeclip.distortion.soft import DC_POLE, DRY, WET
from rtdeclip.errors import SettingError
from rtdeclip.training.data import Pool
from rtdeclip.training.degrade import Item, clip_batch

HARD, SOFT = ("fraction", "sdr", "gain"), ("overdrive", "tanh")
BISECTIONS = 20  # the level to a millionth of the peak
BLOCKER = 4096  # samples of the DC blocker's response; then it is below −170 dB


@dataclass(frozen=True, slots=True)
class Rule:
    """One distortion.

    Args:
        kind: ``fraction`` of the peak, input ``sdr`` in dB, ``gain`` in dB before
            a hard clip at 1, ``overdrive`` or ``tanh`` with a gain in dB.
        low: least of its number; ``fraction`` is drawn log-uniform, others uniform.
        high: most.
        peak: the piece is scaled to it first; 0: left as it is.
        share: of the items, relative to the other rules'.
        driest: the wet share is drawn from here to 1; 1: no dry signal. The dry one
            has the level from before the gain.
    """

    kind: str
    low: float
    high: float
    peak: float = 0.0
    share: float = 1.0
    driest: float = 1.0

    def __post_init__(self) -> None:
        """Raises SettingError where the kind is unknown."""
        if self.kind not in HARD + SOFT:
            raise SettingError(
                f"The distortion {self.kind!r} is unknown; give one of "
                f"{', '.join(HARD + SOFT)}."
            )

    def values(self, uniform: Tensor) -> Tensor:
        """The rule's numbers for draws from 0 to 1."""
        if self.kind == "fraction":
            return self.low * torch.exp(log(self.high / self.low) * uniform)
        return self.low + (self.high - self.low) * uniform

    def apply(self, clean: Tensor, value: Tensor, wet: Tensor) -> Item:
        """``clean`` ``(B, N)`` distorted; what to restore comes back as ``clean``.

        Args:
            clean: not silent.
            value: ``(B, 1)``, the rule's number.
            wet: ``(B, 1)``, share of the distorted signal.
        """
        peak = clean.abs().amax(1, keepdim=True).clamp(min=1e-6)
        if self.peak:
            clean, peak = clean * (self.peak / peak), torch.full_like(peak, self.peak)
        gain = 10.0 ** (value / 20.0)
        if self.kind == "fraction":
            item = clip_batch(clean, value * peak, value * peak)
        elif self.kind == "sdr":
            level = level_for_sdr(clean, value)
            item = clip_batch(clean, level, level)
        elif self.kind == "gain":
            item = clip_batch(
                gain * clean, torch.ones_like(gain), torch.ones_like(gain)
            )
        elif self.kind == "overdrive":
            item = soft(clean, overdrive(clean, gain))
        else:
            item = soft(clean, torch.tanh(gain * clean))
        if self.driest == 1.0:
            return item
        return soft(clean, wet * item.clipped + (1.0 - wet) * clean)


@dataclass(frozen=True, slots=True)
class Distortions:
    """The rules of a training, stored in its checkpoints.

    Args:
        rules: at least one.
        segments: length of a piece, in segments.
        clipped_only: take only segments that hold a clipped sample.
        sum_share: share of pieces to which another one is added.
    """

    rules: tuple[Rule, ...]
    segments: int = 4
    clipped_only: bool = False
    sum_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> Self:
        """The rules that a checkpoint carries."""
        return cls(**{**given, "rules": tuple(Rule(**r) for r in given["rules"])})

    @property
    def soft(self) -> bool:
        """Whether samples change that no mask names."""
        return any(r.kind in SOFT or r.driest < 1.0 for r in self.rules)

    def draw(self, pool: Pool, batch: int, length: int, generator: Generator) -> Item:
        """A batch of segments of ``length`` samples out of ``pool``."""
        clean = pool.draw(batch, self.segments * length, generator)

        def uniform() -> Tensor:
            return torch.rand(batch, 1, generator=generator).to(clean.device)

        other = clean[torch.randperm(batch, generator=generator).to(clean.device)]
        clean = clean + uniform() * (uniform() < self.sum_share) * other
        clean = torch.where(uniform() < 0.5, clean, -clean)
        shares = torch.tensor([rule.share for rule in self.rules])
        taken = torch.multinomial(shares, batch, True, generator=generator)
        value, wet = uniform(), uniform()
        parts: list[Item | None] = [None] * batch
        for number, rule in enumerate(self.rules):
            rows = torch.nonzero(taken == number)[:, 0]
            if not len(rows):
                continue
            share = rule.driest + (1.0 - rule.driest) * wet[rows]
            made = rule.apply(clean[rows], rule.values(value[rows]), share)
            for k, row in enumerate(rows.tolist()):
                one = Item(*(line[k : k + 1] for line in made[:4]))
                parts[row] = self._cut(one, length, generator)
        lines = zip(*(part[:4] for part in parts if part), strict=True)
        return Item(*(torch.cat(line) for line in lines))

    def _cut(self, item: Item, length: int, generator: Generator) -> Item:
        """A random segment of a batch of one; around a clipped sample if asked for."""
        room = item.clean.shape[1] - length
        draw = torch.rand(2, generator=generator)
        start = int(draw[0] * (room + 1))
        lost = torch.nonzero(item.sign[0])[:, 0]
        if self.clipped_only and len(lost):
            at = int(lost[int(draw[1] * len(lost))])
            start = min(max(0, at - int(draw[0] * length)), room)
        here = slice(start, start + length)
        return Item(*(line[:, here] for line in item[:4]))

    def looks(self) -> dict[str, Callable[[Tensor], list[Item]]]:
        """How validation distorts a clean ``(1, N)``: each rule at its ends and middle,
        without dry signal and at its driest."""
        found: dict[str, Callable[[Tensor], list[Item]]] = {}
        for rule in self.rules:
            for at in (0.0, 0.5, 1.0) if rule.low < rule.high else (0.0,):
                value = rule.values(torch.tensor([[at]]))
                for share in dict.fromkeys((1.0, rule.driest)):
                    name = f"{rule.kind}_{float(value):.3g}"
                    name += f"_wet_{share:g}" if share < 1.0 else ""
                    found[name] = _look(rule, value, torch.tensor([[share]]))
        return found


def _look(rule: Rule, value: Tensor, wet: Tensor) -> Callable[[Tensor], list[Item]]:
    return lambda clean: [rule.apply(clean, value, wet)]


def soft(clean: Tensor, distorted: Tensor) -> Item:
    """Without a mask: no sample is known to be lost; the level is the peak."""
    level = distorted.abs().amax(1, keepdim=True).clamp(min=1e-6)
    theta = level.expand_as(clean).contiguous()
    return Item(clean, distorted, torch.zeros_like(clean), theta)


def level_for_sdr(clean: Tensor, sdr_db: Tensor) -> Tensor:
    """``(B, 1)``, the clip levels that give ``clean`` these input SDRs; bisection."""
    size = clean.abs()
    wanted = size.square().sum(1, keepdim=True) * 10.0 ** (-sdr_db / 10.0)
    low, high = torch.zeros_like(sdr_db), size.amax(1, keepdim=True)
    for _ in range(BISECTIONS):
        level = 0.5 * (low + high)
        lost = (size - level).clamp(min=0.0).square().sum(1, keepdim=True)
        low = torch.where(lost > wanted, level, low)
        high = torch.where(lost > wanted, high, level)
    return high.clamp(min=1e-6)


def overdrive(clean: Tensor, gain: Tensor) -> Tensor:
    """SoX's overdrive at colour 0, from rest; see ``distortion.overdrive``.

    The DC blocker is a product of spectra: o = h * d with h = 1, then
    (p − 1)·p^(n−1).
    """
    u = (gain * clean).clamp(-1.0, 1.0)
    n = clean.shape[1]
    size = min(n, BLOCKER)
    steps = torch.arange(size, dtype=torch.float64, device=clean.device)
    response = (DC_POLE - 1.0) * DC_POLE ** (steps - 1.0)
    response[0] = 1.0
    full = 1 << (n + size - 1).bit_length()
    spectrum = torch.fft.rfft(u - u**3 / 3.0, full)
    spectrum = spectrum * torch.fft.rfft(response.float(), full)
    return DRY * clean + WET * torch.fft.irfft(spectrum, full)[:, :n]
