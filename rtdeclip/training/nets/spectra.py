"""Short-time spectra in plain operations, so that they train and export alike."""

import torch
from torch import Tensor
from torch.nn import functional


def spectra(y: Tensor, window: int, hop: int) -> Tensor:
    """``(B, N)`` to ``(B, n_frames, window/2 + 1)`` complex; periodic Hann.

    Zeros before and after let every sample lie in ``window/hop`` frames.

    Args:
        y: float32.
        window: a multiple of ``hop``, at least four hops.
        hop: samples between frames.
    """
    n, share = y.shape[1], window // hop
    around = window - hop
    padded = functional.pad(y, (around, around + -n % hop))
    blocks = padded.reshape(y.shape[0], -1, hop)
    count = blocks.shape[1] - share + 1
    frames = torch.cat([blocks[:, k : k + count] for k in range(share)], 2)
    return torch.fft.rfft(frames * _hann(window, y), window)


def signal(found: Tensor, window: int, hop: int, n_samples: int) -> Tensor:
    """The least-squares inverse of ``spectra``, ``(B, n_samples)``."""
    share = window // hop
    hann = _hann(window, found.real)
    frames = torch.fft.irfft(found, window) * hann
    parts = frames.reshape(frames.shape[0], -1, share, hop)
    total = sum(
        functional.pad(parts[:, :, k], (0, 0, k, share - 1 - k)) for k in range(share)
    )
    assert isinstance(total, Tensor)
    weight = hann.square().sum() / hop
    whole = total.reshape(found.shape[0], -1) / weight
    return whole[:, window - hop : window - hop + n_samples]


def _hann(window: int, like: Tensor) -> Tensor:
    steps = torch.arange(window, dtype=torch.float32, device=like.device)
    return 0.5 - 0.5 * torch.cos(2.0 * torch.pi * steps / window)
