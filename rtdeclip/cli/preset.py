"""``rtdeclip preset``: chains kept by name, shared by all commands."""

from typing import TYPE_CHECKING, Any

import typer

from rtdeclip.cli import _chain

if TYPE_CHECKING:
    from rtdeclip.files.presets import Preset

preset = typer.Typer(
    name="preset",
    help="Save, list, show and remove chains of effects, processor and headroom.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@preset.command()
def save(
    name: str = typer.Argument(metavar="NAME", help="Letters, digits, - and _."),
    processor: str | None = _chain.PROCESSOR,
    settings: list[str] = _chain.SETTINGS,
    pre: list[str] = _chain.PRE,
    post: list[str] = _chain.POST,
    output: str | None = _chain.OUTPUT,
    ceiling_db: float | None = _chain.CEILING,
    live_gain_db: float = typer.Option(
        -6.0, "--live-gain-db", help="Constant gain of live sound, dB."
    ),
    wet: float | None = _chain.WET,
    summary: str = typer.Option("", "--summary", help="One line for the list."),
    replace: bool = typer.Option(False, "--replace", help="Overwrite."),
) -> None:
    """Keep a chain under a name.

    [bold]Examples[/bold]

    rtdeclip preset save tape -p cubic --post highpass:corner_hz=30

    rtdeclip preset save loud --output limit --ceiling-db -0.5 --replace
    """
    from rtdeclip.files.chain import Chain
    from rtdeclip.files.presets import preset_from_chain, save_preset

    chain = _chain.make_chain(
        Chain(),
        processor=processor,
        settings=settings,
        pre=pre,
        post=post,
        output=output,
        ceiling_db=ceiling_db,
        wet=wet,
    )
    made = preset_from_chain(name, chain, summary, live_gain_db)
    path = save_preset(made, replace=replace)
    typer.echo(f"{name} is kept in {path}; use it: rtdeclip file … --preset {name}")


@preset.command(name="list")
def list_(
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """List the presets.

    [bold]Examples[/bold]

    rtdeclip preset list
    """
    from rtdeclip.files.presets import list_presets

    found = list_presets()
    if as_json:
        rows = [
            listing.preset.model_dump()
            if listing.preset
            else {"name": listing.name, "error": listing.reason}
            for listing in found
        ]
        _print_json(rows)
        return
    for listing in found:
        typer.echo(f"{listing.name}  {_line(listing.preset) or listing.reason}")
    if not found:
        typer.echo("no presets yet; make one: rtdeclip preset save NAME …")


@preset.command()
def show(
    name: str = typer.Argument(metavar="NAME", help="Or the path of a .toml file."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Print one preset as its TOML file.

    [bold]Examples[/bold]

    rtdeclip preset show tape
    """
    from rtdeclip.files.presets import load_preset, to_toml

    found = load_preset(name)
    if as_json:
        _print_json([found.model_dump()])
    else:
        typer.echo(to_toml(found), nl=False)


@preset.command()
def remove(name: str = typer.Argument(metavar="NAME")) -> None:
    """Delete a preset.

    [bold]Examples[/bold]

    rtdeclip preset remove tape
    """
    from rtdeclip.files.presets import remove_preset

    remove_preset(name)
    typer.echo(f"{name} is removed")


def _line(found: "Preset | None") -> str:
    if found is None:
        return ""
    effects = [slot.effect for slot in found.pre]
    chain = [*effects, found.processor, *(slot.effect for slot in found.post)]
    return f"{' → '.join(chain)}  {found.summary}".rstrip()


def _print_json(rows: list[dict[str, Any]]) -> None:
    import json

    typer.echo(json.dumps(rows, indent=2))
