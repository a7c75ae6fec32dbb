"""``rtdeclip demo``: hear and see what declipping does, without a device or a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.benchmarks.demo import Result, Take


def demo(
    out: Path = typer.Option(Path("demo"), "--out", help="Folder for the results."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Clip synthesised audio, restore it with every processor, measure each.

    Writes WAV files (32-bit float: restored peaks pass full scale) and a picture.

    [bold]Examples[/bold]

    rtdeclip demo

    rtdeclip demo --out /tmp/demo --json
    """
    from rtdeclip.benchmarks.demo import results, takes

    out.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for take in takes():
        _write(out / f"{take.name}-clean.wav", take, take.clean)
        _write(out / f"{take.name}-clipped.wav", take, take.clipped)
        best: Result | None = None
        for result in results(take):
            name = f"{take.name}-{result.method.name}.wav"
            _write(out / name, take, result.restored)
            rows.append(_row(take, result))
            if not as_json:
                typer.echo(f"  {take.name}: {result.method.name}", err=True)
            if best is None or result.delta_sdr_db > best.delta_sdr_db:
                best = result
        if best:
            _draw(out / f"{take.name}.png", take, best)
    _report(rows, out, as_json)


def _write(path: Path, take: "Take", x: Any) -> None:
    import os

    import soundfile

    part = path.with_name(path.name + ".part")
    soundfile.write(part, x, take.sample_rate, subtype="FLOAT", format="WAV")
    os.replace(part, path)


def _row(take: "Take", result: "Result") -> dict[str, Any]:
    return {
        "audio": take.name,
        "sample_rate": take.sample_rate,
        "processor": result.method.name,
        "input_sdr_db": round(take.input_sdr_db, 2),
        "delta_sdr_db": round(result.delta_sdr_db, 2),
        "rtf": result.rtf,
        "latency_ms": result.latency_ms,
    }


def _draw(path: Path, take: "Take", best: "Result") -> None:
    from rtdeclip.benchmarks.demo import picture_window
    from rtdeclip.benchmarks.picture import draw_restoration

    draw_restoration(
        path,
        f"{take.name}: {best.method.name}, ΔSDR {best.delta_sdr_db:+.1f} dB",
        take.sample_rate,
        take.clipped,
        best.restored,
        picture_window(take),
        take.clean,
    )


def _report(rows: list[dict[str, Any]], out: Path, as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps({"folder": str(out), "results": rows}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("audio", "processor"):
        table.add_column(heading, no_wrap=True)
    for heading in ("SDR in", "ΔSDR dB", "latency", "RTF"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        latency = row["latency_ms"]
        table.add_row(
            row["audio"],
            row["processor"],
            f"{row['input_sdr_db']:.1f}",
            f"{row['delta_sdr_db']:+.2f}",
            "whole file" if latency is None else f"{latency:.1f} ms",
            f"{row['rtf']:.4f}",
        )
    console = Console()
    console.print(table)
    console.print(f"\nListen and look: [bold]{out}/[/bold]  (*.wav, *.png)")
    console.print(
        "RTF = processing time / audio time; below 1 keeps up with live sound."
    )
