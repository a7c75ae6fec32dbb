"""``rtdeclip bench``: what this machine can run live, and how well."""

from pathlib import Path
from typing import Any

import typer

bench = typer.Typer(
    help="Measure speed and quality on this machine.", no_args_is_help=True
)


@bench.command()
def rtf(
    processor: list[str] = typer.Option(
        [], "--processor", help="Only this one; repeatable."
    ),
    rate: list[int] = typer.Option([48000], "--rate", help="Sample rate in Hz."),
    hop: list[int] = typer.Option([0], "--hop", help="Samples per block; 0: its own."),
    channels: list[int] = typer.Option([1], "--channels", help="Number of channels."),
    severity: list[str] = typer.Option(
        ["heavy"],
        "--severity",
        help="none, light, heavy, extreme, silence or denormal.",
    ),
    mode: list[str] = typer.Option(["hot", "paced"], "--mode", help="hot or paced."),
    seconds: float = typer.Option(5.0, "--seconds", help="Audio time per case."),
    full: bool = typer.Option(False, "--full", help="All rates, severities, channels."),
    compare: Path | None = typer.Option(
        None, "--compare", help="Earlier JSON report; print ratios to it."
    ),
    csv: Path | None = typer.Option(None, "--csv", help="Write a CSV file."),
    png: Path | None = typer.Option(None, "--png", help="Write a picture."),
    html: Path | None = typer.Option(None, "--html", help="Write one HTML page."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Real-time factor per hop of every streaming processor.

    [bold]Examples[/bold]

    rtdeclip bench rtf

    rtdeclip bench rtf --processor cubic --hop 128 --hop 256 --json > before.json

    rtdeclip bench rtf --compare before.json
    """
    from rtdeclip.benchmarks import machine, report
    from rtdeclip.benchmarks.rtf import SEVERITIES, SPECIAL, grid, recommendation, run

    if full:
        rate, channels = [16000, 44100, 48000, 96000], [1, 2, 8]
        severity = [*SEVERITIES, *SPECIAL]
    facts = machine.describe()
    cases = grid(processor, rate, hop, channels, severity, mode, seconds)
    measured = []
    for row in run(cases):
        measured.append(row)
        if not as_json:
            done = f"{len(measured)}/{len(cases)}"
            typer.echo(f"\r{done} {row.processor:24s}", err=True, nl=False)
    if not as_json:
        typer.echo("\r" + " " * 40 + "\r", err=True, nl=False)
    rows = [row.as_dict() for row in measured]
    summary = recommendation(measured)
    compared = report.ratios(rows, report.read_rows(compare)) if compare else []
    if csv:
        report.write_csv(csv, rows)
    if png:
        report.rtf_picture(png, rows)
    if html:
        report.write_html(html, facts, rows, summary)
    if as_json:
        import json

        data = {"machine": facts, "rows": rows, "summary": summary}
        typer.echo(json.dumps(data | ({"ratios": compared} if compare else {})))
    else:
        _print(facts, rows, compared, summary)


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
    headings = ("kHz", "ch", "ms", "case", "mode", "p50", "p99", "max ms", "late")
    for heading in (*headings, "vs before") if compared else headings:
        table.add_column(heading, justify="right", no_wrap=True)
    against = {tuple(list(row.values())[:6]): row["rtf_p50_ratio"] for row in compared}
    for row in rows:
        key = tuple(
            row[k]
            for k in ("processor", "sample_rate", "hop", "channels", "severity", "mode")
        )
        cells = [
            row["processor"],
            f"{row['sample_rate'] / 1000:g}",
            str(row["channels"]),
            f"{row['latency_ms']:.1f}",
            row["severity"],
            row["mode"],
            f"{row['rtf_p50']:.4f}",
            f"{row['rtf_p99']:.4f}",
            f"{row['hop_ms_max']:.2f}",
            f"{row['late_hop_rate']:.1%}",
        ]
        if compared:
            ratio = against.get(key)
            cells.append("–" if ratio is None else f"× {ratio:.2f}")
        table.add_row(*cells)
    console = Console()
    console.print(table)
    console.print(
        f"\n{facts['cpu']}, {facts['cores']} cores, load {facts['load_1min']:.1f}. "
        "RTF per hop: below 1 keeps up."
    )
    console.print(f"[bold]{summary}[/bold]")
