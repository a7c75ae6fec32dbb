"""``rtdeclip bench``: what this machine can run live, and how well."""

from pathlib import Path
from typing import Any

import typer

from rtdeclip.cli._bench_live import live, live_cost, live_start
from rtdeclip.cli._bench_papers import papers

bench = typer.Typer(
    help="Measure speed and quality on this machine.", no_args_is_help=True
)
bench.command()(live)
bench.command("live-start")(live_start)
bench.command("live-cost")(live_cost)
bench.command()(papers)


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
    lines: bool = typer.Option(
        False, "--lines", help="Print a JSON line for each result as it comes."
    ),
) -> None:
    """Real-time factor per hop of every streaming processor.

    [bold]Examples[/bold]

    rtdeclip bench rtf

    rtdeclip bench rtf --processor cubic --hop 128 --hop 256 --json > before.json

    rtdeclip bench rtf --compare before.json
    """
    import json

    from rtdeclip.benchmarks import machine, report
    from rtdeclip.benchmarks.rtf import SEVERITIES, SPECIAL, grid, recommendation, run

    if full:
        rate, channels = [16000, 44100, 48000, 96000], [1, 2, 8]
        severity = [*SEVERITIES, *SPECIAL]
    facts = machine.describe()
    cases = grid(processor, rate, hop, channels, severity, mode, seconds)
    measured = []
    if lines:
        print(json.dumps({"machine": facts, "total": len(cases)}), flush=True)
    for row in run(cases):
        measured.append(row)
        if lines:
            print(json.dumps({"row": row.as_dict()}), flush=True)
        elif not as_json:
            done = f"{len(measured)}/{len(cases)}"
            typer.echo(f"\r{done} {row.processor:24s}", err=True, nl=False)
    if not (as_json or lines):
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
    if lines:
        print(json.dumps({"summary": summary}), flush=True)
    elif as_json:
        data = {"machine": facts, "rows": rows, "summary": summary}
        typer.echo(json.dumps(data | ({"ratios": compared} if compare else {})))
    else:
        _print(facts, rows, compared, summary)


@bench.command()
def quality(
    data: Path = typer.Option(..., "--data", help="Folder of clean recordings."),
    processor: list[str] = typer.Option(
        ["cubic", "aspade"], "--processor", help="Name or name:key=value,…; repeatable."
    ),
    protocol: list[str] = typer.Option(
        ["fraction=0.2"],
        "--protocol",
        help="fraction=0.2, sdr=7, level=0.3, gain=20, tanh=20, overdrive=20:20, "
        "noise=0.01, wet=0.5; joined by +; repeatable.",
    ),
    metrics: str = typer.Option("", "--metrics", help="More metrics, comma-separated."),
    levels: str = typer.Option(
        "known", "--levels", help="known: the true ones; found: by the scan."
    ),
    consistency: str = typer.Option("on", "--consistency", help="off: raw outputs."),
    limit: int = typer.Option(0, "--limit", help="Use only so many files; 0: all."),
    jobs: int = typer.Option(0, "--jobs", help="Processes; 0: one a core."),
    log: Path | None = typer.Option(
        None, "--log", help="JSON lines; a run with the same log goes on from there."
    ),
    worst: Path | None = typer.Option(
        None, "--worst", help="Write the audio of each row's worst file here."
    ),
    csv: Path | None = typer.Option(None, "--csv", help="Write every item as CSV."),
    png: Path | None = typer.Option(None, "--png", help="Write a picture."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Quality of processors on a folder of clean recordings.

    [bold]Examples[/bold]

    rtdeclip bench quality --data clean/

    rtdeclip bench quality --data clean/ --protocol sdr=3 --protocol sdr=7
    --processor aspade:window_ms=46 --metrics pesq,stoi --log run.jsonl
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
    ends = ("vs before",) if compared else ("max ms", "late")
    for heading in ("kHz", "ch", "ms", "case", "mode", "p50", "p99", *ends):
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
            f"{row['latency_ms']:.1f}",
            row["severity"],
            row["mode"],
            f"{row['rtf_p50']:.4f}",
            f"{row['rtf_p99']:.4f}",
        ]
        if compared:
            cells.append(against.get(key, "–"))
        else:
            cells += [f"{row['hop_ms_max']:.2f}", f"{row['late_hop_rate']:.1%}"]
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
