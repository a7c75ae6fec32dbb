"""not-MIWAE: frames whose loud samples are missing, imputed by weighted draws.

Tousnakhoff and Aguié, "Audio declipping with not-MIWAE", after Ipsen, Mattei and
Frellsen (ICLR 2021). A variational autoencoder of frames of 1024 samples learns from
what is observed, x_o, and from the law by which loud samples go missing,
π(x) = σ(W(|x| − b)). With K draws z_k ~ q(z | x_o) and x_m,k ~ p(x | z_k),

    log w_k = Σ_o log p(x_o | z_k) + Σ_m log π(x_m,k) + log p(z_k) − log q(z_k | x_o)

the loss is −log mean_k w_k, and missing samples become Σ_k softmax_k(log w) · μ(z_k).
What is missing is never looked at. The likelihood is over observed samples only; over
all of them, with zeros for what is missing, it would teach the decoder those zeros.

What is ours, each a switch of ``Shape``:

``told``: the network knows the sign of missing samples and takes the signal over the
level, as any clipped recording allows (the paper divides by the clean frame's peak,
which nobody has). π is one-sided, and its mean over p(x | z) replaces one draw.

``context``: the decoder sees the encoder's features too. Then the bound as published
has no best answer: a decoder that knows which samples are missing is paid by π for any
value above the level, the larger the surer, and by no likelihood for staying near it.
Measured: from 0.6 to 1.6 minutes of training the RMSE rose by 0.05 to 0.3. So the
recording is clipped once more, by the same law at a lower level v, and the network is
shown and told v alone: of what it does not see, samples between the levels have their
likelihood, those above b have π at b. That is a censored regression (Tobin,
Econometrica 1958), whose best answer is the distribution of a sample that is missing at
v. What the network sees has no likelihood, since copying teaches nothing; means start
from the level held.

One network serves all levels: b is drawn from 0.25 to 0.95 of a frame's peak, v from
``deepest`` to 1 of that, W is 5, 10 or hard clipping. Draws at work are fixed numbers,
so that a file gives one result.

For files. It fails on material unlike its training data; frames know no neighbours.
"""

from dataclasses import dataclass
from math import log, pi
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from rtdeclip.processors.model_card import Chunks
from rtdeclip.training.degrade import Item
from rtdeclip.training.nets.network import NetworkShape, Running

FRAME = 1024
LOWEST_LOG_VARIANCE, HIGHEST_LOG_VARIANCE = -7.0, 5.0
TINY = 1e-6
STEEPNESS = (5.0, 10.0, 100.0)  # W of the paper, of its code, and nearly hard clipping
LEVELS = (0.25, 0.95)  # b, of a frame's peak


@dataclass(frozen=True, slots=True)
class Shape(NetworkShape):
    """What makes one network of this family.

    Args:
        widths: channels of the encoder's halvings.
        kernel: taps, odd.
        latent: numbers that stand for a frame.
        draws: K in training.
        draws_at_work: K of the exported graph.
        told: see the module.
        context: see the module.
        deepest: lowest level that ``context`` shows, over the recording's.
        chunk: samples that the host hands over at once: a frame.
    """

    widths: tuple[int, ...] = (16, 32, 64, 64, 64)
    kernel: int = 9
    latent: int = 128
    draws: int = 1
    draws_at_work: int = 8
    told: bool = True
    context: bool = True
    deepest: float = 0.4
    chunk: int = FRAME


class Frames(NamedTuple):
    """Frames to learn from, ``(B, 1024)``.

    Args:
        x: the signal; its lost samples are read by nobody but a test.
        seen: 1 where the network sees it.
        judged: 1 where the likelihood is taken.
        lost: 1 where the sample is known to nobody.
        sign: of samples that are not seen, else 0.
        level: b on the scale of x.
        steepness: W on that scale.
    """

    x: Tensor
    seen: Tensor
    judged: Tensor
    lost: Tensor
    sign: Tensor
    level: Tensor
    steepness: Tensor


