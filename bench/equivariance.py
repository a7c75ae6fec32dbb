"""How far networks are from f(η(g·x)) = g·f(η(x)) at a fixed clip level.

    python -m bench.equivariance --data ../shared/data/test/speech demucs-speech-16k

Scaling signal and level together changes nothing, by construction; a louder signal at
the same level is clipped more, and that its restoration is the louder restoration is a
property to measure (Sechaud et al., 2024, train for it). Each file is clipped at a
fifth of its peak, then again g times as loud at the same level. Printed per gain: the
SDR of f(η(g·x)) against g·f(η(x)), the same of the clipped signal without f, and the
SDR that g·f(η(x)) itself has against the truth, all in dB, means of the files.
"""

import argparse
from pathlib import Path

import numpy as np

from rtdeclip.benchmarks.models import clean_files
from rtdeclip.distortion import clip
from rtdeclip.metrics.sdr import sdr_db
from rtdeclip.processors.model_card import find_card
from rtdeclip.processors.onnx_model import method_of
from rtdeclip.stream.offline import declip
from rtdeclip.stream.processor import Method
from rtdeclip.types import Samples

GAINS = (1.25, 1.5, 2.0, 4.0)
FRACTION = 0.2


def distances_db(method: Method, rate: int, x: Samples, gain: float) -> list[float]:
    """The three SDRs of one file, see the module."""
    level = FRACTION * float(np.abs(x).max())
    restored = []
    clipped = []
    for g in (1.0, gain):
        clipped.append(clip(np.float32(g) * x, level).audio)
        restored.append(declip(clipped[-1], rate, method, level=level))
    wanted = np.float32(gain) * restored[0]
    return [
        sdr_db(wanted, restored[1]),
        sdr_db(wanted, clipped[1]),
        sdr_db(np.float32(gain) * x, wanted),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("models", nargs="+")
    arguments = parser.parse_args()
    for name in arguments.models:
        card = find_card(name)
        clean = clean_files(arguments.data, card.sample_rate)
        for gain in GAINS:
            found = np.mean(
                [
                    distances_db(method_of(card), card.sample_rate, x, gain)
                    for x in clean
                ],
                axis=0,
            )
            network, none, truth = found
            print(
                f"{name}, g = {gain:g}: {network:.2f} dB, without it {none:.2f} dB, "
                f"truth {truth:.2f} dB",
                flush=True,
            )


if __name__ == "__main__":
    main()
