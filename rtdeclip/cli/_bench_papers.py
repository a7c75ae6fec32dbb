"""``rtdeclip bench papers``."""

from pathlib import Path

import typer


def papers(
    paper: list[str] = typer.Option(
        [], "--paper", help="0 to 4, survey or live; repeatable. Without it: all."
    ),
    data: Path | None = typer.Option(
        None,
        "--data",
        help="Clean recordings, best in DIR/speech and DIR/music (or these in "
        "DIR/test).",
    ),
    quick: bool = typer.Option(
        False, "--quick", help="A few short excerpts: all tables in minutes."
    ),
    figures: Path | None = typer.Option(None, "--figures", help="Write pictures here."),
    sqam: Path | None = typer.Option(
        None, "--sqam", help="Folder with the survey's ten SQAM excerpts."
    ),
    embedding: Path | None = typer.Option(
        None, "--embedding", help="ONNX model for FAD; yours to supply."
    ),
    log: Path | None = typer.Option(
        None, "--log", help="JSON lines; a run with the same log goes on from there."
    ),
    jobs: int = typer.Option(0, "--jobs", help="Processes; 0: one a core."),
    csv: Path | None = typer.Option(None, "--csv", help="Write every cell as CSV."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """The papers' tables and figures, our numbers beside the published ones.

    raw: a method's own output; cons.: with this project's consistency;
    oracle: knows the clean sound; input: nothing restored; paper: the
    published cell. A system that is not there yet is "not implemented".
    Without --data the sound is synthesised. All of it takes hours.

    [bold]Examples[/bold]

    rtdeclip bench papers --quick --data clean/ --figures figures/

    rtdeclip bench papers --paper 4 --paper survey --data clean/ --log run.jsonl
    """
    import os
    import sys

    from rtdeclip.benchmarks import machine
    from rtdeclip.benchmarks.papers import PAPERS, show
    from rtdeclip.benchmarks.papers.describe import Options
    from rtdeclip.benchmarks.papers.engine import measure

    if unknown := [name for name in paper if name not in PAPERS]:
        raise typer.BadParameter(
            f"--paper {unknown[0]}: choose {', '.join(PAPERS)}; without it, all."
        )
    options = Options(data, quick, sqam, embedding, jobs or os.cpu_count() or 1, log)
    tables = [table for name in paper or PAPERS for table in PAPERS[name]]

    watched = sys.stderr.isatty() and not as_json

    def tell(done: int, of: int) -> None:
        if watched:
            typer.echo(f"\r{done}/{of} ", err=True, nl=False)

    grids = measure(tables, options, tell)
    if csv:
        show.write_csv(csv, grids)
    drawn = []
    if figures:
        from rtdeclip.benchmarks.papers.figures import draw

        drawn = [str(path) for path in draw(figures, tables, grids, options)]
    facts = machine.describe()
    if as_json:
        import json

        rows = [show.as_dict(grid) for grid in grids]
        typer.echo(json.dumps({"machine": facts, "tables": rows, "figures": drawn}))
        return
    if watched:
        typer.echo("\r" + " " * 20 + "\r", err=True, nl=False)
    typer.echo("\n".join(show.document(grids)))
    told = f"{facts['cpu']}, {facts['cores']} cores, load {facts['load_1min']:.1f}"
    typer.echo(told + (f", commit {facts['commit']}" if facts["commit"] else ""))
    for path in drawn:
        typer.echo(path)
