"""``rtdeclip scan``: where and how much files are clipped, and what mends them."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.cli._report import Reporter


def scan(
    names: list[str] = typer.Argument(metavar="FILES…", help="Files; - is a WAV pipe."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: a row per file."),
) -> None:
    """Find clip levels, per channel and polarity, and name the command that restores.

    Levels are magnitudes, full scale 1. Severity: none, light (up to 0.1 % of
    the worst channel's samples), moderate (up to 2 %), severe.

    [bold]Examples[/bold]

    rtdeclip scan recording.wav

    rtdeclip scan *.flac --json
    """
    from rtdeclip.cli._report import Reporter
    from rtdeclip.errors import RtdeclipError

    reporter = Reporter(quiet=False, verbose=False, as_json=as_json, to_stderr=False)
    rows: list[dict[str, Any]] = []
    failed = False
    for name in names:
        try:
            rows.append(_row(name, reporter))
        except RtdeclipError as error:
            failed = True
            typer.echo(f"rtdeclip: {error}", err=True)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
    if as_json:
        import json

        typer.echo(json.dumps(rows, indent=2))
    elif rows:
        _print(rows)
    if failed:
        raise typer.Exit(1)


def _row(name: str, reporter: "Reporter") -> dict[str, Any]:
    from contextlib import closing

    from rtdeclip.files.read import open_source
    from rtdeclip.files.scan import scan, scan_row

    with closing(open_source(name)) as source, reporter.progress() as progress:
        found = scan(source, progress=progress)
        if source.nonfinite_samples:
            found.warnings.append(
                f"{name}: {source.nonfinite_samples} samples are NaN or infinite; "
                "taken as 0."
            )
    for warning in found.warnings:
        typer.echo(f"rtdeclip: {warning}", err=True)
    return scan_row(name, found)


def _print(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    for row in rows:
        console.print(
            f"[bold]{escape(row['file'])}[/bold]  {row['severity']}  "
            f"({row['duration_s']:.1f} s, {row['sample_rate']} Hz)",
            soft_wrap=True,
        )
        if row["severity"] == "none":
            continue
        table = Table(box=None, pad_edge=True)
        for title in ("channel", "level", "dBFS", "sure", "clipped", "share", "run"):
            table.add_column(title, justify="right")
        for cells in _cells(row["channels"]):
            table.add_row(*cells)
        console.print(table)
        console.print(f"  restore: {escape(row['command'])}", soft_wrap=True)


def _cells(channels: list[dict[str, Any]]) -> list[list[str]]:
    import math

    lines = []
    for number, channel in enumerate(channels, 1):
        for side, sign in (("high", "+"), ("low", "−")):
            found = channel[side]
            if found:
                lines.append(
                    [
                        f"{number} {side}",
                        f"{sign}{found['level']:.5f}",
                        f"{20 * math.log10(found['level']):.2f}",
                        f"{found['confidence']:.2f}",
                        str(found["clipped_samples"]),
                        f"{100 * found['clipped_fraction']:.3f} %",
                        str(found["longest_run_samples"]),
                    ]
                )
    return lines
