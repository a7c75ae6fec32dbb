"""Tousnakhoff and Aguié: not-MIWAE on frames whose loud samples go missing.

Samples are lost at random, the louder the likelier (``distortion.lose_samples``), so
samples below b go too; this is no clipping, and declippers cannot run on it. What needs
no training is measured: zeros, the sign at the level b, the sign half way to the peak.
The second table is real clipping at the same levels. Published values were read from
the plot in the authors' repository, whose code has W = 10 where the paper says 5.

Networks run as they ship. What takes more than their output (how far the draws spread),
and the paper's own form where it is not installed, is what ``python -m
bench.not_miwae`` saved.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.benchmarks.papers.describe import (
    MEASURED,
    METRICS,
    NOT_IMPLEMENTED,
    Cells,
    Column,
    Grid,
    Line,
    Options,
    Special,
    System,
    Table,
)
from rtdeclip.benchmarks.papers.material import Excerpt, excerpts, head
from rtdeclip.benchmarks.quality import Work, part
from rtdeclip.distortion import lose_samples
from rtdeclip.errors import ModelError
from rtdeclip.metrics.spectral import spectral_convergence, spectral_convergence_db
from rtdeclip.stream.processor import Method, Restorer
from rtdeclip.stream.registry import listings
from rtdeclip.types import Samples, Signs

FRAME = 1024
QUIETEST = 1e-3  # a frame's peak below −60 dB holds nothing to learn from
N_FRAMES, QUICK_FRAMES = 10_000, 300
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PUBLISHED_RMSE = (0.476, 0.461, 0.384, 0.354, 0.351, 0.350, 0.361)
PUBLISHED_MISSING = (44.9, 32.0, 21.6, 13.9, 8.3, 4.6, 2.4)
PUBLISHED_CONVERGENCE_DB = 0.297
STEEPNESS = {"paper": 5.0, "code": 10.0}
NETWORK, AS_PUBLISHED = "not-miwae", "not-miwae-paper"
SAVED = Path(__file__).with_name("paper1.json")

# Of a frame of peak 1, what is observed (zeros elsewhere), the signs of the lost
# samples (zeros elsewhere) and b: what the frame becomes.
Fill = Callable[[Samples, Signs, float], NDArray[np.floating[Any]]]
FILLS: dict[str, Fill] = {
    "zero": lambda seen, sign, b: seen,
    "hold": lambda seen, sign, b: seen + sign * b,
    "mid": lambda seen, sign, b: seen + sign * (1 + b) / 2,
}

_FRAMES = Table(
    id="1",
    title="Paper 1 (not-MIWAE)",
    setup="Frames of 1024 samples, peak 1; a sample is lost with the chance "
    "σ(W(|x| − b)); RMSE: root of the mean over frames of the lost samples' MSE.",
    paper_data="10 000 validation frames of MusicNet",
    data="music",
    rate_hz=16000,
    columns=(),
    metrics=(),
    systems=(),
    remarks=(
        "zero, hold (±b) and mid (±(1 + b)/2) need no training; paper: not-MIWAE, read "
        "from the plot in its authors' repository (its code: W = 10, its text: 5). "
        "Ours are one small network each for all b and W; the one that is told knows b "
        "and the signs of the lost samples, as hold does.",
    ),
    axis="b",
)


def measure(options: Options) -> list[Grid]:
    """RMSE and lost share against b, latent sweep, spectral convergence."""
    parts = excerpts(_FRAMES, options)
    top = head(_FRAMES, options, parts)
    chosen = frames(parts, QUICK_FRAMES if options.quick else N_FRAMES)
    networks, failed = _networks()
    fills, top = FILLS | networks, (*top, *failed)
    grids: list[Grid] = []
    for where, steepness in STEEPNESS.items():
        scored = [rmse(chosen, steepness, b, fills) for b in LEVELS]
        grids += _sweep(top, where, steepness, scored)
    return [*grids, _latent(top), *_spread(), _convergence(top, parts, fills)]


def _networks() -> tuple[dict[str, Fill], list[str]]:
    """The shipped networks as fills, and why one that is here cannot be used."""
    found = listings("processors")
    fills, failed = {}, []
    for name in (AS_PUBLISHED, NETWORK):
        entry = found.get(name)
        if entry and entry.method:
            try:
                fills[name] = _fill(entry.method)
            except ModelError as error:
                failed.append(f"{name}: failed: {error}")
    return fills, failed


def _fill(method: Method) -> Fill:
    restorer: Restorer = method.build(_FRAMES.rate_hz)

    def fill(seen: Samples, sign: Signs, b: float) -> NDArray[np.floating[Any]]:
        y = (seen + sign * np.float32(b))[:, None]
        bound = np.full_like(y, b)
        return restorer.restore(y, sign[:, None], bound, _FRAMES.rate_hz)[:, 0]

    return fill


def frames(parts: Sequence[Excerpt], n: int) -> list[Samples]:
    """At most ``n`` frames of peak 1, evenly spread over the files."""
    found = [frame for p in parts for frame in _cut(_audio(p))]
    loud = [f / np.abs(f).max() for f in found if np.abs(f).max() >= QUIETEST]
    at = np.linspace(0, len(loud) - 1, min(n, len(loud))).round().astype(int)
    return [loud[i] for i in at]


def rmse(
    chosen: Sequence[Samples],
    steepness: float,
    midpoint: float,
    fills: dict[str, Fill] = FILLS,
) -> dict[str, float]:
    """RMSE of every fill, and ``missing``: the share of lost samples in %.

    Args:
        chosen: ``(1024,)`` frames of peak 1.
        steepness: W.
        midpoint: b.
        fills: by name.
    """
    errors: dict[str, list[float]] = {name: [] for name in fills}
    lost_share = []
    for seed, frame in enumerate(chosen):
        seen, sign = lossy(frame, steepness, midpoint, seed)
        lost = sign != 0
        lost_share.append(lost.mean())
        for name, fill in fills.items():
            if lost.any():
                error = frame[lost] - fill(seen, sign, midpoint)[lost]
                errors[name].append(float(np.mean(error.astype(np.float64) ** 2)))
    result = {name: float(np.sqrt(np.mean(e))) for name, e in errors.items()}
    return result | {"missing": 100 * float(np.mean(lost_share))}


def lossy(
    frame: Samples, steepness: float, midpoint: float, seed: int
) -> tuple[Samples, Signs]:
    """What is observed of a frame, and the signs of what is lost, zeros elsewhere."""
    done = lose_samples(frame, steepness, midpoint, seed)
    # A lost sample that is exactly 0 has no sign; it counts as positive.
    signs = np.where(frame < 0, -1, 1)
    return done.audio, np.where(done.observed, 0, signs).astype(np.int8)


def _sweep(
    top: tuple[str, ...],
    where: str,
    steepness: float,
    scored: list[dict[str, float]],
) -> list[Grid]:
    """The two curves for one W."""
    heads = tuple(f"b {b:g}" for b in LEVELS)
    columns = {name: tuple(s[name] for s in scored) for name in scored[0]}
    saved = _saved().get("paper", {}).get(f"{steepness:g}")
    if saved and AS_PUBLISHED not in columns:
        columns[AS_PUBLISHED] = tuple(saved)
        top = (*top, f"not-MIWAE, raw. {_origin(_saved())}")
    rmse_lines = _lines(columns, PUBLISHED_RMSE)
    lost = Line(
        "lost",
        "input",
        MEASURED,
        tuple(s["missing"] for s in scored),
        published=PUBLISHED_MISSING,
    )
    title = f"{_FRAMES.title}, W = {steepness:g} (its {where})"
    name = f"1-w{steepness:g}"
    form = METRICS["rmse_missing"].form
    return [
        Grid(name, f"{title}: RMSE of lost samples", top, "rmse_missing", heads,
             (form,) * 7, rmse_lines, axis="b"),
        Grid(name, f"{title}: lost samples in %", top, "missing", heads,
             (".1f",) * 7, (lost,), axis="b"),
    ]  # fmt: skip


def _latent(top: tuple[str, ...]) -> Grid:
    """By size, at b = 0.5; of the paper's ten sizes only the range can be read."""
    saved = _saved()
    found: dict[str, float] = saved.get("latent", {})
    line = Line("not-MIWAE", "", NOT_IMPLEMENTED, published=("0.354–0.360",))
    if found:
        span = f"{min(found.values()):.3f}–{max(found.values()):.3f}"
        line = replace(
            _line("not-MIWAE", (span, *found.values())),
            published=(*line.published, *(None,) * len(found)),
        )
        trained = f"Each size was trained for {saved['latent_s']:g} s of CPU time."
        top = (f"{_origin(saved)} {trained}",)
    return Grid(
        "1",
        f"{_FRAMES.title}: RMSE against latent size 10 … 200, W = 5, b = 0.5",
        top,
        "rmse_latent",
        ("lowest to highest", *found),
        (".3f",) * (1 + len(found)),
        (line,),
    )


