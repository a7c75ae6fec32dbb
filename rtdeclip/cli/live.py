"""``rtdeclip live``: microphone in, restored sound out."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rtdeclip.cli import _chain

if TYPE_CHECKING:
    from rtdeclip.live.config import Clocks, LiveConfig
    from rtdeclip.live.recorder import Recorder, Take


def live(
    source: str = typer.Option(
        "default", "--in", help="Input: name, part of it, index, pulse:NAME or a file."
    ),
    sink: str = typer.Option(
        "default", "--out", help="Output: name, part of it, index or pulse:NAME."
    ),
    virtual_mic: bool = typer.Option(
        False, "--virtual-mic", help="Make a microphone for other programs; play there."
    ),
    processor: str | None = _chain.PROCESSOR,
    settings: list[str] = _chain.SETTINGS,
    pre: list[str] = _chain.PRE,
    post: list[str] = _chain.POST,
    wet: float | None = _chain.WET,
    preset: str | None = typer.Option(None, "--preset", help="A saved chain."),
    block: int = typer.Option(256, "--block", help="Samples per callback."),
    rate: int | None = typer.Option(None, "--rate", help="Hz; else the device's own."),
    channels: int | None = typer.Option(None, "--channels", help="1 or 2 by default."),
    max_latency: float | None = typer.Option(
        None,
        "--max-latency",
        help="Ms of delay auto may add (36): more lets better methods in. With "
        "another processor: kept free, so that a slower one can be switched to.",
    ),
    headroom: str = typer.Option(
        "limit", "--headroom", help="limit: −6 dB and the −1 dBFS ceiling; off: none."
    ),
    gain_db: float | None = typer.Option(
        None, "--gain-db", help="Constant gain of limit, −6 by default."
    ),
    record: Path | None = typer.Option(
        None, "--record", help="Record NAME.dry.wav and NAME.wet.wav."
    ),
    restore_on_stop: bool = typer.Option(
        False, "--restore-on-stop", help="At the end restore the take again, offline."
    ),
    duration: float | None = typer.Option(
        None, "--duration", help="Seconds, then end."
    ),
    monitor_speakers: bool = typer.Option(
        False,
        "--monitor-speakers",
        help="Allow default microphone to default speakers.",
    ),
    measure_latency: bool = typer.Option(
        False, "--measure-latency", help="Time a loop from output to input, then end."
    ),
    linked: bool = typer.Option(
        False, "--linked", help="A clip level found in one channel holds in all."
    ),
    clocks: str = typer.Option(
        "auto", "--clocks", help="one, two: do input and output keep one time?"
    ),
    bypass: bool = typer.Option(False, "--bypass", help="Start bypassed."),
    python_callback: bool = typer.Option(
        False, "--python-callback", help="Do without the compiled callback (slower)."
    ),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Show nothing."),
    as_json: bool = typer.Option(False, "--json", help="JSON lines, ten a second."),
) -> None:
    """Clean a live sound: microphone in, restored sound out.

    Nothing leaves the machine. Use headphones, or --virtual-mic to be heard in calls.

    [bold]Examples[/bold]

    rtdeclip live --in "USB" --out headphones

    rtdeclip live --virtual-mic --record talk.wav

    rtdeclip live --in take.wav --out headphones
    """
    from rtdeclip.cli._live_options import chain_options
    from rtdeclip.errors import SettingError
    from rtdeclip.live.config import LiveConfig

    if restore_on_stop and record is None:
        raise SettingError("--restore-on-stop needs a recording: add --record FILE.")
    is_file = Path(source).is_file()
    chosen: dict[str, Any] = chain_options(
        preset, processor, settings, pre, post, wet, headroom, gain_db
    )
    config = LiveConfig(
        input=source,
        output=sink,
        file=str(Path(source).resolve()) if is_file else "",
        sample_rate=rate,
        block=block,
        channels=channels,
        max_latency_ms=max_latency,
        duration_s=duration,
        monitor_speakers=monitor_speakers,
        python_callback=python_callback,
        linked=linked,
        clocks=_clocks(clocks),
        purpose="measure" if measure_latency else "sound",
        **chosen,
    )
    config.parameters["bypass"] = float(bypass)
    if measure_latency:
        _measure(config, as_json)
        return
    recorder = None
    if record is not None:
        from rtdeclip.live.recorder import Recorder

        recorder = Recorder(record)
    code = _run(config, virtual_mic, recorder, is_file, as_json, quiet)
    if recorder is not None:
        take = recorder.stop()
        _tell_take(take, as_json, quiet)
        if restore_on_stop and take.n_samples:
            _restore(take, as_json, quiet)
    raise typer.Exit(code)


def _clocks(word: str) -> "Clocks":
    from rtdeclip.errors import SettingError

    known: dict[str, Clocks] = {"auto": "auto", "one": "one", "two": "two"}
    if word not in known:
        raise SettingError(f"--clocks {word}: give auto, one or two.")
    return known[word]


def _run(
    config: "LiveConfig",
    virtual_mic: bool,
    recorder: "Recorder | None",
    is_file: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from rtdeclip.cli._session import run_session
    from rtdeclip.live.supervisor import Supervisor
    from rtdeclip.live.virtual_mic import VirtualMicrophone

    microphone = VirtualMicrophone.create() if virtual_mic else None
    if microphone:
        config = replace(config, output=microphone.sink, monitor_speakers=True)
        if not (as_json or quiet):
            typer.echo(
                f"Choose the microphone {microphone.source!r} in other programs."
            )
    try:
        return run_session(
            Supervisor(config, recorder=recorder),
            as_json=as_json,
            quiet=quiet,
            seekable=is_file,
            recording=recorder.wet_path.name if recorder else "",
        )
    finally:
        if microphone:
            microphone.remove()


def _measure(config: "LiveConfig", as_json: bool) -> None:
    """Prints the measured round trip beside the stated one."""
    from rtdeclip.errors import DeviceError
    from rtdeclip.live.supervisor import Supervisor

    session = Supervisor(config)
    session.start()
    try:
        session.wait_until_running(30.0)
        while session.state == "running":
            session.poll()
            time.sleep(0.02)
    finally:
        session.stop()
    stated, rate = session.info["latency_samples"], session.info["sample_rate"]
    trip: dict[str, Any] = session.summary.get("round_trip", {"samples": -1})
    row = {
        "measured_samples": trip["samples"],
        "stated_samples": stated,
        "difference_samples": trip["samples"] - stated,
        "sample_rate": rate,
        **{k: v for k, v in trip.items() if k != "samples"},
    }
    if trip["samples"] < 0:
        raise DeviceError(
            "The sequence did not come back to the input. Connect the output to the "
            "input (a cable), turn both up, and type the command again."
        )
    if as_json:
        typer.echo(json.dumps(row))
        return
    typer.echo(
        f"Round trip measured {1e3 * trip['samples'] / rate:.2f} ms "
        f"({trip['samples']} samples), stated {1e3 * stated / rate:.2f} ms "
        f"({stated}); difference {row['difference_samples']} samples"
    )


def _restore(take: "Take", as_json: bool, quiet: bool) -> None:
    """The dry take once more, with the processor that files get."""
    from rtdeclip.files.chain import Chain
    from rtdeclip.files.restore import restore_file

    target = take.dry.with_name(take.dry.name.replace(".dry.wav", ".restored.wav"))
    row = restore_file(str(take.dry), str(target), Chain()).row()
    target.chmod(0o600)  # recordings are private
    if as_json:
        typer.echo(json.dumps({"event": "restored", **row}))
    elif not quiet:
        typer.echo(f"Restored {target}")


def _tell_take(take: "Take", as_json: bool, quiet: bool) -> None:
    if as_json:
        shown = {
            "event": "recorded",
            "dry": str(take.dry),
            "wet": str(take.wet),
            "n_samples": take.n_samples,
            "lost_samples": take.lost_samples,
            "error": take.error,
        }
        typer.echo(json.dumps(shown))
    elif not quiet or take.error:
        note = f"; {take.error}" if take.error else ""
        lost = f", {take.lost_samples} samples lost" if take.lost_samples else ""
        typer.echo(f"Recorded {take.dry} and {take.wet}{lost}{note}")
