"""Sechaud et al.: self-supervised learning of declipping by scale equivariance.

Cells of its tables I and III are not in the text at hand, figures 5 and 6 have no
numbers. The synthetic study trains networks, which ``bench papers`` does not: its
numbers are those that ``python -m bench.self_supervised`` saved, with their date.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    NOT_IMPLEMENTED,
    Column,
    Grid,
    Line,
    Options,
    Special,
    System,
    Table,
)

DIMENSIONS = (1, 10, 30, 50, 70, 100)
SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
LENGTH, N_VECTORS, SEED = 100, 1000, 0
SAVED = Path(__file__).with_name("paper3.json")
G_MAX, BEST = (1.1, 1.25, 1.5, 2.0, 3.0), 1.5


def _text(cell: str) -> dict[str, tuple[str, ...]]:
    return {"sdr_db": (cell,)}


_TWIN, _SELF = "supervised-u-net", "equivariant-u-net"
_OURS = (
    System("cubic", "cubic"),
    System("ar", "ar"),
    System("auto", "auto"),
    System("A-SPADE", "aspade", "window_ms=93"),
    System("janssen", "janssen"),
)

MASK = Table(
    id="3-mask",
    title="Paper 3 (Sechaud et al.), tables I and II: training, mask, blending, bias",
    setup="1 s pieces hard-clipped at 0.1 of full scale; SDR mean ± sd over pieces; "
    "pieces that do not clip are left out.",
    paper_data="63 pieces of GTZAN classical",
    data="music",
    rate_hz=22050,
    columns=(Column("", "level=0.1"),),
    metrics=("sdr_db", "delta_sdr_db"),
    systems=(
        System("Identity", "bypass", "", False, _text("10.39 ± 3.77")),
        System("sup., mask, blend", _TWIN, "", False, _text("16.43 ± 3.81")),
        System(
            "self, no mask, blend", f"{_SELF}-no-mask", "", False, _text("15.28 ± 3.81")
        ),
        System("self, mask, blend", _SELF, "", False, _text("15.8 ± 4.26")),
        System("self, mask, blend", _SELF),
        System("sup., mask, no blend", f"{_TWIN}-unblended", "", False),
        System("self, mask, no blend", f"{_SELF}-unblended", "", False),
        System("self, mask, biases", f"{_SELF}-biases", "", False),
        *_OURS,
    ),
    by="condition",
    spread=True,
    piece_s=1.0,
    remarks=(
        "sup.: supervised; self: self-supervised; blend: clipped samples are mixed in "
        "by their distance from the level; networks have no biases unless said.",
        "Ours are small and trained for minutes of one CPU core: rtdeclip models show.",
    ),
)

SHIFT = Table(
    id="3-shift",
    title="Paper 3, table III: trained on music, tested on voices",
    setup="1 s pieces hard-clipped at 0.1 of full scale; SDR mean ± sd over pieces.",
    paper_data="AESDD voices; its cells are not in the text at hand",
    data="speech",
    rate_hz=22050,
    columns=(Column("", "level=0.1"),),
    metrics=("sdr_db", "delta_sdr_db"),
    systems=(
        System("Identity", "bypass", "", False),
        System("sup., music only", _TWIN, "", False),
        System("self, music only", _SELF, "", False),
        System("self, music + voices", f"{_SELF}-voices", "", False),
        *_OURS,
    ),
    by="condition",
    spread=True,
    piece_s=1.0,
)


def synthetic(options: Options) -> list[Grid]:
    """The (d, v) map and the g_max curve on vectors of random subspaces."""
    n = N_VECTORS // 5 if options.quick else N_VECTORS
    saved = _saved()
    setup = (
        f"Vectors of a random d-dimensional subspace of R^{LENGTH}, each scaled so "
        "that a share v is clipped at 1."
    )
    lines = []
    for d in DIMENSIONS:
        own = tuple(float(np.mean(identity_sdr_db(d, v, n))) for v in SHARES)
        lines.append(Line(f"d = {d}, identity", "input", MEASURED, own))
        lines.append(_learned(f"d = {d}, self", saved.get("map", {}).get(str(d))))
        twin = saved.get("supervised", {}).get(str(d))
        lines.append(_learned(f"d = {d}, sup.", twin))
    heads = tuple(f"v {v:g}" for v in SHARES)
    told = "The paper's map (its figure 5) has colours, no numbers."
    best = tuple("best" if g == BEST else None for g in G_MAX)
    curve = _learned("MLP, self-supervised", saved.get("g_max"), best)
    return [
        Grid("3-map", "Paper 3, figure 5: mean SDR in dB over d and v",
             (setup, told, _origin(saved)), "sdr_db", heads, (".1f",) * len(heads),
             tuple(lines), axis="v"),
        Grid("3-gmax", "Paper 3, figure 6: mean SDR against g_max, v = 0.3, d = 10",
             (setup, "The paper names 1.5 the best; its curve has no numbers.",
              _origin(saved)),
             "sdr_db", tuple(f"{g:g}" for g in G_MAX), (".1f",) * len(G_MAX), (curve,),
             axis="g_max"),
    ]  # fmt: skip


def _saved() -> dict[str, Any]:
    """What the study wrote; empty where it has not been run."""
    if not SAVED.is_file():
        return {}
    found: dict[str, Any] = json.loads(SAVED.read_text("utf-8"))
    return found


def _origin(saved: dict[str, Any]) -> str:
    if not saved:
        return "Networks are trained by: python -m bench.self_supervised"
    return (
        f"self, sup.: networks trained on {saved['date']}, {saved['steps']} steps each,"
        f" seed {saved['seed']}, {saved['cpu_min']} CPU minutes in all, by "
        "python -m bench.self_supervised; other vectors of the same subspace."
    )


def _learned(
    name: str, cells: list[float] | None, published: tuple[str | None, ...] = ()
) -> Line:
    if not cells:
        return Line(name, "", NOT_IMPLEMENTED, published=published)
    return Line(name, "raw", MEASURED, tuple(cells), published=published)


def vectors(dimension: int, share: float, n: int) -> NDArray[np.float64]:
    """``(n, 100)``, each with ``share`` of its entries beyond ±1.

    Args:
        dimension: d of the subspace, 1 to 100.
        share: v, share of clipped entries.
        n: how many vectors.
    """
    rng = np.random.default_rng(SEED)
    basis = rng.standard_normal((LENGTH, dimension))
    x = rng.standard_normal((n, dimension)) @ basis.T
    # The largest v·100 magnitudes pass 1.
    kept = LENGTH - round(share * LENGTH)
    scaled: NDArray[np.float64] = x / (
        np.sort(np.abs(x), axis=1)[:, kept - 1 : kept] * (1 + 1e-9)
    )
    return scaled


def identity_sdr_db(dimension: int, share: float, n: int) -> NDArray[np.float64]:
    """SDR of the clipped vectors themselves, ``(n,)``; see ``vectors``."""
    x = vectors(dimension, share, n)
    error = x - np.clip(x, -1, 1)
    return 10 * np.log10((x**2).sum(axis=1) / (error**2).sum(axis=1))


TABLES = (MASK, SHIFT, Special("3-map", synthetic))
