"""``rtdeclip processors``: what can be chosen, and what each needs."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.stream.registry import Listing


def processors(
    rate: int = typer.Option(48000, "--rate", help="Sample rate in Hz to show."),
    settings: bool = typer.Option(False, "--settings", help="List every setting too."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List processors, restorers and effects, with their latency.

    [bold]Examples[/bold]

    rtdeclip processors

    rtdeclip processors --rate 16000 --settings
    """
    from rtdeclip.stream.registry import listings

    found = [*listings("processors").values(), *listings("effects").values()]
    rows = [_row(listing, rate) for listing in found]
    if as_json:
        import json

        typer.echo(json.dumps(rows, indent=2))
    else:
        _print(rows, settings)


def _row(listing: "Listing", rate: int) -> dict[str, Any]:
    """One listing as plain data; latency is null for whole-signal methods."""
    row: dict[str, Any] = {"name": listing.name, "origin": listing.origin}
    method = listing.method
    if method is None:
        return row | {"kind": "broken", "reason": listing.reason}
    row |= {
        "kind": method.kind,
        "summary": method.summary,
        "scope": method.scope,
        "source": method.source,
        "note": method.note,
        "latency_samples": None,
        "hop": None,
        "latency_ms": None,
        "settings": [_setting(s) for s in method.settings],
    }
    if method.kind == "processor":
        row |= _latency(method, rate)
    return row


def _latency(method: Any, rate: int) -> dict[str, Any]:
    from rtdeclip.errors import RtdeclipError

    if method.rates and rate not in method.rates:
        return {"reason": f"works at {' or '.join(map(str, method.rates))} Hz"}
    try:
        made = method.build(rate)
    except RtdeclipError as error:
        return {"reason": str(error)}
    return {
        "latency_samples": made.latency_samples,
        "hop": made.hop,
        "latency_ms": 1e3 * (made.latency_samples + made.hop) / rate,
    }


def _setting(setting: Any) -> dict[str, Any]:
    names = ("name", "default", "unit", "low", "high", "choices", "applies", "summary")
    return {name: getattr(setting, name) for name in names}


def _print(rows: list[dict[str, Any]], settings: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False)
    table.add_column("name", style="bold", no_wrap=True)
    table.add_column("latency", justify="right", no_wrap=True)
    table.add_column("what it does")
    for row in rows:
        table.add_row(row["name"], _when(row), _what(row))
        for s in row.get("settings", []) if settings else []:
            table.add_row(f"  {s['name']}", "", f"[dim]{_range(s)}[/dim]")
    console.print(table)


def _when(row: dict[str, Any]) -> str:
    if row.get("latency_ms") is not None:
        return f"{row['latency_ms']:.1f} ms"
    return {"restorer": "whole file", "effect": "effect"}.get(row["kind"], "–")


def _what(row: dict[str, Any]) -> str:
    note = f" [italic]({row['note']})[/italic]" if row.get("note") else ""
    reason = f" [yellow]{row['reason']}[/yellow]" if row.get("reason") else ""
    return f"{row.get('summary', '')}{note}{reason}"


def _range(setting: dict[str, Any]) -> str:
    if setting["choices"]:
        allowed = " | ".join(setting["choices"])
    elif setting["low"] is not None:
        allowed = f"{setting['low']:g} … {setting['high']:g} {setting['unit']}"
    else:
        allowed = setting["unit"]
    return f"{setting['summary']}; {allowed}; default {setting['default']}"
