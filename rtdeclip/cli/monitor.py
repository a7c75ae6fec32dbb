"""``rtdeclip monitor``: see the clipping and its repair, and steer it."""

from pathlib import Path

import typer


def monitor(
    file: Path | None = typer.Argument(None, help="An audio file to play."),
    demo: bool = typer.Option(False, "--demo", help="Embedded audio, no device."),
    attach: bool = typer.Option(
        False, "--attach", help="Look at a running live or play."
    ),
    engine: Path | None = typer.Option(
        None, "--engine", help="Attach to this telemetry file."
    ),
    theme: str | None = typer.Option(None, "--theme", help="dark, light or system."),
    size: str | None = typer.Option(None, "--size", help="WIDTHxHEIGHT in pixels."),
    view: str = typer.Option(
        "wave", "--view", help="wave, difference, spectrogram or bench."
    ),
    screenshot: Path | None = typer.Option(
        None, "--screenshot", help="Write a PNG of the window and end; needs no screen."
    ),
    seconds: float = typer.Option(
        4.0, "--seconds", min=0.0, max=600.0, help="Of sound before the screenshot."
    ),
) -> None:
    """Open the window: waveforms, clip levels, meters, load, and all switches.

    It runs beside the sound, in a process of its own, and cannot disturb it.

    [bold]Examples[/bold]

    rtdeclip monitor

    rtdeclip monitor clipped.wav

    rtdeclip monitor --attach

    rtdeclip monitor --demo --screenshot monitor.png --theme light --size 1100x640
    """
    from rtdeclip.monitor.app import Options, parse_size, run

    for given, allowed, option in (
        (theme or "dark", ("dark", "light", "system"), "--theme"),
        (view, ("wave", "difference", "spectrogram", "bench"), "--view"),
    ):
        if given not in allowed:
            raise typer.BadParameter(f"{option} {given}: give {' or '.join(allowed)}.")
    code = run(
        Options(
            demo=demo,
            attach=attach,
            engine=engine,
            file=file,
            screenshot=screenshot,
            theme=theme,
            size=parse_size(size) if size else None,
            seconds=seconds,
            view=view,
        )
    )
    raise typer.Exit(code)
