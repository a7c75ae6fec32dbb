"""What ``inverse-waveshaper`` gets back, and how fast: ``python -m bench.waveshaper``.

Every mode with its settings known, from 16-bit samples of ``test/speech`` and
``test/music`` (``RTDECLIP_DATA`` or ``../shared/data``), every ``--every``-th file.
SDR in dB, median and worst, without look-ahead and with 16 ms of it, which fills in
what overdrive drove beyond full scale and the file cut there; nanoseconds of
CPU time per sample, median of the files, the least of three passes each. Then SoX's
overdrive again, its settings found in the sound by ``inverse-overdrive``.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from time import thread_time_ns
from typing import Any

import numpy as np

from bench.aspade import Row, report, row
from bench.classical import excerpts
from rtdeclip.distortion import clip_with_gain, overdrive, saturate, with_dry
from rtdeclip.errors import InputError
from rtdeclip.metrics.sdr import sdr_db
from rtdeclip.processors.inverse_filled import FilledInverse
from rtdeclip.processors.inverse_overdrive import InverseOverdrive
from rtdeclip.processors.inverse_waveshaper import InverseWaveshaper
from rtdeclip.stream.clip import Clip
from rtdeclip.types import Samples

BLOCK, PASSES = 1024, 3
KNOWN_DB, SAMPLE_NS = 70.0, 100.0
OVERDRIVES = ((20.0, 0.0), (20.0, 20.0), (35.0, 20.0), (50.0, 0.0))
Distort = Callable[[Samples], Samples]


def modes() -> Iterator[tuple[str, Distort, dict[str, Any], float | None]]:
    """Name, distortion, settings of its inverse, and the SDR to reach."""
    settings: dict[str, Any]
    for gain, colour in OVERDRIVES:
        name = f"overdrive {gain:g} dB, colour {colour:g}"
        settings = {"curve": "overdrive", "gain_db": gain, "colour": colour}
        yield name, partial(overdriven, gain=gain, colour=colour), settings, KNOWN_DB
    for gain, wet in ((0.0, 0.9), (6.0, 0.9), (12.0, 0.9), (12.0, 0.5), (20.0, 0.9)):
        settings = {"curve": "tanh", "gain_db": gain, "wet": wet}
        yield (
            f"tanh {gain:g} dB, wet {wet:g}",
            partial(tanh, gain=gain, wet=wet),
            settings,
            None,
        )
    settings = {"curve": "clip", "gain_db": 20.0, "wet": 0.5, "level": 1.0}
    yield "clip 20 dB, wet 0.5", partial(hard, gain=20.0, wet=0.5), settings, None


def overdriven(x: Samples, gain: float, colour: float) -> Samples:
    return overdrive(x, gain, colour).audio


def tanh(x: Samples, gain: float, wet: float) -> Samples:
    return with_dry(x, saturate(x, gain).audio, wet)


def hard(x: Samples, gain: float, wet: float) -> Samples:
    return with_dry(x, clip_with_gain(x, gain, 1.0).audio, wet)


def sixteen_bits(y: Samples) -> Samples:
    steps = np.clip(np.rint(y.astype(np.float64) * 32768), -32768, 32767)
    return (steps / 32768).astype(np.float32)


def undo(y: Samples, settings: dict[str, Any]) -> tuple[Samples, float]:
    """The clean signal, and nanoseconds per sample."""
    inverse, clip = InverseWaveshaper(BLOCK, **settings), Clip(BLOCK)
    blocks = np.pad(y, (0, -len(y) % BLOCK)).reshape(-1, BLOCK)
    out, spent = np.zeros_like(blocks), []
    for _ in range(PASSES):
        inverse.reset()
        start = thread_time_ns()
        for i, block in enumerate(blocks):
            out[i] = inverse.process(block, clip)
        spent.append((thread_time_ns() - start) / blocks.size)
    return out.reshape(-1)[: len(y)], min(spent)


def filled(y: Samples, settings: dict[str, Any], rate: int) -> Samples:
    """The clean signal, what was cut at full scale filled in."""
    inverse = FilledInverse(InverseWaveshaper(BLOCK, **settings), rate)
    late, clip = inverse.latency_samples, Clip(BLOCK)
    blocks = np.pad(y, (0, late + -(len(y) + late) % BLOCK)).reshape(-1, BLOCK)
    out = np.concatenate([inverse.process(block, clip).copy() for block in blocks])
    return out[late : late + len(y)]


def all_rows(every: int) -> Iterator[Row]:
    found = [*excerpts("test/speech", 0, 0.0), *excerpts("test/music", 0, 0.0)]
    found = found[::every]
    files = [x[:, 0] for x, _ in found]
    for name, distort, settings, least in modes():
        results = []
        for x in files:
            z, ns = undo(sixteen_bits(distort(x)), settings)
            results.append((sdr_db(x, z), ns))
        table = np.array(results)
        yield row(f"{name}, SDR dB, median", float(np.median(table[:, 0])), low=least)
        yield row(f"{name}, SDR dB, worst", float(table[:, 0].min()))
        if settings["curve"] == "overdrive":
            worst = [
                sdr_db(x[:, 0], filled(sixteen_bits(distort(x[:, 0])), settings, rate))
                for x, rate in found
            ]
            yield row(f"{name}, SDR dB, worst, with look-ahead", min(worst))
        speed = float(np.median(table[:, 1]))
        yield row(f"{name}, ns per sample", speed, high=SAMPLE_NS)
    for gain, colour in OVERDRIVES:
        name = f"overdrive {gain:g} dB, colour {colour:g}, found"
        reached, refused = found_again(found, gain, colour)
        yield row(f"{name}, SDR dB, median", float(np.median(reached)))
        yield row(f"{name}, SDR dB, worst", min(reached))
        yield row(f"{name}, files refused", refused)


def found_again(
    files: list[tuple[Samples, int]], gain: float, colour: float
) -> tuple[list[float], int]:
    """SDR in dB of the files whose settings were found, and how many were not."""
    reached, refused = [], 0
    for x, rate in files:
        y = sixteen_bits(overdriven(x[:, 0], gain, colour))[:, None]
        nothing = np.zeros(y.shape, np.int8), np.zeros(y.shape, np.float32)
        try:
            z = InverseOverdrive().restore(y, *nothing, rate)[:, 0]
            reached.append(sdr_db(x[:, 0], z))
        except InputError:
            refused += 1
    return reached or [float("nan")], refused


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report(all_rows(given.every), as_json=given.json)


if __name__ == "__main__":
    main()
