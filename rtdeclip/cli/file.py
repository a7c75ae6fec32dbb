"""``rtdeclip file``: clipped files in, restored files out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from rtdeclip.cli import _chain

if TYPE_CHECKING:
    from rtdeclip.cli._report import Reporter
    from rtdeclip.files.chain import Chain


def file(
    names: list[str] = typer.Argument(
        metavar="IN OUT | IN… --out DIR", help="Files or folders; - is WAV on a pipe."
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="DIR", help="Restore many into this folder."
    ),
    jobs: int = typer.Option(1, "--jobs", "-j", min=1, help="Files at a time."),
    resume: bool = typer.Option(
        False, "--resume", help="Skip what an earlier run finished."
    ),
    processor: str | None = _chain.PROCESSOR,
    settings: list[str] = _chain.SETTINGS,
    level: str = typer.Option(
        "auto", "--level", help="Clip level: 0.5, -6dB or HIGH,LOW; auto finds it."
    ),
    output: str | None = _chain.OUTPUT,
    ceiling_db: float | None = _chain.CEILING,
    repair_only: bool = typer.Option(
        False, "--repair-only", help="Write only what was added."
    ),
    wet: float | None = _chain.WET,
    pre: list[str] = _chain.PRE,
    post: list[str] = _chain.POST,
    preset: str | None = typer.Option(None, "--preset", help="A saved chain."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Only errors."),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Every level found."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: a row per file."),
) -> None:
    """Restore clipped files; the input is never touched.

    Levels are found in a first pass, then locked. The output is as long as
    the input and keeps restored peaks above full scale, as far as its format
    can hold them. A run that is stopped leaves OUT.partial.EXT, never half a
    file named OUT.

    [bold]Examples[/bold]

    rtdeclip file clipped.wav restored.wav

    rtdeclip file take.flac restored.flac --output fit

    rtdeclip file recordings/ --out restored/ --jobs 2 --resume

    ffmpeg -i in.m4a -f wav - | rtdeclip file - restored.wav
    """
    from rtdeclip.cli._report import Reporter
    from rtdeclip.files.chain import parse_level

    if out is None and (len(names) != 2 or jobs > 1 or resume):
        raise typer.BadParameter(
            "give IN and OUT, or any number of IN with --out DIR "
            "(which --jobs and --resume need)."
        )
    if out is not None and "-" in names:
        raise typer.BadParameter("a pipe (-) has no name; give OUT instead of --out.")
    from dataclasses import replace

    chain = replace(
        _chain.make_chain(
            _base(preset),
            processor=processor,
            settings=settings,
            pre=pre,
            post=post,
            output=output,
            ceiling_db=ceiling_db,
            wet=wet,
        ),
        level=parse_level(level),
        repair_only=repair_only,
    )
    chain.check()
    reporter = Reporter(
        quiet=quiet,
        verbose=verbose,
        as_json=as_json,
        to_stderr=out is None and names[1] == "-",
    )
    if out is None:
        _one(names[0], names[1], chain, reporter)
    else:
        _many(names, out, chain, jobs, resume, reporter)


def _base(preset: str | None) -> "Chain":
    from rtdeclip.files.chain import Chain

    if preset is None:
        return Chain()
    from rtdeclip.files.presets import load_preset

    return load_preset(preset).chain()


def _one(name: str, target: str, chain: "Chain", reporter: "Reporter") -> None:
    from rtdeclip.files.restore import Interrupted, restore_file

    try:
        with reporter.progress() as progress:
            row = restore_file(name, target, chain, progress).row()
    except Interrupted as stop:
        reporter.interrupted(stop.partial)
        raise typer.Exit(130) from None
    except KeyboardInterrupt:
        reporter.interrupted(None)
        raise typer.Exit(130) from None
    reporter.single(row)


def _many(
    names: list[str],
    folder: Path,
    chain: "Chain",
    n_jobs: int,
    resume: bool,
    reporter: "Reporter",
) -> None:
    from rtdeclip.files.batch import plan_batch, run_batch
    from rtdeclip.files.restore import Interrupted

    items = plan_batch(names, folder, chain.policy)
    rows: list[dict[str, Any]] = []
    try:
        with reporter.counting(len(items)) as tell:
            for row in run_batch(items, folder, chain, n_jobs, resume=resume):
                rows.append(row)
                tell(row)
    except KeyboardInterrupt as stop:
        reporter.many(rows, len(items))
        kept = stop.partial if isinstance(stop, Interrupted) else None
        reporter.interrupted(kept, many=True)
        raise typer.Exit(130) from None
    reporter.many(rows, len(items))
    if any(row["error"] for row in rows):
        raise typer.Exit(1)
