"""``rtdeclip play``: hear a file restored, and A/B it with the clipped one."""

from pathlib import Path
from typing import Any

import typer

from rtdeclip.cli import _chain


def play(
    file: Path = typer.Argument(help="Any sound file; it is streamed."),
    sink: str = typer.Option("default", "--out", help="Output device, as for live."),
    loop: bool = typer.Option(False, "--loop", help="Again and again."),
    start: float = typer.Option(0.0, "--start", help="Seconds into the file."),
    processor: str | None = _chain.PROCESSOR,
    settings: list[str] = _chain.SETTINGS,
    pre: list[str] = _chain.PRE,
    post: list[str] = _chain.POST,
    wet: float | None = _chain.WET,
    preset: str | None = typer.Option(None, "--preset", help="A saved chain."),
    block: int = typer.Option(512, "--block", help="Samples per callback."),
    headroom: str = typer.Option(
        "limit", "--headroom", help="limit: −6 dB and the −1 dBFS ceiling; off: none."
    ),
    duration: float | None = typer.Option(
        None, "--duration", help="Seconds, then end."
    ),
    bypass: bool = typer.Option(False, "--bypass", help="Start bypassed."),
    no_scan: bool = typer.Option(
        False, "--no-scan", help="Find clip levels as it plays, not before."
    ),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show nothing."),
    as_json: bool = typer.Option(False, "--json", help="JSON lines, ten a second."),
) -> None:
    """Play a file through the declipper.

    Key b switches between restored and clipped at the same place and level;
    the arrows seek by 5 s, space pauses.

    [bold]Examples[/bold]

    rtdeclip play take.wav

    rtdeclip play song.flac --start 60 --loop --processor cubic
    """
    from rtdeclip.cli._live_options import chain_options
    from rtdeclip.cli._session import run_session
    from rtdeclip.errors import FileError
    from rtdeclip.live.config import LiveConfig
    from rtdeclip.live.supervisor import Supervisor

    if not file.is_file():
        raise FileError(f"{file} is not there. Give the name of a sound file.")
    chosen: dict[str, Any] = chain_options(
        preset, processor, settings, pre, post, wet, headroom, None
    )
    config = LiveConfig(
        output=sink,
        file=str(file.resolve()),
        loop=loop,
        start_s=start,
        block=block,
        duration_s=duration,
        scan=not no_scan,
        **chosen,
    )
    config.parameters["bypass"] = float(bypass)
    code = run_session(Supervisor(config), as_json=as_json, quiet=quiet, seekable=True)
    raise typer.Exit(code)
