"""``auto`` against the best single method of its ladder: ``python -m bench.auto``.

    OMP_NUM_THREADS=1 python -m bench.auto --seconds 2 --every 4

Every rung that fits ``--max-latency`` runs alone, at the latency of ``auto``, over
excerpts of ``test/speech`` and ``test/music`` (``RTDECLIP_DATA`` or
``../shared/data``) at several input SDRs. ΔSDR in dB; the best single method is the
one with the highest mean.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.aspade import Row, report, restored, row
from bench.classical import excerpts
from rtdeclip.distortion import clip_to_sdr
from rtdeclip.errors import SettingError
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors import auto
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.processor import Method
from rtdeclip.stream.registry import listings
from rtdeclip.types import Samples

INPUT_SDRS_DB = (3.0, 7.0, 12.0, 18.0)
WORSE_DB = 0.1
Audio = list[tuple[Samples, int]]


def singles(sample_rate: int, max_latency_ms: float) -> dict[str, Method]:
    """Each rung alone, as a method."""
    found = {}
    for listing in listings("processors").values():
        for rung in listing.method.rungs if listing.method else ():
            assert listing.method is not None
            one = replace(listing.method, rungs=(rung,))
            make = partial(
                auto.ladder,
                [one],
                max_latency_ms=max_latency_ms,
                hop=default_hop(sample_rate),
            )
            try:
                lane = make(sample_rate=sample_rate)
            except SettingError:  # another rate, or too late
                continue
            if one.name != "bypass":
                found[lane.active] = Method(lane.active, "", make)
    return found


def gains(method: Method, files: Audio) -> NDArray[np.float64]:
    """Mean ΔSDR at each input SDR."""
    table = []
    for sdr_db in INPUT_SDRS_DB:
        found = []
        for x, rate in files:
            clipped = clip_to_sdr(x, sdr_db)
            out = restored(method, clipped, rate)
            found.append(delta_sdr_db(x, clipped.audio, out))
        table.append(float(np.mean(found)))
    return np.array(table)


def all_rows(given: argparse.Namespace) -> Iterator[Row]:
    for folder in given.folders:
        files = [
            (x[:, 0], rate)
            for x, rate in excerpts(folder, 0, given.seconds)[:: given.every]
        ]
        whole = partial(auto.make, max_latency=given.max_latency)
        methods = {"auto": Method("auto", "", whole)}
        methods |= singles(files[0][1], given.max_latency)
        tables = {}
        for name, method in methods.items():
            tables[name] = gains(method, files)
            for sdr_db, gain in zip(INPUT_SDRS_DB, tables[name], strict=True):
                yield row(f"{folder} {name}, {sdr_db:g} dB in", float(gain))
        mine = tables.pop("auto")
        best = max(tables, key=lambda name: float(tables[name].mean()))
        least = float(mine.mean() - tables[best].mean())
        yield row(f"{folder} auto − {best}, mean", least, low=-WORSE_DB)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--every", type=int, default=4, help="takes every Nth file")
    parser.add_argument("--max-latency", type=float, default=35.0, help="ms")
    parser.add_argument("--folders", nargs="*", default=["test/speech", "test/music"])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    report(all_rows(given), as_json=given.json)


if __name__ == "__main__":
    main()
