"""The ``rtdeclip`` command: which subcommands there are, and what errors look like.

Exit codes: 0 done; 1 it failed, the reason is on stderr; 2 wrong usage; 130 stopped
with ctrl-C.
"""

import sys
from importlib import import_module

import typer

from rtdeclip.errors import RtdeclipError

# Panel of the help page → commands; each is `rtdeclip.cli.<module>:<name>`, a function
# or a Typer app. The modules import their heavy parts when they run.
COMMANDS: dict[str, tuple[str, ...]] = {
    "Restore files": ("file", "scan", "preset", "demo"),
    "Live sound": ("live", "play", "monitor", "devices", "doctor", "virtual-mic"),
    "Measure": ("bench", "score", "clip"),
    "Networks": ("models", "train", "export"),
    "Look around": ("processors", "warmup"),
}

app = typer.Typer(
    name="rtdeclip",
    help="Real-time audio declipping: files, live sound, benchmarks.",
    epilog="Start with: rtdeclip demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"rtdeclip {version('rtdeclip')}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Real-time audio declipping: files, live sound, benchmarks."""


def _register() -> None:
    for panel, names in COMMANDS.items():
        for name in names:
            module = name.replace("-", "_")
            command = getattr(import_module(f"rtdeclip.cli.{module}"), module)
            if isinstance(command, typer.Typer):
                app.add_typer(command, name=name, rich_help_panel=panel)
            else:
                app.command(name, rich_help_panel=panel)(command)


_register()


def main() -> None:
    """Runs the command line; a known error is one sentence on stderr, exit code 1."""
    try:
        app()
    except RtdeclipError as error:
        typer.echo(f"rtdeclip: {error}", err=True)
        sys.exit(1)
