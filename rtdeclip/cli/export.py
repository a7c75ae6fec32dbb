"""``rtdeclip export``: a checkpoint as a model the streams can run."""

from pathlib import Path

import typer


def export(
    checkpoint: Path = typer.Argument(help="File that rtdeclip train wrote."),
    out: Path | None = typer.Option(
        None, "--out", help="Model folder; default: models/NAME beside the checkpoint."
    ),
    data: Path | None = typer.Option(
        None, "--data", help="Folder whose test sets fill the card's scores."
    ),
    sets: list[str] = typer.Option(
        ["test/speech"], "--set", help="Folders of clean files below --data."
    ),
    summary: str = typer.Option("", "--summary", help="One line for the listings."),
    licence: str = typer.Option("", "--licence", help="Of the weights."),
    note: str = typer.Option(
        "", "--note", help="What it is for, if not for daily use."
    ),
    weights: list[str] = typer.Option(
        [],
        "--weights",
        help="Number formats: int8, fp16, fp32, the first is the default; repeatable. "
        "Default: int8 and fp32 of a network that streams, fp16 of others.",
    ),
    source: list[str] = typer.Option(
        [], "--source", help="Training data and its licence, for the card; repeatable."
    ),
) -> None:
    """Write a model folder: ONNX graphs and the card.

    Needs the extra: pip install "rtdeclip\\[train]"

    [bold]Examples[/bold]

    rtdeclip export runs/my-voice/last.ckpt

    rtdeclip export runs/my-voice/last.ckpt --data my/data --set test --licence CC0
    """
    from rtdeclip.benchmarks.models import measured
    from rtdeclip.training.command import write_model

    card = write_model(checkpoint, out, summary, licence, source, note, weights)
    if data:
        from rtdeclip.training.export import write_card

        card = measured(card, data, sets, typer.echo)
        write_card(card)
    files = ", ".join(weights.file for weights in card.weights.values())
    typer.echo(f"{card.folder}: {files}, card.toml")
    if card.kind == "step":
        typer.echo(f"Try: rtdeclip file -p model --set model={card.folder} FILE")
    else:
        found = f"RTDECLIP_MODELS={card.folder.parent}"
        typer.echo(f"Try: {found} rtdeclip file -p {card.name} FILE")
