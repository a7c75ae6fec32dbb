"""The options that make a chain, shared by ``file`` and ``preset save``."""

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.files.chain import Chain

PROCESSOR = typer.Option(None, "--processor", "-p", help="See: rtdeclip processors.")
SETTINGS = typer.Option([], "--set", metavar="KEY=VALUE", help="Of the processor.")
PRE = typer.Option([], "--pre", metavar="EFFECT[:K=V,…]", help="Before declipping.")
POST = typer.Option([], "--post", metavar="EFFECT[:K=V,…]", help="After declipping.")
OUTPUT = typer.Option(
    None,
    "--output",
    metavar="float|fit|limit",
    help="Peaks above full scale: keep, lower all by a gain, or limit. "
    "Default: float; fit where the format holds integers or is lossy.",
)
CEILING = typer.Option(None, "--ceiling-db", help="For limit: dBFS, default −1.")
WET = typer.Option(None, "--wet", help="Share of the repair, 0 to 1.")
POLICIES = ("float", "fit", "limit")


def make_chain(
    base: "Chain",
    *,
    processor: str | None,
    settings: list[str],
    pre: list[str],
    post: list[str],
    output: str | None,
    ceiling_db: float | None,
    wet: float | None,
) -> "Chain":
    """``base`` with what was given on the command line in its place.

    Raises:
        typer.BadParameter: no such headroom.
        SettingError: a setting that is not ``key=value``.
    """
    from dataclasses import replace

    from rtdeclip.files.chain import parse_effect, parse_settings

    if output is not None and output not in POLICIES:
        raise typer.BadParameter(f"--output {output}: give float, fit or limit.")
    changes: dict[str, Any] = {}
    if processor is not None:
        # Another processor's settings would not fit.
        changes |= {"processor": processor, "settings": {}, "reason": "as chosen"}
    if settings:
        kept = changes.get("settings", base.settings)
        changes["settings"] = dict(kept) | parse_settings(settings)
    given = {"policy": output, "ceiling_db": ceiling_db, "wet": wet}
    changes |= {key: value for key, value in given.items() if value is not None}
    if pre:
        changes["pre"] = tuple(parse_effect(text) for text in pre)
    if post:
        changes["post"] = tuple(parse_effect(text) for text in post)
    return replace(base, **changes)