def _spread() -> list[Grid]:
    """How often the truth lies within the stated spread; none where nothing is saved.

    A Gaussian has 68.3 % within one standard deviation, 95.4 % within two.
    """
    saved = _saved()
    lines = [
        _line(f"1 sd, W = {w}", tuple(cells))
        for w, cells in saved.get("within_1", {}).items()
    ]
    lines += [
        _line(f"2 sd, W = {w}", tuple(cells))
        for w, cells in saved.get("within_2", {}).items()
    ]
    if not lines:
        return []
    title = "lost samples within 1 or 2 sd, in % (Gauss: 68, 95)"
    return [
        Grid("1", f"{_FRAMES.title}: {title}", (_origin(saved),), "within",
             tuple(f"b {b:g}" for b in LEVELS), (".1f",) * len(LEVELS), tuple(lines),
             axis="b"),
    ]  # fmt: skip


def _saved() -> dict[str, Any]:
    """What ``bench.not_miwae`` wrote; empty where it has not been run."""
    if not SAVED.is_file():
        return {}
    found: dict[str, Any] = json.loads(SAVED.read_text("utf-8"))
    return found


def _origin(saved: dict[str, Any]) -> str:
    return f"Measured on {saved['date']} by python -m bench.not_miwae: {saved['data']}."


