"""What ``rtdeclip file`` and ``scan`` say: progress on stderr, results on stdout."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

_STEPS = {"scan": "finding levels", "restore": "restoring", "write": "writing"}


class Reporter:
    """Speaks to the user of ``rtdeclip file`` and ``scan``.

    Args:
        quiet: say nothing but errors.
        verbose: list the levels of every channel.
        as_json: print rows as JSON instead of sentences.
        to_stderr: standard output carries the sound, so speak on stderr.
    """

    def __init__(
        self, *, quiet: bool, verbose: bool, as_json: bool, to_stderr: bool
    ) -> None:
        self._quiet, self._verbose, self._as_json = quiet, verbose, as_json
        self._out = Console(stderr=to_stderr, highlight=False, soft_wrap=True)
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)

    @contextmanager
    def progress(self) -> Iterator[Callable[[str, float, float | None], None]]:
        """A bar for one file: step, share, RTF so far, time left."""
        bar = self._bar(
            TextColumn("{task.description:>14}"),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("RTF {task.fields[rtf]}"),
        )
        with bar:
            tasks: dict[str, Any] = {}
            started: dict[str, float] = {}

            def tell(step: str, done_s: float, of_s: float | None) -> None:
                if step not in tasks:
                    tasks[step] = bar.add_task(_STEPS[step], total=of_s, rtf="–")
                    started[step] = time.perf_counter()
                rtf = (time.perf_counter() - started[step]) / done_s
                bar.update(tasks[step], completed=done_s, rtf=f"{rtf:.4f}")

            yield tell

    @contextmanager
    def counting(self, n_files: int) -> Iterator[Callable[[dict[str, Any]], None]]:
        """A bar for many files; failures are told as they come."""
        bar = self._bar(
            TextColumn("restoring"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("RTF {task.fields[rtf]}"),
        )
        started, audio_s = time.perf_counter(), 0.0
        with bar:
            task = bar.add_task("", total=n_files, rtf="–")

            def tell(row: dict[str, Any]) -> None:
                nonlocal audio_s
                audio_s += row.get("duration_s", 0.0)
                if row["error"]:
                    bar.console.print(f"[red]failed[/red] {escape(row['error'])}")
                elapsed = time.perf_counter() - started
                rtf = f"{elapsed / audio_s:.4f}" if audio_s else "–"
                bar.update(task, advance=1, rtf=rtf)

            yield tell

    def _bar(self, *columns: ProgressColumn) -> Progress:
        return Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
            disable=self._quiet or not self._err.is_terminal,
        )

    def single(self, row: dict[str, Any]) -> None:
        """The result of one file."""
        if self._as_json:
            self._print_json([row])
        elif not self._quiet:
            self._summary(row)

    def many(self, rows: list[dict[str, Any]], n_files: int) -> None:
        """The results of a batch."""
        if self._as_json:
            self._print_json(rows)
            return
        if self._quiet:
            return
        done = [row for row in rows if not row["error"]]
        fresh = [row for row in done if not row.get("skipped")]
        if self._verbose:
            for row in fresh:
                self._summary(row)
        failed = len(rows) - len(done)
        self._out.print(
            f"{len(fresh)} of {n_files} files restored, {len(done) - len(fresh)} were "
            f"done before, {failed} failed"
        )
        if fresh:
            audio_s = sum(row["duration_s"] for row in fresh)
            work_s = sum(row["elapsed_s"] for row in fresh)
            self._out.print(
                f"  {audio_s:.1f} s of sound, RTF {work_s / audio_s:.4f} each, "
                f"processor {fresh[0]['processor']} ({fresh[0]['processor_reason']})"
            )

    def interrupted(self, partial: Path | None, *, many: bool = False) -> None:
        """After ctrl-C."""
        kept = f"what was done so far is in {partial}" if partial else "nothing is left"
        if many:
            kept = (
                "finished files stay, begun ones are named *.partial.*; "
                "go on with --resume"
            )
        self._err.print(f"rtdeclip: stopped; the input is untouched, {escape(kept)}.")

    def _print_json(self, rows: list[dict[str, Any]]) -> None:
        self._out.out(json.dumps(rows, indent=2), highlight=False)

    def _summary(self, row: dict[str, Any]) -> None:
        say = self._out.print
        say(
            f"{escape(row['file'])} → {escape(row['output'])}  "
            f"({row['duration_s']:.1f} s, {row['n_channels']} ch, "
            f"{row['sample_rate']} Hz)"
        )
        say(f"  clipping   {_clipping(row)}")
        if self._verbose and row["channels"]:
            for line in _levels(row["channels"]):
                say(f"             {line}")
        say(f"  processor  {row['processor']} ({escape(row['processor_reason'])})")
        say(f"  headroom   {_headroom(row)}")
        say(f"  time       {row['elapsed_s']:.2f} s, RTF {row['rtf']:.4f}")
        for line in _remarks(row):
            say(f"  [yellow]note[/yellow]       {escape(line)}")


def _clipping(row: dict[str, Any]) -> str:
    if row["severity"] is None:
        return "level not searched (given, or found as the pipe came)"
    if row["severity"] == "none":
        return "none found; the sound is unchanged"
    return (
        f"{row['severity']}: {row['clipped_samples']} samples, "
        f"{100 * row['clipped_fraction']:.3g} % of the worst channel"
    )


def _levels(channels: list[dict[str, Any]]) -> list[str]:
    lines = []
    for number, channel in enumerate(channels, 1):
        for side, sign in (("high", "+"), ("low", "−")):
            found = channel[side]
            if found:
                lines.append(
                    f"channel {number} {sign}{found['level']:.5f}, confidence "
                    f"{found['confidence']:.2f}, {found['clipped_samples']} samples, "
                    f"longest run {found['longest_run_samples']}"
                )
    return lines


def _headroom(row: dict[str, Any]) -> str:
    peak = row["peak_dbfs"]
    if peak is None:
        return f"{row['headroom']}: silence"
    text = f"{row['headroom']}: peak {peak:+.2f} dBFS"
    if row["headroom"] == "fit":
        return f"{text}, gain {row['gain_db']:+.2f} dB"
    if row["headroom"] == "limit":
        return (
            f"{text}, limited by up to {row['limiter_reduction_db']:.2f} dB in "
            f"{row['limited_samples']} samples"
        )
    kept = "; kept, lower it before playing as integers" if peak > 0 else ""
    return f"{text}, gain 0 dB{kept}"


def _remarks(row: dict[str, Any]) -> list[str]:
    lines = list(row["warnings"])
    if row["nonfinite_samples"]:
        lines.append(
            f"{row['nonfinite_samples']} samples were NaN or infinite; taken as 0"
        )
    if row["faults"]:
        reasons = ", ".join(f"{n}× {why}" for why, n in row["fault_reasons"].items())
        lines.append(f"{row['faults']} blocks left as they were: {reasons}")
    if row["lost"]:
        lines.append(f"not carried over: {', '.join(row['lost'])}")
    return lines
