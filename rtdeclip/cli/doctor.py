"""``rtdeclip doctor``: is this machine fit for live sound, and what would help."""

import json

import typer


def doctor(
    seconds: float = typer.Option(3.0, "--seconds", help="Length of the wake-up test."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Look at everything live sound needs; say what to type where it is missing.

    Exit code 1 if no live sound is possible.

    [bold]Examples[/bold]

    rtdeclip doctor

    rtdeclip doctor --json
    """
    from dataclasses import asdict

    from rtdeclip.live.doctor import examine

    marks = {"good": "ok  ", "fair": "fair", "bad": "BAD "}
    rows = []
    for finding in examine(seconds):
        rows.append(asdict(finding))
        if not as_json:
            typer.echo(f"{marks[finding.level]}  {finding.name}: {finding.found}")
            if finding.mend:
                typer.echo(f"      type: {finding.mend}")
    if as_json:
        typer.echo(json.dumps(rows))
    raise typer.Exit(int(any(row["level"] == "bad" for row in rows)))
