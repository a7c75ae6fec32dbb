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

    from rtdeclip.errors import ModelError
    from rtdeclip.processors.model_card import Card, model_cards

    console = Console(highlight=False)
    found = list(model_cards())
    cards = [card for _, card in found if isinstance(card, Card)]
    daily = [card for card in cards if not card.note]
    others = [card for card in cards if card.note]
    for heading, members in (("For daily use", daily), ("For comparison", others)):
        if members:
            console.print(f"\n[bold cyan]{heading}[/bold cyan]")
        for card in members:
            console.print(f"[bold]{card.name:28}[/bold]{_facts(card)}")
            console.print(f"  [dim]{card.summary}[/dim]")
    for folder, fault in found:
        if isinstance(fault, ModelError):
            console.print(f"\n[yellow]{folder.name} cannot be used:[/yellow] {fault}")
    typer.echo("\nΔSDR as the card states it: clipped at 0.2 of the peak, mean.")


def _facts(card: "Card") -> str:
    """Rate, latency and gain of one model."""
    ms = 1e3 * (card.hop + card.latency_samples) / card.sample_rate
    late = f"{ms:.0f} ms" if card.kind == "step" else "whole file"
    late += f" + {card.estimate.processor}" if card.estimate else ""
    means = [score.mean_db for score in card.scores if score.fraction == 0.2]
    gain = f"ΔSDR {means[0]:4.1f} dB" if means else ""
    return f"{card.sample_rate / 1000:5g} kHz  {late:18}{gain}".rstrip()


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
