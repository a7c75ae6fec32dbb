"""How a paper's table is written down: systems, columns, metrics, published cells.

A table is data; ``engine`` measures it, ``show`` and ``figures`` hand it out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cell = float | str | None
Cells = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of a table.

    Args:
        key: in the rows of ``quality.evaluate``.
        label: as printed.
        family: what ``metrics.score`` calls it; empty: always there.
        form: how a number is printed.
        lower: True where less is better.
    """

    key: str
    label: str
    family: str = ""
    form: str = ".2f"
    lower: bool = False


METRICS = {
    metric.key: metric
    for metric in (
        Metric("mse", "MSE", form=".1e", lower=True),
        Metric("sdr_db", "SDR in dB", form=".1f"),
        Metric("delta_sdr_db", "ΔSDR in dB", form=".1f"),
        Metric("si_sdr_db", "SI-SDR in dB", form=".1f"),
        Metric("rmse_missing", "RMSE, lost samples", "rmse_missing", ".3f", True),
        Metric("peaq_odg", "PEAQ, ODG", "peaq"),
        Metric("peaq_5grade", "PEAQ, ODG + 5", "peaq"),
        Metric("r_nonlin", "R_nonlin (approximation)", "r_nonlin"),
        Metric("pesq_wb", "PESQ wide band", "pesq"),
        Metric("pesq_nb", "PESQ narrow band", "pesq"),
        Metric("estoi", "ESTOI", "stoi"),
        Metric("llr", "LLR (capped at 2)", "llr", lower=True),
        Metric("fad", "FAD", form=".3f", lower=True),
        Metric("rtf", "RTF", form=".3f", lower=True),
        Metric("latency_ms", "latency in ms", form=".1f", lower=True),
        Metric("worst_hop_ms", "worst hop in ms", form=".2f", lower=True),
    )
}


@dataclass(frozen=True, slots=True)
class Column:
    """A test condition.

    Args:
        label: its head.
        protocol: see ``benchmarks.protocol``.
        value: what ``{value}`` in a system's settings becomes.
    """

    label: str
    protocol: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """A row of a table.

    Args:
        name: as printed, the paper's word where it has one.
        processor: its name here; where it is not installed, or empty, the row says
            "not implemented".
        settings: of the processor; ``{value}`` is the column's.
        consistency: False: the method's own output (raw).
        published: cells by metric key, one a column (and one more for the average).
    """

    name: str
    processor: str = ""
    settings: str = ""
    consistency: bool = True
    published: Mapping[str, Cells] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Table:
    """A published table and how to measure it again.

    Args:
        id: paper and name, ``4-noise``.
        title: first line.
        setup: the protocol in words.
        paper_data: what the paper used.
        data: which folder of ``--data`` suits it.
        rate_hz: rate of the test.
        columns: the conditions.
        metrics: keys of ``METRICS``.
        systems: the rows.
        by: ``metric``: a grid per metric, conditions across; ``condition``: a grid per
            condition, metrics across.
        average: True adds the mean over conditions.
        spread: True prints mean ± sd.
        piece_s: files are cut into pieces this long; 0: whole files.
        remarks: what a reader must know besides.
        axis: name of the conditions in figures.
    """

    id: str
    title: str
    setup: str
    paper_data: str
    data: Literal["speech", "music"]
    rate_hz: int
    columns: tuple[Column, ...]
    metrics: tuple[str, ...]
    systems: tuple[System, ...]
    by: Literal["metric", "condition"] = "metric"
    average: bool = False
    spread: bool = False
    piece_s: float = 0.0
    remarks: tuple[str, ...] = ()
    axis: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Args:
        data: folder of clean recordings; None: synthesised audio.
        quick: a few short excerpts.
        sqam: folder with the survey's ten excerpts.
        embedding: ONNX model for FAD.
        jobs: processes.
        log: JSON lines to go on from.
    """

    data: Path | None = None
    quick: bool = False
    sqam: Path | None = None
    embedding: Path | None = None
    jobs: int = 1
    log: Path | None = None


MEASURED = "measured"
NOT_IMPLEMENTED = "not implemented"


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its numbers.

    Args:
        system: as printed.
        kind: ``raw``, ``cons.``, ``oracle`` or ``input``.
        status: ``measured``, ``not implemented``, or why there is no number.
        ours: a cell per column; None where there is no number.
        sd: spread over files, where there is one.
        published: the paper's cells; empty where it has no such row.
        items: every file's number, a list a column, for box plots.
        processor: its name here.
        failed: how many items failed, and why the first did.
        cut: True where it is slow and --quick left out conditions.
    """

    system: str
    kind: str
    status: str
    ours: Cells = ()
    sd: Cells = ()
    published: Cells = ()
    items: tuple[tuple[float, ...], ...] = ()
    processor: str = ""
    failed: str = ""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table ready to be printed.

    Args:
        table: its id.
        title: first line.
        head: what was measured, on which data.
        metric: key; empty where columns are metrics.
        columns: heads.
        forms: how each column is printed.
        lines: the rows.
        spread: True prints ``sd`` beside.
        axis: name of the conditions.
    """

    table: str
    title: str
    head: tuple[str, ...]
    metric: str
    columns: tuple[str, ...]
    forms: tuple[str, ...]
    lines: tuple[Line, ...]
    spread: bool = False
    axis: str = ""


@dataclass(frozen=True, slots=True)
class Special:
    """A table that does not come from restoring files one by one.

    Args:
        id: as in ``Table``.
        compute: gives its grids.
    """

    id: str
    compute: Callable[[Options], list[Grid]]
