"""``rtdeclip devices``: what can be named after --in and --out."""

import json

import typer


def devices(as_json: bool = typer.Option(False, "--json", help="Print JSON.")) -> None:
    """List sound devices, and the sound server's sinks and sources.

    [bold]Examples[/bold]

    rtdeclip devices

    rtdeclip live --in "USB" --out pulse:alsa_output.pci-0000_00_1f.3.analog-stereo
    """
    from dataclasses import asdict

    from rtdeclip.live.devices import PULSE, list_devices

    found = list_devices()
    if as_json:
        typer.echo(json.dumps([asdict(d) for d in found]))
        return
    if not found:
        typer.echo("There are no sound devices. See what is missing: rtdeclip doctor")
    for d in found:
        mark = ("i" if d.default_input else " ") + ("o" if d.default_output else " ")
        name = d.name if d.index >= 0 else PULSE + d.name
        number = f"{d.index:3}" if d.index >= 0 else "   "
        typer.echo(
            f"{number} {mark} {name}\n        {d.system}, {d.inputs} in, "
            f"{d.outputs} out, {d.sample_rate} Hz"
        )
