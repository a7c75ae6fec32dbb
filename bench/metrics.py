"""The metrics against known answers, and what they cost on one core.

    OMP_NUM_THREADS=1 python -m bench.metrics
    OMP_NUM_THREADS=1 python -m bench.metrics --json

Known answers: ODG of 36 excerpts by an independent implementation (``peaq/known.csv``),
LLR of six clipped utterances (``test/known_llr.csv``), the order of R_nonlin over input
SDRs on ``test/music``. CPU time over audio time, one process.
"""

import argparse
import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from rtdeclip.distortion import clip_at_fraction, clip_to_sdr
from rtdeclip.errors import MissingExtraError
from rtdeclip.metrics.llr import llr
from rtdeclip.metrics.peaq import peaq
from rtdeclip.metrics.pesq import pesq
from rtdeclip.metrics.r_nonlin import r_nonlin
from rtdeclip.metrics.stoi import estoi, stoi

Audio = NDArray[np.float32]
Row = dict[str, Any]
INPUT_SDRS_DB = (1, 3, 5, 7, 10, 15, 20)


def main() -> None:
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("RTDECLIP_DATA"))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    data = Path(given.data or beside)
    rows = []
    for row in all_rows(data):
        rows.append(row)
        if not given.json:
            numbers = (f"{k} {v:.3g}" for k, v in row.items() if k != "what")
            print(f"{row['what']:42s} {', '.join(numbers)}", flush=True)
    if given.json:
        print(json.dumps(rows, indent=2))


def all_rows(data: Path) -> Iterator[Row]:
    yield peaq_row(data)
    yield from llr_rows(data)
    yield from speed_rows(data)
    yield r_nonlin_row(data)


def load(path: Path) -> tuple[Audio, int]:
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(x[:, 0]), rate


def peaq_row(data: Path) -> Row:
    folder = data / "peaq"
    errors, seconds, spent = [], 0.0, 0.0
    for item in csv.DictReader((folder / "known.csv").read_text().splitlines()):
        x, rate = load(folder / item["reference"])
        z, _ = load(folder / item["degraded"])
        start = process_time()
        errors.append(abs(peaq(x, z, rate).odg - float(item["odg"])))
        spent += process_time() - start
        seconds += len(x) / rate
    return {
        "what": f"PEAQ: |ODG error| on {len(errors)} items",
        "median": float(np.median(errors)),
        "worst": max(errors),
        "rtf": spent / seconds,
    }


def llr_rows(data: Path) -> Iterator[Row]:
    table = (data / "test" / "known_llr.csv").read_text().splitlines()
    errors: dict[str, list[float]] = {"capped": [], "composite": []}
    for item in csv.DictReader(table):
        x, rate = load(data / "test" / "speech" / item["file"])
        y = clip_at_fraction(x, float(item["theta_fraction_of_peak"])).audio
        found = llr(x, y, rate)
        errors["capped"].append(found.capped - float(item["llr_capped"]))
        errors["composite"].append(found.composite - float(item["llr_composite"]))
    for variant, off in errors.items():
        worst = float(np.abs(off).max())
        yield {"what": f"LLR {variant}: |error| on {len(off)} items", "worst": worst}


def r_nonlin_row(data: Path) -> Row:
    rising = identical = total = 0
    for path in sorted((data / "test" / "music").glob("*.flac")):
        x, rate = load(path)
        scores = [r_nonlin(x, clip_to_sdr(x, s).audio, rate) for s in INPUT_SDRS_DB]
        rising += bool((np.diff(scores) > 0).all())
        identical += r_nonlin(x, x, rate) == 1.0
        total += 1
    return {
        "what": f"R_nonlin on {total} files of music",
        "rises_with_input_sdr": rising,
        "identical_is_1": identical,
    }


def speed_rows(data: Path) -> Iterator[Row]:
    x, rate = load(sorted((data / "test" / "speech").glob("*.flac"))[0])
    z = clip_at_fraction(x, 0.2).audio
    metrics: dict[str, Callable[[], object]] = {
        "LLR": lambda: llr(x, z, rate),
        "PESQ wb": lambda: pesq(x, z, rate, "wb"),
        "STOI": lambda: stoi(x, z, rate),
        "ESTOI": lambda: estoi(x, z, rate),
        "R_nonlin, 16 kHz": lambda: r_nonlin(x, z, rate),
    }
    for name, measure in metrics.items():
        try:
            measure()
        except MissingExtraError as error:
            print(f"{name} left out: {error}")
            continue
        times = []
        for _ in range(3):
            start = process_time()
            measure()
            times.append(process_time() - start)
        yield {"what": f"{name}: speed", "rtf": float(np.median(times)) * rate / len(x)}


if __name__ == "__main__":
    main()
