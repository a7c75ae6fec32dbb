"""Fréchet audio distance: between two sets of sound, not two files.

Kilgour et al., Interspeech 2019, doi:10.21437/Interspeech.2019-2219. It is FAD as
published only with VGGish's weights; always name the embedding beside the number. Sets
of few minutes score too high: give many more windows than the embedding has numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError
from rtdeclip.metrics._check import Float64s
from rtdeclip.metrics.embedding import EmbeddingModel


@dataclass(frozen=True, slots=True)
class Fad:
    """A distance and what it was measured with.

    Attributes:
        distance: d² ≥ 0, 0 for equal means and covariances.
        n_reference: windows of the reference set.
        n_test: windows of the test set.
        dimension: numbers per embedding.
        sha256: of the embedding model's file.
        convention: of its input.
    """

    distance: float
    n_reference: int
    n_test: int
    dimension: int
    sha256: str
    convention: str


def fad(
    reference: Iterable[tuple[NDArray[Any], int]],
    test: Iterable[tuple[NDArray[Any], int]],
    model: EmbeddingModel,
) -> Fad:
    """The distance between two sets of sounds.

    Args:
        reference: pairs of audio and sample rate.
        test: pairs of audio and sample rate.
        model: from ``load_embedding``.

    Raises:
        InputError: a set has fewer than two windows.
        ModelError: the model does not return a row per window.
    """
    ours, theirs = (_all(sounds, model) for sounds in (reference, test))
    return Fad(
        frechet_distance(ours, theirs),
        len(ours),
        len(theirs),
        ours.shape[1],
        model.sha256,
        model.convention,
    )


def frechet_distance(x: Float64s, z: Float64s) -> float:
    """‖m₁ − m₂‖² + tr(C₁ + C₂ − 2·√(C₁C₂)) of two sets of rows, ≥ 0.

    Args:
        x: ``(n, dimension)``, n ≥ 2.
        z: ``(m, dimension)``, m ≥ 2.

    Raises:
        InputError: fewer than two rows in a set.
    """
    if min(len(x), len(z)) < 2:
        raise InputError(
            f"The sets have {len(x)} and {len(z)} windows of 0.96 s; a covariance "
            "needs two of each at least, an honest one many hundreds."
        )
    first, second = (np.atleast_2d(np.cov(s, rowvar=False)) for s in (x, z))
    return gaussian_distance(x.mean(axis=0), first, z.mean(axis=0), second)


def gaussian_distance(
    mean_1: Float64s, cov_1: Float64s, mean_2: Float64s, cov_2: Float64s
) -> float:
    """The same from means ``(d,)`` and covariances ``(d, d)``.

    tr √(C₁C₂) is taken as the sum of √ of the eigenvalues of √C₁·C₂·√C₁, which is
    symmetric: no complex numbers where a covariance has not full rank.
    """
    root = _square_root(cov_1)
    eigenvalues = np.linalg.eigvalsh(root @ cov_2 @ root)
    cross = float(np.sqrt(np.maximum(eigenvalues, 0.0)).sum())
    apart = float(np.sum((mean_1 - mean_2) ** 2))
    distance = apart + float(np.trace(cov_1) + np.trace(cov_2)) - 2.0 * cross
    return max(0.0, distance)


def _square_root(matrix: Float64s) -> Float64s:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)


def _all(sounds: Iterable[tuple[NDArray[Any], int]], model: EmbeddingModel) -> Float64s:
    """Embeddings of all sounds; those shorter than a window are left out."""
    rows = []
    for audio, rate in sounds:
        if len(audio) * 16_000 >= model.patch_samples * rate:
            rows.append(model.embed(audio, rate))
    if not rows:
        raise InputError("No sound of the set is as long as one window of 0.96 s.")
    return np.concatenate(rows)