def _convergence(
    top: tuple[str, ...], parts: Sequence[Excerpt], fills: dict[str, Fill]
) -> Grid:
    """Whole files rebuilt from frames, W = 5, b = 0.6."""
    scored: dict[str, list[tuple[float, float]]] = {name: [] for name in fills}
    for excerpt in parts:
        x = _audio(excerpt)
        for name, z in rebuilt(x, STEEPNESS["paper"], 0.6, fills).items():
            clean = x[: len(z)]
            pair = spectral_convergence(clean, z), spectral_convergence_db(clean, z)
            scored[name].append(pair)
    cells = {
        name: tuple(float(v) for v in np.mean(pairs, axis=0))
        for name, pairs in scored.items()
    }
    published = (None, PUBLISHED_CONVERGENCE_DB)
    return Grid(
        "1",
        f"{_FRAMES.title}: spectral convergence of whole files, W = 5, b = 0.6",
        (*top, "The paper computed it on dB spectrograms; linear is its definition."),
        "spectral_convergence",
        ("linear", "on dB"),
        (".3f", ".3f"),
        _lines(cells, published),
    )


def rebuilt(
    x: Samples, steepness: float, midpoint: float, fills: dict[str, Fill] = FILLS
) -> dict[str, Samples]:
    """``x`` (a multiple of 1024 samples of it) by every fill, frames at their level."""
    pieces: dict[str, list[Samples]] = {name: [] for name in fills}
    for seed, frame in enumerate(_cut(x)):
        peak = float(np.abs(frame).max())
        for name, fill in fills.items():
            out = frame.copy()
            if peak >= QUIETEST:
                scaled = (frame / np.float32(peak)).astype(np.float32)
                seen, sign = lossy(scaled, steepness, midpoint, seed)
                lost = sign != 0
                out[lost] = peak * fill(seen, sign, midpoint)[lost]
            pieces[name].append(out)
    return {name: np.concatenate(made) for name, made in pieces.items()}


def _lines(
    cells: dict[str, tuple[float, ...]], published: tuple[float | None, ...]
) -> tuple[Line, ...]:
    """What needs no training, then the network as published and as ours."""
    paper = Line("not-MIWAE", "", NOT_IMPLEMENTED)
    if AS_PUBLISHED in cells:
        paper = replace(_line("not-MIWAE", cells[AS_PUBLISHED]), processor=AS_PUBLISHED)
    told = Line("not-MIWAE, told", "", NOT_IMPLEMENTED)
    if NETWORK in cells:
        told = replace(_line("not-MIWAE, told", cells[NETWORK]), processor=NETWORK)
    fills = (_line(name, cells[name]) for name in FILLS)
    return (*fills, replace(paper, published=published), told)


def _line(name: str, cells: Cells) -> Line:
    return Line(name, "raw", MEASURED, cells)


def _audio(excerpt: Excerpt) -> Samples:
    work = Work(
        excerpt.file,
        "",
        "",
        rate_hz=_FRAMES.rate_hz,
        start_s=excerpt.start_s,
        length_s=excerpt.length_s,
    )
    return part(work)[0]


def _cut(x: Samples) -> list[Samples]:
    return list(x[: len(x) // FRAME * FRAME].reshape(-1, FRAME))


TABLES = (
    Special("1", measure),
    Table(
        id="1-clip",
        title="Paper 1, but real clipping at b of the file's peak",
        setup="Files of peak 1, hard clip at b. hold: the level itself; mid: half way "
        "to the clean peak.",
        paper_data="it has no such test",
        data="music",
        rate_hz=16000,
        columns=tuple(Column(f"b {b:g}", f"peak=1+fraction={b:g}") for b in LEVELS),
        metrics=("rmse_missing",),
        systems=(
            System("hold", "bypass", "", False),
            System("mid", "oracle-mid", "", False),
            System("cubic", "cubic"),
            System("ar", "ar"),
            System("A-SPADE", "aspade", "window_ms=64"),
            System("janssen", "janssen"),
            System("not-MIWAE", AS_PUBLISHED, "", False),
            System("not-MIWAE, told", NETWORK, "", False),
            System("not-MIWAE, told", NETWORK),
        ),
        axis="b",
    ),
)
