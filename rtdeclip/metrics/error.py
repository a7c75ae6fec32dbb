"""Mean squared error, and root mean squared error on missing samples.

x is the clean reference, z the signal under test, both full scale ±1.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.metrics._check import as_mask, as_pair


def mse(reference: NDArray[Any], test: NDArray[Any]) -> float:
    """``mean((x − z)²)`` over all samples and channels; depends on the file's level.

    Args:
        reference: x, ``(n_samples,)`` or ``(n_samples, n_channels)``, full scale ±1.
        test: z, same shape.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.

    >>> mse(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    0.5
    """
    x, z = as_pair(reference, test)
    return float(np.mean((x - z) ** 2))


def rmse_missing(
    reference: NDArray[Any], test: NDArray[Any], missing: NDArray[Any]
) -> float:
    """``√mean_M((x − z)²)`` over the missing samples; NaN if none is missing.

    Args:
        reference: x, ``(n_samples,)`` or ``(n_samples, n_channels)``, full scale ±1.
        test: z, same shape.
        missing: same shape, True where the sample was not observed.

    Raises:
        InputError: shapes differ, or a signal is empty or not finite.
    """
    x, z = as_pair(reference, test)
    lost = as_mask(missing, x.shape)
    if not lost.any():
        return math.nan
    return math.sqrt(float(np.mean((x[lost] - z[lost]) ** 2)))
