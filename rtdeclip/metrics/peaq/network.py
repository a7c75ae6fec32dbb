"""From the model output variables to one grade (BS.1387-1, annex 2, table 11 ff.)."""

import numpy as np

from rtdeclip.metrics._check import Float64s

# The variables in the network's order, and the range each is scaled by.
RANGES = {
    "BandwidthRefB": (393.916656, 921.0),
    "BandwidthTestB": (361.965332, 881.131226),
    "TotalNMRB": (-24.045116, 16.212030),
    "WinModDiff1B": (1.110661, 107.137772),
    "ADBB": (-0.206623, 2.886017),
    "EHSB": (0.074318, 13.933351),
    "AvgModDiff1B": (1.113683, 63.257874),
    "AvgModDiff2B": (0.950345, 1145.018555),
    "RmsNoiseLoudB": (0.029985, 14.819740),
    "MFPDB": (0.000101, 1.0),
    "RelDistFramesB": (0.0, 1.0),
}
NAMES = tuple(RANGES)
LOWEST, HIGHEST = np.array(list(RANGES.values())).T
HIDDEN = np.array(
    [
        [-0.502657, 0.436333, 1.219602],
        [4.307481, 3.246017, 1.123743],
        [4.984241, -2.211189, -0.192096],
        [0.051056, -1.762424, 4.331315],
        [2.321580, 1.789971, -0.754560],
        [-5.303901, -3.452257, -10.814982],
        [2.730991, -6.111805, 1.519223],
        [0.624950, -1.331523, -5.955151],
        [3.102889, 0.871260, -5.922878],
        [-1.051468, -0.939882, -0.142913],
        [-1.804679, -0.503610, -0.620456],
    ]
)
HIDDEN_BIAS = np.array([-2.518254, 0.654841, -2.207228])
OUTPUT = np.array([-3.817048, 4.107138, 4.629582])
OUTPUT_BIAS = -0.307594
WORST, BEST = -3.98, 0.22


def grade(movs: Float64s) -> tuple[float, float]:
    """Distortion index and objective difference grade of 11 variables, ``(11,)``."""
    scaled = (movs - LOWEST) / (HIGHEST - LOWEST)
    hidden = _sigmoid(scaled @ HIDDEN + HIDDEN_BIAS)
    index = float(hidden @ OUTPUT + OUTPUT_BIAS)
    return index, WORST + (BEST - WORST) * float(_sigmoid(np.array(index)))


def _sigmoid(x: Float64s) -> Float64s:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))
