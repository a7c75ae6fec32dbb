"""The array types that cross every border of the package."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Audio, full scale ±1: ``(n_samples,)`` or ``(n_samples, n_channels)`` float32."""

Signs: TypeAlias = NDArray[np.int8]
"""Clipping mask, int8: 0 reliable, +1 clipped high, −1 clipped low."""
