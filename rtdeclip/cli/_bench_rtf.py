"""``rtdeclip bench rtf``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.benchmarks.rtf import Row

SECONDS = 5.0


def rtf(
    processor: list[str] = typer.Option(
        [], "--processor", help="Only this streaming one; repeatable. Without it: all."
    ),
    rate: list[int] = typer.Option(
        [48000], "--rate", help="Sample rate in Hz; repeatable."
    ),
    hop: list[int] = typer.Option(
        [0], "--hop", help="Samples per block, 0: its own; repeatable."
    ),
    channels: list[int] = typer.Option(
        [1], "--channels", help="Number of channels; repeatable."
    ),
    severity: list[str] = typer.Option(
        ["heavy"],
        "--severity",
        help="none, light (15 dB input SDR), heavy (5 dB), extreme (1 dB), silence or "
        "denormal; repeatable.",
    ),
    mode: list[str] = typer.Option(
        ["hot", "paced"],
        "--mode",
        help="hot: hop after hop; paced: at the pace of live sound; repeatable.",
    ),
    seconds: float = typer.Option(
        SECONDS, "--seconds", min=0.05, help="Audio time per case, s."
    ),
    load: int = typer.Option(0, "--load", min=0, help="Beside so many busy processes."),
    full: bool = typer.Option(
        False,
        "--full",
        help="All rates, severities and channels; whole-signal methods, compile times, "
        "a stream per core, --peers. Takes an hour or two.",
    ),
    peers: bool = typer.Option(
        False, "--peers", help="Also ffmpeg adeclip and a network of denoiser's size."
    ),
    compare: Path | None = typer.Option(
        None, "--compare", help="Earlier --json report; print ratios of CPU time to it."
    ),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file."),
    png: Path | None = typer.Option(None, "--png", help="Write a picture."),
    html: Path | None = typer.Option(None, "--html", help="Write one HTML page."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
    lines: bool = typer.Option(
        False, "--lines", help="Print a JSON line for each result as it comes."
    ),
) -> None:
    """How much of its time each streaming processor needs, hop by hop.

    RTF = processing time / audio time: below 1 keeps up. p50, p99: half,
    99 % of the hops took at most this; ms: algorithmic latency; late: hops
    not done in time. A model of another sample rate runs at its own. The
    default takes less than two minutes.

    [bold]Examples[/bold]

    rtdeclip bench rtf

    rtdeclip bench rtf --processor cubic --hop 128 --hop 256 --json > before.json

    rtdeclip bench rtf --compare before.json

    rtdeclip bench rtf --processor auto --channels 2 --load 2 --html report.html
    """
    import json

    from rtdeclip.benchmarks import machine, page, report
    from rtdeclip.benchmarks.hops import busy
    from rtdeclip.benchmarks.rtf import SEVERITIES, SPECIAL, grid, recommendation, run

    if full:
        rate, channels = [16000, 44100, 48000, 96000], [1, 2, 8]
        severity = [*SEVERITIES, *SPECIAL]
    before = report.read_rows(compare) if compare else []
    facts = machine.describe() | {"busy_beside": load}
    cases = grid(processor, rate, hop, channels, severity, mode, seconds)
    measured = []
    if lines:
        print(json.dumps({"machine": facts, "total": len(cases)}), flush=True)
    with busy(load):
        for row in run(cases):
            measured.append(row)
            if lines:
                print(json.dumps({"row": row.as_dict()}), flush=True)
            elif not as_json:
                done = f"{len(measured)}/{len(cases)}"
                typer.echo(f"\r{done} {row.processor:24s}", err=True, nl=False)
        summary = recommendation(measured)
        others = _peers(measured, mode, seconds, full) if peers or full else {}
        if full:
            _add_full(others, processor, seconds)
    if not (as_json or lines):
        typer.echo("\r" + " " * 40 + "\r", err=True, nl=False)
    rows = [row.as_dict() for row in measured]
    compared = report.ratios(rows, before)
    if csv:
        report.write_csv(csv, rows)
    if png:
        report.rtf_picture(png, rows)
    if html:
        page.write_html(html, facts, rows, summary, others)
    if lines:
        print(json.dumps({"summary": summary} | others), flush=True)
    elif as_json:
        data = {"machine": facts, "rows": rows, "summary": summary} | others
        typer.echo(json.dumps(data | ({"ratios": compared} if compare else {})))
    else:
        _print(facts, rows, compared, summary)
        _print_others(others)


def _peers(
    measured: "list[Row]", modes: list[str], seconds: float, full: bool
) -> dict[str, Any]:
    """Adds the network's rows to ``measured``; whole signals, and what is absent.

    Under ``full`` the rate is that of the whole signals beside it.
    """
    from rtdeclip.benchmarks.peers import ADECLIP, NO_FFMPEG, adeclip
    from rtdeclip.cli._bench_peers import NAME, NOTE, network_rows

    rows, why = network_rows(modes, seconds)
    measured += rows
    filtered = adeclip("heavy", seconds, 44100 if full else 48000)
    absent = ({NAME: why} if why else {}) | ({} if filtered else {ADECLIP: NO_FFMPEG})
    return {
        "whole": [filtered.as_dict()] if filtered else [],
        "notes": [NOTE] if rows else [],
        "absent": absent,
    }


def _add_full(others: dict[str, Any], names: list[str], seconds: float) -> None:
    """Whole-signal methods beside adeclip, compile times, a stream per core."""
    import os

    from rtdeclip.benchmarks.rtf import grid
    from rtdeclip.benchmarks.rtf_full import compiled, scaled, whole, whole_methods

    others["whole"] += [row.as_dict() for row in whole(whole_methods())]
    cases = grid(names, modes=["hot"], seconds=seconds)
    others["compiled"] = [row.as_dict() for row in compiled(names)]
    others["scaled"] = [row.as_dict() for row in scaled(cases, os.cpu_count() or 1)]


def _print_others(others: dict[str, Any]) -> None:
    import textwrap

    from rtdeclip.benchmarks.report import TITLES, headings

    for key, title in TITLES.items():
        if rows := others.get(key):
            typer.echo(f"\n{title}")
            _print_plain(headings(rows), [list(row.values()) for row in rows])
    for note in others.get("notes", ()):
        typer.echo("\n" + textwrap.fill(note, 80))
    for name, why in others.get("absent", {}).items():
        typer.echo(textwrap.fill(f"{name} is absent: {why}", 80))


def _print_plain(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for number, heading in enumerate(heads):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row))
    Console().print(table)


def _print(
    facts: dict[str, Any],
    rows: list[dict[str, Any]],
    compared: list[dict[str, Any]],
    summary: str,
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("processor", no_wrap=True)
    # A comparison needs the room of what only the run itself is about.
    heads = ("kHz", "ch", "case", "mode", "p50")
    ends = ("vs before",) if compared else ("p99", "max ms", "ms", "late")
    for heading in (*heads, *ends):
        table.add_column(heading, justify="right", no_wrap=True)
    against = {tuple(list(row.values())[:6]): _ratio(row) for row in compared}
    for row in rows:
        key = tuple(
            row[k]
            for k in ("processor", "sample_rate", "hop", "channels", "severity", "mode")
        )
        cells = [
            row["processor"],
            f"{row['sample_rate'] / 1000:g}",
            str(row["channels"]),
            row["severity"],
            row["mode"],
            f"{row['rtf_p50']:.4f}",
        ]
        if compared:
            cells.append(against.get(key, "–"))
        else:
            cells += [
                f"{row['rtf_p99']:.4f}",
                f"{row['hop_ms_max']:.2f}",
                f"{row['latency_ms']:.1f}",
                f"{row['late_hop_rate']:.1%}",
            ]
        table.add_row(*cells)
    console = Console()
    console.print(table)
    console.print(
        f"\n{facts['cpu']}, {facts['cores']} cores, load {facts['load_1min']:.1f}. "
        "RTF per hop: below 1 keeps up."
    )
    console.print(f"[bold]{summary}[/bold]")


def _ratio(row: dict[str, Any]) -> str:
    """RTF now / before with how far it can be off."""
    middle, low, high = (row[f"rtf_p50_ratio{end}"] for end in ("", "_low", "_high"))
    if middle is None:
        return "–"
    return f"× {middle:.2f}" + (f" ({low:.2f}–{high:.2f})" if low and high else "")
