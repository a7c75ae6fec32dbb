"""Losses by name; every one takes the restored, the clean and the clipped batch.

Each is a function of ``(restored, clean, clipped)``, ``(B, N)`` float tensors aligned
in time, and gives a scalar to minimise. ``clipped`` tells which samples were lost:
those where it differs from ``clean``.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
EPS = 1e-9  # −90 dB: silence neither divides by zero nor dominates


def delta_sdr(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """−ΔSDR in dB: error energy over what clipping took, mean of the batch.

    Free of scale, and equal to the same over clipped samples only wherever the
    reliable samples are untouched.
    """
    left = (restored - clean).square().sum(1) + EPS
    taken = (clipped - clean).square().sum(1) + EPS
    return 10.0 * torch.log10(left / taken).mean()


def sdr(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """−SDR in dB over all samples (Imort et al., ISMIR 2022)."""
    error = (restored - clean).square().sum(1) + EPS
    return 10.0 * torch.log10(error / (clean.square().sum(1) + EPS)).mean()


def si_sdr(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """−SI-SDR in dB (Le Roux et al., ICASSP 2019, doi:10.1109/ICASSP.2019.8683855)."""
    dot = (restored * clean).sum(1, keepdim=True)
    target = clean * dot / (clean.square().sum(1, keepdim=True) + EPS)
    error = (restored - target).square().sum(1) + EPS
    return 10.0 * torch.log10(error / (target.square().sum(1) + EPS)).mean()


def mse(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """Mean squared error over all samples (Lasry and Feldinger)."""
    return (restored - clean).square().mean()


def clipped_mse(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """Mean squared error over the clipped samples only."""
    lost = (clipped != clean).to(clean.dtype)
    return ((restored - clean).square() * lost).sum() / lost.sum().clamp(min=1.0)


def l1_mrstft(restored: Tensor, clean: Tensor, clipped: Tensor) -> Tensor:
    """L1 plus 0.1 × (spectral convergence + log magnitude) at three resolutions.

    Yamamoto, Song and Kim, ICASSP 2020, doi:10.1109/ICASSP40776.2020.9053795.
    """
    total = (restored - clean).abs().mean()
    for size in (512, 1024, 2048):
        window = torch.hann_window(size, device=clean.device)
        ours, truth = (
            torch.stft(x, size, size // 4, window=window, return_complex=True)
            .abs()
            .clamp(min=1e-5)
            for x in (restored, clean)
        )
        convergence = torch.linalg.norm(truth - ours) / torch.linalg.norm(truth)
        total = total + 0.1 * (convergence + (truth.log() - ours.log()).abs().mean())
    return total


LOSSES: dict[str, Loss] = {
    "delta_sdr": delta_sdr,
    "sdr": sdr,
    "si_sdr": si_sdr,
    "mse": mse,
    "clipped_mse": clipped_mse,
    "l1_mrstft": l1_mrstft,
}
