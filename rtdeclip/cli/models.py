"""``rtdeclip models``: which networks there are, and whether their cards tell true."""

from pathlib import Path

import typer

models = typer.Typer(help="List, show and verify networks.", no_args_is_help=True)


@models.command("list")
def list_models() -> None:
    """List every model found, and why one cannot be used.

    [bold]Example[/bold]

    rtdeclip models list
    """
    from rich.console import Console
    from rich.table import Table

    from rtdeclip.errors import ModelError
    from rtdeclip.processors.model_card import model_cards

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "rate", "hop + latency", "summary", "folder"):
        table.add_column(heading, overflow="fold")
    for folder, card in model_cards():
        if isinstance(card, ModelError):
            table.add_row(folder.name, "", "", f"cannot be used: {card}", str(folder))
            continue
        ms = 1e3 * (card.hop + card.latency_samples) / card.sample_rate
        late = f"{ms:g} ms" if card.kind == "step" else "whole signal"
        late += f" + {card.estimate.processor}" if card.estimate else ""
        rate = f"{card.sample_rate} Hz"
        table.add_row(card.name, rate, late, card.summary, str(folder))
    Console().print(table)


@models.command()
def show(name: str = typer.Argument(help="Name or folder of a model.")) -> None:
    """Print a model's card: data, licence, settings of the training, scores.

    [bold]Example[/bold]

    rtdeclip models show demucs-speech-16k
    """
    from rtdeclip.processors.model_card import CARD, find_card

    card = find_card(name)
    typer.echo(f"# {card.folder / CARD}")
    typer.echo((card.folder / CARD).read_text("utf-8"))


@models.command()
def verify(
    name: str = typer.Argument(help="Name or folder of a model."),
    data: Path = typer.Option(
        ..., "--data", envvar="RTDECLIP_DATA", help="Folder the card's sets lie in."
    ),
) -> None:
    """Check a model's files and measure every number of its card again.

    Exit code 1 if a number differs by more than 0.05 dB.

    [bold]Example[/bold]

    rtdeclip models verify demucs-speech-16k --data ../shared/data
    """
    from rtdeclip.benchmarks.models import TOLERANCE_DB, verify
    from rtdeclip.processors.model_card import Score, find_card

    card = find_card(name)
    for precision in card.weights:
        typer.echo(f"{card.path(precision)}: sha256 as the card says")

    def tell(stated: Score, found: Score) -> None:
        window = f", window {stated.window_ms:g} ms" if stated.window_ms else ""
        typer.echo(
            f"{stated.set}, level {stated.fraction:g} of the peak, {stated.weights}"
            f"{window}: ΔSDR mean {found.mean_db:.2f} dB (card {stated.mean_db:.2f}), "
            f"worst file {found.worst_db:.2f} dB (card {stated.worst_db:.2f})"
        )

    differing = verify(card, data, tell)
    if differing:
        typer.echo(
            f"{len(differing)} of {len(card.scores)} numbers differ by more than "
            f"{TOLERANCE_DB} dB.",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(f"All {len(card.scores)} rows as the card says.")
