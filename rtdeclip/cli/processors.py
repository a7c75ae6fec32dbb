"""``rtdeclip processors``: what can be chosen, and what each needs."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.stream.registry import Listing

LIVE = "Live and files"
WHOLE = "Whole files"
COMPARISON = "For comparison: the papers' baselines, and experiments"
EFFECTS = "Effects, before or after (--pre, --post)"
BROKEN = "Cannot be used"
SECTIONS = (LIVE, WHOLE, COMPARISON, EFFECTS, BROKEN)


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
    """One listing as plain data; latency is null for whole-signal methods.

    It is that at ``rate``, or at the method's own rate if it has one.
    """
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
        "rates": list(method.rates),
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
        rate = method.rates[0]
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
    for heading in SECTIONS:
        members = [row for row in rows if _section(row) == heading]
        if not members:
            continue
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column("name", style="bold", no_wrap=True, min_width=18)
        table.add_column("latency", justify="right", no_wrap=True, min_width=8)
        table.add_column("what it does")
        for row in sorted(members, key=_order):
            table.add_row(row["name"], _when(row), _what(row))
            for s in row.get("settings", []) if settings else []:
                table.add_row(f"  {s['name']}", "", f"[dim]{_range(s)}[/dim]")
        console.print(f"\n[bold cyan]{heading}[/bold cyan]", highlight=False)
        console.print(table)


def _section(row: dict[str, Any]) -> str:
    if row["kind"] == "broken":
        return BROKEN
    if row["kind"] == "effect":
        return EFFECTS
    if row["note"]:
        return COMPARISON
    return LIVE if row["kind"] == "processor" else WHOLE


def _order(row: dict[str, Any]) -> tuple[float, str]:
    late = row.get("latency_ms")
    return (float("inf") if late is None else late, row["name"])


def _when(row: dict[str, Any]) -> str:
    late = row.get("latency_ms")
    return "" if late is None else f"{late:.1f} ms"


def _what(row: dict[str, Any]) -> str:
    if row["kind"] == "broken":
        return f"[yellow]{row['reason']}[/yellow]"
    rates = " or ".join(f"{rate / 1000:g}" for rate in row["rates"])
    only = f" [dim]({rates} kHz)[/dim]" if rates else ""
    known = "paper" in row["note"]  # the section's heading says it
    note = f" [italic]({row['note']})[/italic]" if row["note"] and not known else ""
    return f"{row['summary']}{only}{note}"


def _range(setting: dict[str, Any]) -> str:
    if setting["choices"]:
        allowed = " | ".join(setting["choices"])
    elif setting["low"] is not None:
        allowed = f"{setting['low']:g} … {setting['high']:g} {setting['unit']}"
    else:
        allowed = setting["unit"]
    return f"{setting['summary']}; {allowed}; default {setting['default']}"
