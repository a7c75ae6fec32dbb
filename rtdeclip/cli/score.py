"""``rtdeclip score``: how close a file, or a folder of files, is to the clean one."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.metrics.score import Pair

AUDIO = (".wav", ".flac", ".aiff", ".aif", ".caf", ".w64", ".rf64", ".ogg", ".opus")
ENDINGS = (*AUDIO, ".mp3")


def score(
    reference: Path = typer.Argument(metavar="REF", help="Clean file or folder."),
    test: Path = typer.Argument(metavar="TEST", help="File or folder to score."),
    clipped: Path | None = typer.Option(
        None, "--clipped", help="The clipped file or folder, for the Δ and its samples."
    ),
    metrics: str = typer.Option(
        "",
        "--metrics",
        help="Comma-separated: peaq, pesq, stoi, llr, r_nonlin, fad, wer, …; a wrong "
        "one lists them all.",
    ),
    embedding: Path | None = typer.Option(
        None, "--embedding", help="ONNX model for fad and speaker; yours to supply."
    ),
    recogniser: str = typer.Option(
        "", "--recogniser", help="Command for wer, with {file} in it; prints words."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: a row per file."),
    as_csv: bool = typer.Option(False, "--csv", help="Print CSV: a row per file."),
) -> None:
    """Score restored audio against the clean original.

    Without --metrics: MSE, SDR, ΔSDR, SDR on clipped samples, SI-SDR (mean
    not removed), in dB over all samples and channels. Files of two folders
    are matched by name, whatever their ending. A gain that rtdeclip noted
    in a file is undone. fad compares all files at once: each row has the
    same value. wer takes the words of REF.txt if it lies beside REF, else
    what the recogniser hears in REF.

    JSON keys: file, reference, sample_rate, gain_db, the metrics, channels
    (each channel's basics), notes (why a value is null). Exit code 1 if a
    file failed.

    [bold]Examples[/bold]

    rtdeclip score clean.wav restored.wav --clipped clipped.wav

    rtdeclip score clean/ restored/ --metrics peaq,pesq,stoi --json

    rtdeclip score clean/ restored/ --metrics fad --embedding vggish.onnx
    """
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv both given; choose one.")
    from rtdeclip.cli._score_outside import Outside
    from rtdeclip.errors import RtdeclipError
    from rtdeclip.metrics.score import check_names

    names = [name.strip() for name in metrics.split(",") if name.strip()]
    check_names(names)
    outside = Outside(names, embedding, recogniser)
    rows: list[dict[str, Any]] = []
    for ours, theirs, dirty in _matched(reference, test, clipped):
        try:
            row, pair = _row(ours, theirs, dirty, names)
            rows.append(row | outside.row(ours, theirs, pair))
        except RtdeclipError as error:
            if test.is_file():
                raise
            rows.append({"file": str(theirs), "error": str(error)})
            typer.echo(f"rtdeclip: {theirs.name}: {error}", err=True)
    outside.finish(rows)
    _show(rows, names, "json" if as_json else "csv" if as_csv else "table")
    if any("error" in row for row in rows):
        raise typer.Exit(1)


def _matched(
    reference: Path, test: Path, clipped: Path | None
) -> list[tuple[Path, Path, Path | None]]:
    """Reference, test and clipped path of each file to score."""
    from rtdeclip.errors import FileError

    for path in (reference, test, *([clipped] if clipped else [])):
        if not path.exists():
            raise FileError(f"{path} does not exist; check the name.")
        if path.is_dir() != test.is_dir():
            raise FileError(
                f"{test} and {path} must both be files, or both be folders."
            )
    if test.is_file():
        return [(reference, test, clipped)]
    ours, theirs = _by_name(reference), _by_name(test)
    dirty = _by_name(clipped) if clipped else {}
    common = [name for name in theirs if name in ours]
    if not common:
        raise FileError(
            f"No audio file of {test} has its like in {reference}; both folders must "
            "use the same names."
        )
    for name in sorted(theirs.keys() ^ ours.keys()):
        lonely, other = (
            (theirs[name], reference) if name in theirs else (ours[name], test)
        )
        typer.echo(f"rtdeclip: {lonely} has no like in {other}: left out", err=True)
    return [(ours[name], theirs[name], dirty.get(name)) for name in common]


def _by_name(folder: Path) -> dict[str, Path]:
    """Audio files below ``folder`` by their relative name without the ending."""
    from rtdeclip.errors import FileError

    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.is_file():
            name = str(path.relative_to(folder).with_suffix(""))
            if name in found:
                raise FileError(
                    f"{found[name]} and {path} differ in their ending only; keep one."
                )
            found[name] = path
    return found


def _row(
    reference: Path, test: Path, clipped: Path | None, names: list[str]
) -> tuple[dict[str, Any], "Pair"]:
    """One file's scores as plain data, and its audio."""
    from rtdeclip.metrics.score import score as compute

    pair, gain_db = _load(reference, test, clipped)
    values, notes = compute(pair, names)
    row = {
        "file": str(test),
        "reference": str(reference),
        "sample_rate": pair.sample_rate,
        "gain_db": gain_db,
        **_plain(values),
        "channels": _channels(pair),
        "notes": notes,
    }
    return row, pair


def _load(reference: Path, test: Path, clipped: Path | None) -> tuple["Pair", float]:
    """The audio of one row, noted gains undone, and the gain of the test in dB.

    Raises:
        InputError: rates, channels or lengths differ.
    """
    from rtdeclip.cli._audio import Sound, read
    from rtdeclip.errors import InputError
    from rtdeclip.metrics.score import Pair

    clean = read(reference)

    def in_step(path: Path) -> Sound:
        sound = read(path)
        same_rate = sound.sample_rate == clean.sample_rate
        if not same_rate or sound.audio.shape != clean.audio.shape:
            raise InputError(
                f"{path} has {_shape(sound)}, {reference} has {_shape(clean)}; they "
                "must be equal and in step."
            )
        return replace(sound, audio=sound.audio / 10.0 ** (sound.gain_db / 20.0))

    sound = in_step(test)
    dirty = in_step(clipped).audio if clipped else None
    return Pair(clean.audio, sound.audio, clean.sample_rate, dirty), sound.gain_db


def _shape(sound: Any) -> str:
    n_samples, n_channels = sound.audio.shape
    plural = "s" if n_channels > 1 else ""
    return f"{n_samples} samples, {n_channels} channel{plural}, {sound.sample_rate} Hz"


def _channels(pair: "Pair") -> list[dict[str, float | None]]:
    """The basic scores of each channel by itself."""
    from rtdeclip.metrics.score import basic

    rows = []
    for n in range(pair.reference.shape[1]):
        one = slice(n, n + 1)
        dirty = None if pair.clipped is None else pair.clipped[:, one]
        channel = replace(
            pair,
            reference=pair.reference[:, one],
            test=pair.test[:, one],
            clipped=dirty,
        )
        rows.append(_plain(basic(channel)))
    return rows


def _plain(values: dict[str, float]) -> dict[str, float | None]:
    """JSON has no NaN and no infinity: both become null, the notes say which."""
    import math

    return {key: v if math.isfinite(v) else None for key, v in values.items()}


def _show(rows: list[dict[str, Any]], names: list[str], form: str) -> None:
    if form == "json":
        import json

        typer.echo(json.dumps(rows, indent=2))
        return
    from rtdeclip.metrics.score import BASIC_KEYS, keys_of

    keys = [key for name in names for key in keys_of(name)] or list(BASIC_KEYS)
    if form == "csv":
        _print_csv(rows, keys)
    else:
        _print_table(rows, keys)


def _print_csv(rows: list[dict[str, Any]], keys: list[str]) -> None:
    import csv
    import sys

    fields = ["file", "sample_rate", "gain_db", *keys, "error"]
    writer = csv.DictWriter(sys.stdout, fields, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)


def _print_table(rows: list[dict[str, Any]], keys: list[str]) -> None:
    """One file as lines, several as a table with the mean below."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    good = [row for row in rows if "error" not in row]
    for row in good:
        if row["gain_db"]:
            name = Path(row["file"]).name
            console.print(f"{name}: gain of {row['gain_db']:+.2f} dB undone")
    table = Table(box=None, pad_edge=False)
    if len(rows) == 1:
        for key in keys:
            note = good[0]["notes"].get(key, "")
            table.add_row(key, _number(good[0][key]), f"[dim]{note}[/dim]")
    else:
        table.add_column("file", overflow="fold")
        for key in keys:
            table.add_column(key.removesuffix("_db"), justify="right")
        for row in good:
            cells = [_number(row[key]) for key in keys]
            table.add_row(Path(row["file"]).name, *cells)
        table.add_row("[bold]mean[/bold]", *(_mean(good, key) for key in keys))
    console.print(table)


def _mean(rows: list[dict[str, Any]], key: str) -> str:
    """Mean over the files that have a number."""
    known = [row[key] for row in rows if row[key] is not None]
    return _number(sum(known) / len(known) if known else None)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