class NotMiwae(nn.Module):
    """The network; see the module's first lines.

    Args:
        shape: its sizes and switches.
    """

    noise: Tensor
    margin = (0, 0)

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        widths, kernel, pad = shape.widths, shape.kernel, shape.kernel // 2
        channels = [2 + shape.told, *widths]
        outof = [16, *widths[:-1]]
        self.down = nn.ModuleList(
            nn.Conv1d(i, o, kernel, 2, pad)
            for i, o in zip(channels[:-1], widths, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose1d(w, o, kernel, 2, pad, 1)
            for w, o in zip(widths, outof, strict=True)
        )
        self.heads = nn.Conv1d(16, 2, kernel, padding=pad)
        self.flat = widths[-1] * (shape.chunk >> len(widths))
        self.encoded = nn.Linear(self.flat, 2 * shape.latent)
        self.decoded = nn.Linear(shape.latent, self.flat)
        for module in self.modules():
            if isinstance(module, nn.Conv1d):  # more than the default, which fades away
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        drawn = Generator().manual_seed(0)
        noise = torch.randn(shape.draws_at_work, 1, shape.latent, generator=drawn)
        self.register_buffer("noise", noise, persistent=False)

    @property
    def running(self) -> Running:
        """Frames, faded into each other."""
        faded = Chunks(0.5, "hann", True)
        return Running("chunk", ("y", "sign", "theta"), self.shape.chunk, chunks=faded)

    def restored(self, item: Item) -> Tensor:
        """``(B, N)`` of the batch's instants, frames beside each other."""
        batch, n = item.clean.shape
        pad = -n % self.shape.chunk
        rows = [
            functional.pad(line[:, None], (0, pad), mode="replicate")
            for line in (item.clipped, item.sign, item.theta)
        ]
        out: Tensor = self(*(row.reshape(-1, self.shape.chunk) for row in rows))
        return out.reshape(batch, -1)[:, :n]

    def training_loss(self, item: Item, generator: Generator) -> Tensor:
        """−log mean_k w_k per sample, of frames that lose samples as in the paper."""
        return self.bound(self.frames(item.clean, generator), generator)

    def frames(self, clean: Tensor, generator: Generator) -> Frames:
        """``(B, N)`` of sound as ``(·, 1024)`` frames that lost samples."""
        x = clean.reshape(-1, self.shape.chunk)
        x = x / (x.abs().amax(1, keepdim=True) + TINY)

        def uniform(*size: int) -> Tensor:
            return torch.rand(size, generator=generator).to(x.device)

        low, high = LEVELS
        level = low + (high - low) * uniform(len(x), 1)
        chosen = torch.randint(len(STEEPNESS), (len(x), 1), generator=generator)
        steepness = torch.tensor(STEEPNESS)[chosen].to(x.device)

        def spared(level: Tensor) -> Tensor:
            chance = torch.sigmoid(steepness * (x.abs() - level))
            return (uniform(*x.shape) >= chance).to(x.dtype)

        judged = seen = spared(level)
        shown = level
        if self.shape.context:  # clipped once more
            deepest = self.shape.deepest
            shown = level * (deepest + (1.0 - deepest) * uniform(len(x), 1))
            seen = judged * spared(shown)
            judged = judged - seen
        lost = 1.0 - torch.maximum(judged, seen)
        sign = torch.sign(x) * (1.0 - seen)
        scale = shown if self.shape.told else torch.ones_like(level)
        return Frames(
            x / scale, seen, judged, lost, sign, level / scale, steepness * scale
        )

    def missing(
        self, y: Tensor, sign: Tensor, level: Tensor, steepness: float
    ) -> Frames:
        """Frames at work, on the scale that the network takes.

        Args:
            y: ``(B, 1024)``; its missing samples are not read.
            sign: ``(B, 1024)`` 0 observed, else the sign of what is missing.
            level: ``(B, 1)``, b.
            steepness: W on the scale of ``y``.
        """
        seen = (sign == 0).to(y.dtype)
        judged = torch.zeros_like(seen) if self.shape.context else seen
        scale = level if self.shape.told else torch.ones_like(level)
        rest = (1.0 - seen, sign, level / scale, steepness * scale)
        return Frames(y * seen / scale, seen, judged, *rest)

    def bound(self, frames: Frames, generator: Generator) -> Tensor:
        """The loss of ready frames.

        Args:
            frames: see there.
            generator: of the K draws and of the missing samples.
        """
        size = (self.shape.draws, len(frames.x), self.shape.latent)
        noise = torch.randn(size, generator=generator).to(frames.x.device)
        mean, log_variance, weights = self._drawn(frames, noise)
        if self.shape.told:
            law = _law_over(mean, log_variance, frames)
        else:
            drawn = torch.randn(mean.shape, generator=generator).to(mean.device)
            law = _law(mean + torch.exp(0.5 * log_variance) * drawn, frames)
        loss = log(self.shape.draws) - torch.logsumexp(weights + law, 0)
        return loss.mean() / self.shape.chunk

    def imputed(self, frames: Frames) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of every sample, ``(B, 1024)`` each.

        The K draws are the graph's own; law and likelihood at the means.
        """
        noise = self.noise.expand(-1, len(frames.x), -1)
        mean, log_variance, weights = self._drawn(frames, noise)
        told = self.shape.told
        law = _law_over(mean, log_variance, frames) if told else _law(mean, frames)
        share = torch.softmax(weights + law, 0)[..., None]
        whole = (share * mean).sum(0)
        second = (share * (mean.square() + torch.exp(log_variance))).sum(0)
        return whole, torch.sqrt(torch.clamp(second - whole.square(), min=TINY))

    def forward(self, y: Tensor, sign: Tensor, theta: Tensor) -> Tensor:
        """Frames with their clipped samples imputed.

        Args:
            y: ``(B, 1024)`` clipped signal; without ``told`` on a scale where the clean
                peak is 1.
            sign: ``(B, 1024)`` 0 reliable, ±1 clipped high or low.
            theta: ``(B, 1024)`` clip level, > 0.
        """
        level = torch.clamp(theta.amax(1, keepdim=True), min=TINY)
        mean, _ = self.imputed(self.missing(y, sign, level, STEEPNESS[1]))
        return torch.where(sign == 0, y, mean * level if self.shape.told else mean)

    def _drawn(self, frames: Frames, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decoded means and log-variances ``(K, B, 1024)``, log weights ``(K, B)``.

        The weights lack the law of the missing samples.
        """
        lines = [frames.x * frames.seen, frames.seen]
        if self.shape.told:
            lines.append(frames.sign)
        x, skips = torch.stack(lines, 1), []
        for conv in self.down:
            x = functional.relu(conv(x))
            skips.append(x)
        centre, spread = self.encoded(x.flatten(1)).float().chunk(2, 1)
        spread = _held(spread)
        z = centre + torch.exp(0.5 * spread) * noise
        mean, log_variance = self._decode(z, skips)
        if self.shape.context:
            mean = mean + (lines[0] + frames.sign if self.shape.told else lines[0])
        likely = frames.judged * _normal(frames.x, mean, log_variance)
        prior = -0.5 * (z.square() + log(2 * pi)).sum(2)
        posterior = -0.5 * (noise.square() + spread + log(2 * pi)).sum(2)
        return mean, log_variance, likely.sum(2) + prior - posterior

    def _decode(self, z: Tensor, skips: list[Tensor]) -> tuple[Tensor, Tensor]:
        k, batch, _ = z.shape
        deep = skips[-1]
        x = functional.relu(self.decoded(z.flatten(0, 1)))
        x = x.reshape(k * batch, deep.shape[1], deep.shape[2])
        for level in reversed(range(len(self.up))):
            if self.shape.context:
                seen = skips[level].repeat(k, 1, 1)
                x = x + seen.to(x.dtype)
            x = functional.relu(self.up[level](x))
        out = self.heads(x).float().reshape(k, batch, 2, -1)
        return out[:, :, 0], _held(out[:, :, 1])


def _law(x: Tensor, frames: Frames) -> Tensor:
    """Σ log π over the lost samples, ``(K, B)``; the others add a constant."""
    # log σ(x); the exporter's own form of it is −∞ for a loud mistake.
    short = functional.softplus(frames.steepness * (frames.level - x.abs()))
    return -(frames.lost * short).sum(2)


def _law_over(mean: Tensor, log_variance: Tensor, frames: Frames) -> Tensor:
    """Σ log of π's mean over a Gaussian, for known signs, ``(K, B)``.

    With the slope a it is σ(a·(μ − b) / √(1 + π·a²·σ²/8)) (MacKay, Neural Computation
    1992), within 0.02.
    """
    a = frames.steepness
    softer = torch.sqrt(1.0 + pi / 8.0 * a.square() * torch.exp(log_variance))
    short = functional.softplus(a / softer * (frames.level - frames.sign * mean))
    return -(frames.lost * short).sum(2)


def _normal(x: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Log density of a Gaussian."""
    error = (x - mean).square() * torch.exp(-log_variance)
    return -0.5 * (error + log_variance + log(2 * pi))


def _held(log_variance: Tensor) -> Tensor:
    return torch.clamp(log_variance, LOWEST_LOG_VARIANCE, HIGHEST_LOG_VARIANCE)
