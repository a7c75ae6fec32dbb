"""``rtdeclip bench live``, ``live-start`` and ``live-cost``."""

import json
from typing import Any

import typer

_COLUMNS = (
    ("variant", 27),
    ("block", 5),
    ("hog", 6),
    ("callbacks", 10),
    ("flags", 6),
    ("own_underruns", 5),
    ("late_hops", 5),
    ("bad_blocks", 6),
    ("breaks", 6),
    ("rtt_samples", 7),
    ("stated_samples", 7),
    ("wake_p99_us", 7),
    ("machine_stalls", 7),
)
_HEADS = ("variant", "block", "hog", "callbacks", "flags", "own", "late", "bad",
          "breaks", "rtt", "stated", "wake99", "stalls")  # fmt: skip


def live(
    seconds: float = typer.Option(10.0, "--seconds", help="Per row."),
    block: str = typer.Option("256", "--block", help="Samples, e.g. 128,256,512."),
    hog: bool = typer.Option(False, "--hog", help="Also beside a busy Python thread."),
    only_hog: bool = typer.Option(False, "--only-hog", help="Only beside it."),
    processor: str = typer.Option("cubic", "--processor", help="What restores."),
    variant: list[str] = typer.Option([], "--variant", help="Only this; repeatable."),
    ordinary: bool = typer.Option(
        False, "--ordinary", help="Without real-time scheduling of the worker."
    ),
    soak: float | None = typer.Option(
        None, "--soak", help="Instead: so many hours by the simulated clock."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Glitches of the live engine beside simpler ways, on a dummy JACK device.

    own: positions the engine failed to fill although the device kept its time;
    late: hops played dry; bad: blocks that came back wrong or at another time; breaks:
    runs of them; stalls: times the machine itself stood still for a block. Compare
    rows of one run only.

    [bold]Examples[/bold]

    rtdeclip bench live --hog

    rtdeclip bench live --seconds 600 --block 128,256,512 --only-hog --json
    """
    from rtdeclip.benchmarks import live as bench
    from rtdeclip.errors import SettingError

    if soak is not None:
        found = bench.as_dict(bench.soak(soak, processor=processor))
        typer.echo(json.dumps(found, indent=None if as_json else 2))
        return
    if unknown := [v for v in variant if v not in bench.VARIANTS]:
        raise SettingError(
            f"--variant {unknown[0]}: give one of {', '.join(bench.VARIANTS)}."
        )
    try:
        blocks = [int(b) for b in block.split(",")]
    except ValueError as error:
        raise SettingError(f"--block {block}: give numbers, e.g. 256,512.") from error
    rows = []
    if not as_json:
        _print(dict(zip((name for name, _ in _COLUMNS), _HEADS, strict=True)))
    for row in bench.run(
        blocks,
        seconds,
        (True,) if only_hog else ((False, True) if hog else (False,)),
        processor,
        variant or bench.VARIANTS,
        priority=0 if ordinary else 60,
    ):
        rows.append(bench.as_dict(row))
        if not as_json:
            _print(rows[-1])
    if as_json:
        typer.echo(json.dumps(rows))


def live_start(
    processor: str = typer.Option("auto", "--processor", help="What is asked for."),
    case: list[str] = typer.Option(
        [], "--case", help="warm, cold or returned; repeatable, all by default."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Seconds until there is sound: warm, with no kernel compiled, after a lost server.

    sound: the first sound; whole: the processor asked for runs (on a first start
    cubic stands in for auto).

    [bold]Examples[/bold]

    rtdeclip bench live-start

    rtdeclip bench live-start --case warm --processor cubic --json
    """
    from rtdeclip.benchmarks.live_start import CASES, run
    from rtdeclip.errors import SettingError

    if unknown := [c for c in case if c not in CASES]:
        raise SettingError(f"--case {unknown[0]}: give one of {', '.join(CASES)}.")
    rows = []
    for row in run(processor, case or CASES):
        rows.append(row.as_dict())
        if not as_json:
            typer.echo(
                f"{row.case:9s} sound {row.sound_s:6.2f} s ({row.began_with}), "
                f"whole {row.whole_s:6.2f} s, audio process {row.cpu_s:6.2f} s of CPU"
            )
    if as_json:
        typer.echo(json.dumps(rows))


def live_cost(
    seconds: float = typer.Option(30.0, "--seconds", help="Measured."),
    processor: str = typer.Option("bypass", "--processor", help="What runs."),
    block: int = typer.Option(256, "--block", help="Samples per callback."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """CPU and memory of `rtdeclip live` and of its terminal view, 48 kHz stereo.

    [bold]Examples[/bold]

    rtdeclip bench live-cost

    rtdeclip bench live-cost --seconds 600 --processor auto --json
    """
    from rtdeclip.benchmarks.live_cost import measure

    row = measure(seconds, processor, block)
    if as_json:
        typer.echo(json.dumps(row.as_dict()))
        return
    typer.echo(
        f"{row.processor}, {row.n_channels} channels, block {row.block}: audio process "
        f"{100 * row.audio_share:.1f} % of a core, terminal view "
        f"{100 * row.view_share:.1f} %\nwake-up p50 {row.wake_p50_us:.0f} µs, "
        f"p99 {row.wake_p99_us:.0f} µs; memory {row.audio_grown_kib:+d} KiB, view "
        f"{row.view_grown_kib:+d} KiB in {row.seconds:.0f} s"
    )


def _print(row: dict[str, Any]) -> None:
    def cell(name: str) -> str:
        value = row[name]
        if value is None:
            return "-"
        return f"{value:.0f}" if isinstance(value, float) else str(value)

    first = cell("variant").ljust(_COLUMNS[0][1])
    rest = "".join(cell(name).rjust(width) for name, width in _COLUMNS[1:])
    typer.echo(first + rest)
