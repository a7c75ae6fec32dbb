"""``rtdeclip bench``: what this machine can run live, and how well."""

from pathlib import Path
from typing import Any

import typer

from rtdeclip.cli._bench_live import live, live_cost, live_start
from rtdeclip.cli._bench_papers import papers
from rtdeclip.cli._bench_rtf import rtf

bench = typer.Typer(
    help="Measure speed and quality on this machine.",
    epilog="What can run live here: rtdeclip bench rtf",
    no_args_is_help=True,
)
bench.command()(rtf)
bench.command()(live)
bench.command("live-start")(live_start)
bench.command("live-cost")(live_cost)
bench.command()(papers)


@bench.command()
def quality(
    data: Path = typer.Option(
        ..., "--data", help="Folder of clean recordings (or one file), searched deep."
    ),
    processor: list[str] = typer.Option(
        ["cubic", "aspade"],
        "--processor",
        help="Name or name:key=value,…; also oracle-irm, oracle-mid; repeatable.",
    ),
    protocol: list[str] = typer.Option(
        ["fraction=0.2"],
        "--protocol",
        help="How files are clipped: fraction=0.2 (of the peak), sdr=7 (dB), level=0.3 "
        "(of full scale), gain=20 (dB), tanh=20 (dB), overdrive=20:20 (dB, colour); "
        "peak=1 first, noise=0.01 before, wet=0.5 or bits=16 after, joined by +; "
        "repeatable.",
    ),
    metrics: str = typer.Option(
        "",
        "--metrics",
        help="More of them, comma-separated: peaq, pesq, stoi, llr, r_nonlin, …; a "
        "wrong one lists them all.",
    ),
    levels: str = typer.Option(
        "known", "--levels", help="known: the true ones; found: by the scan."
    ),
    consistency: str = typer.Option(
        "on", "--consistency", help="on, or off: the methods' own output."
    ),
    limit: int = typer.Option(0, "--limit", help="Use only so many files; 0: all."),
    jobs: int = typer.Option(0, "--jobs", help="Processes; 0: one a core."),
    log: Path | None = typer.Option(
        None, "--log", help="JSON lines; a run with the same log goes on from there."
    ),
    worst: Path | None = typer.Option(
        None, "--worst", help="Write the audio of each row's worst file here."
    ),
    csv: Path | None = typer.Option(None, "--csv", help="Write every item as CSV."),
    png: Path | None = typer.Option(
        None, "--png", help="ΔSDR against latency and RTF."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Quality of processors on a folder of clean recordings.

    Each file is clipped, restored and compared with itself, whole. ms:
    latency (file: whole signals only); RTF: CPU time over audio time;
    worst: of all files. Exit code 1 if a file failed.

    [bold]Examples[/bold]

    rtdeclip bench quality --data clean/

    rtdeclip bench quality --data clean/ --protocol sdr=3 --protocol sdr=7
    --processor aspade:window_ms=46 --metrics pesq,stoi --log run.jsonl

    rtdeclip bench quality --data song.wav --processor auto --worst heard/
    """
    import os

    from rtdeclip.benchmarks import machine, report
    from rtdeclip.benchmarks.quality import plan, run, summary

    _choice("--levels", levels, ("known", "found"))
    _choice("--consistency", consistency, ("on", "off"))
    work = plan(data, processor, protocol, levels, consistency == "on", metrics, limit)
    rows = []
    for row in run(work, jobs or os.cpu_count() or 1, log):
        rows.append(row)
        if "error" in row:
            typer.echo(f"\n{row['file']}: {row['error']}", err=True)
        if not as_json:
            typer.echo(f"\r{len(rows)}/{len(work)} ", err=True, nl=False)
    lines = summary(rows)
    if worst:
        _write_worst(worst, lines, rows)
    if csv:
        report.write_csv(csv, rows)
    if png:
        report.quality_picture(png, lines)
    failed = sum("error" in row for row in rows)
    if as_json:
        import json

        facts = machine.describe()
        typer.echo(json.dumps({"machine": facts, "rows": lines, "failed": failed}))
    else:
        _print_quality(lines)
    if failed:
        raise typer.Exit(1)


def _choice(option: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise typer.BadParameter(f"{option} {given}: choose {' or '.join(allowed)}.")


def _write_worst(
    folder: Path, lines: list[dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    """Clean, distorted and restored audio of the lowest ΔSDR of every line."""
    import soundfile

    from rtdeclip.benchmarks.quality import Work, part, restored_item

    folder.mkdir(parents=True, exist_ok=True)
    names = Work.__dataclass_fields__
    for line in lines:
        if "delta_sdr_db" not in line:
            continue
        row = next(
            r
            for r in rows
            if r["file"] == line["delta_sdr_db"]["worst_file"]
            and all(r[k] == line[k] for k in ("processor", "settings", "protocol"))
        )
        work = Work(**{n: row[n] for n in names})
        clean, rate = part(work)
        item, restored, _ = restored_item(work, clean, rate)
        stem = f"{row['processor']}-{row['protocol'].replace(':', '_')}"
        for kind, x in (
            ("clean", item.target),
            ("distorted", item.distorted),
            ("restored", restored),
        ):
            soundfile.write(folder / f"{stem}-{kind}.wav", x, rate, subtype="FLOAT")


def _print_quality(lines: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    hidden = ("mse", "sdr_db", "sdr_clipped_db", "si_sdr_db")
    table = Table(box=None, pad_edge=False)
    table.add_column("processor", no_wrap=True)
    table.add_column("protocol", no_wrap=True)
    for heading in ("ms", "RTF", "metric", "mean", "± sd", "worst", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        name = line["processor"] + (f" {line['settings']}" if line["settings"] else "")
        latency = line["latency_ms"]
        for metric, value in line.items():
            if not isinstance(value, dict) or metric in hidden:
                continue
            table.add_row(
                name,
                line["protocol"],
                "file" if latency is None else f"{latency:.1f}",
                f"{line['rtf']:.4f}",
                metric.removesuffix("_db"),
                f"{value['mean']:.2f}",
                f"{value['sd']:.2f}",
                f"{value['worst']:.2f}",
                str(value["files"]),
            )
    Console().print(table)
