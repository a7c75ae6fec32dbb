"""Sechaud et al.: self-supervised learning of declipping by scale equivariance.

Cells of its tables I and III are not in the text at hand, figures 5 and 6 have no
numbers; those networks are still to be trained here, and their rows say so.
"""

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
G_MAX = (1.1, 1.25, 1.5, 2.0, 3.0)


def _text(cell: str) -> dict[str, tuple[str, ...]]:
    return {"sdr_db": (cell,)}


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
        System("sup., mask, blend", published=_text("16.43 ± 3.81")),
        System("self, no mask, blend", published=_text("15.28 ± 3.81")),
        System("self, mask, blend", published=_text("15.8 ± 4.26")),
        System("sup., mask, no blend"),
        System("self, mask, no blend"),
        System("self, mask, biases"),
        *_OURS,
    ),
    by="condition",
    spread=True,
    piece_s=1.0,
    remarks=(
        "sup.: supervised; self: self-supervised; blend: clipped samples are mixed in "
        "by their distance from the level; networks have no biases unless said.",
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
        System("sup., music only"),
        System("self, music + voices"),
        *_OURS,
    ),
    by="condition",
    spread=True,
    piece_s=1.0,
)


def synthetic(options: Options) -> list[Grid]:
    """The (d, v) map and the g_max curve on vectors of random subspaces."""
    n = N_VECTORS // 5 if options.quick else N_VECTORS
    setup = (
        f"{n} vectors of a random d-dimensional subspace of R^{LENGTH}, each scaled so "
        "that a share v is clipped at 1."
    )
    lines = [
        Line(
            f"d = {d}, identity",
            "input",
            MEASURED,
            tuple(float(np.mean(identity_sdr_db(d, v, n))) for v in SHARES),
        )
        for d in DIMENSIONS
    ]
    lines.append(Line("MLP, self-supervised", "", NOT_IMPLEMENTED))
    heads = tuple(f"v {v:g}" for v in SHARES)
    told = "The paper's map (its figure 5) has colours, no numbers."
    grid = Grid("3-map", "Paper 3, figure 5: mean SDR in dB over d and v",
                (setup, told), "sdr_db", heads, (".1f",) * len(heads), tuple(lines),
                axis="v")  # fmt: skip
    curve = Line(
        "MLP, self-supervised",
        "",
        NOT_IMPLEMENTED,
        published=tuple("best" if g == 1.5 else None for g in G_MAX),
    )
    return [
        grid,
        Grid("3-gmax", "Paper 3, figure 6: mean SDR against g_max, v = 0.3, d = 10",
             (setup, "The paper names 1.5 the best; its curve has no numbers."),
             "sdr_db", tuple(f"{g:g}" for g in G_MAX), (".1f",) * len(G_MAX), (curve,),
             axis="g_max"),
    ]  # fmt: skip


def identity_sdr_db(dimension: int, share: float, n: int) -> NDArray[np.float64]:
    """SDR of the clipped vectors themselves, ``(n,)``.

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
    x /= np.sort(np.abs(x), axis=1)[:, kept - 1 : kept] * (1 + 1e-9)
    error = x - np.clip(x, -1, 1)
    return 10 * np.log10((x**2).sum(axis=1) / (error**2).sum(axis=1))


TABLES = (MASK, SHIFT, Special("3-map", synthetic))
