"""``rtdeclip virtual-mic``: a microphone that other programs hear rtdeclip through."""

import json

import typer

virtual_mic = typer.Typer(
    help="A virtual microphone for calls and recordings (PulseAudio, PipeWire).",
    no_args_is_help=True,
)


def _status(as_json: bool) -> None:
    from rtdeclip.live import virtual_mic as mic

    there = len(mic.modules()) == 2
    if as_json:
        row = {"exists": there, "sink": mic.SINK, "source": mic.SOURCE}
        typer.echo(json.dumps(row))
    elif there:
        typer.echo(
            f"The microphone {mic.SOURCE!r} exists. Play to it: "
            f"rtdeclip live --out pulse:{mic.SINK}"
        )
    else:
        typer.echo("There is no virtual microphone. Type: rtdeclip virtual-mic create")


@virtual_mic.command()
def create(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Make the microphone; it stays until it is removed or the server ends."""
    from rtdeclip.live.virtual_mic import VirtualMicrophone

    VirtualMicrophone.create()
    _status(as_json)


@virtual_mic.command()
def remove(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Remove the microphone and whatever a crash has left of it."""
    from rtdeclip.live import virtual_mic as mic

    mic.remove()
    _status(as_json)


@virtual_mic.command()
def status(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """Is there one, and how to use it."""
    _status(as_json)
