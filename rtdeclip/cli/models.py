"""``rtdeclip models``: which networks there are, and whether their cards tell true."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rtdeclip.processors.model_card import Card

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
    table.add_column("name", style="bold", no_wrap=True)
    for heading in ("rate", "hop + latency", "ΔSDR"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("what it is")
    for folder, card in model_cards():
        if isinstance(card, ModelError):
            table.add_row(folder.name, "", "", "", f"cannot be used: {card}")
        else:
            table.add_row(*_facts(card))
    Console().print(table)
    typer.echo("ΔSDR in dB as the card states it: clipped at 0.2 of the peak, mean.")


def _facts(card: "Card") -> tuple[str, ...]:
    """One row of the list."""
    ms = 1e3 * (card.hop + card.latency_samples) / card.sample_rate
    late = f"{ms:g} ms" if card.kind == "step" else "whole file"
    late += f" + {card.estimate.processor}" if card.estimate else ""
    means = [score.mean_db for score in card.scores if score.fraction == 0.2]
    gain = f"{means[0]:.1f}" if means else ""
    note = f" ({card.note})" if card.note else ""
    rate = f"{card.sample_rate / 1000:g} kHz"
    return card.name, rate, late, gain, card.summary + note


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
        level = f"level {stated.fraction:g} of the peak"
        if stated.input_sdr_db:
            level = f"clipped to {stated.input_sdr_db:g} dB"
        level = stated.protocol or level
        typer.echo(
            f"{stated.set}, {level}, {stated.weights}"
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
