import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf

import rtdeclip.files.batch as batch_module
from rtdeclip.errors import FileError
from rtdeclip.files.batch import LOG_NAME, Item, plan_batch, run_batch
from rtdeclip.files.chain import Chain


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three recordings and a text file, one recording in a folder of its own."""
    made = tmp_path / "in"
    (made / "b").mkdir(parents=True)
    for number, name in enumerate(["a.wav", "b/c.flac", "d.wav"]):
        x = np.clip(np.sin((0.05 + 0.01 * number) * np.arange(6000)), -0.6, 0.6)
        sf.write(made / name, x, 16000)
    (made / "notes.txt").write_text("no audio")
    return made


def targets(items: list[Item], out: Path) -> list[str]:
    return [Path(item.output).relative_to(out).as_posix() for item in items]


def test_folders_are_searched_and_keep_their_structure(folder: Path) -> None:
    out = folder / "restored"
    items = plan_batch([str(folder)], out, None)
    assert targets(items, out) == ["a.wav", "b/c.flac", "d.wav"]
    out.mkdir()
    sf.write(out / "a.wav", np.zeros(10), 8000)
    assert plan_batch([str(folder)], out, None) == items


def test_files_keep_their_names_and_get_a_suffix_that_can_hold_them(
    tmp_path: Path,
) -> None:
    names = ["x/song.wav", "y/song.mp3", "z/talk.flac", "z/odd.voc"]
    assert targets(plan_batch(names, tmp_path, None), tmp_path) == [
        *("song.wav", "song.mp3.wav", "talk.flac", "odd.wav")
    ]
    assert targets(plan_batch(names, tmp_path, "float"), tmp_path)[2] == "talk.wav"


def test_a_folder_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no audio files"):
        plan_batch([str(tmp_path / "empty")], tmp_path / "out", None)


def run(folder: Path, n_jobs: int = 1, **changes: Any) -> list[dict[str, Any]]:
    out = folder.parent / "out"
    items = plan_batch([str(folder)], out, None)
    chain = changes.pop("chain", Chain())
    return list(run_batch(items, out, chain, n_jobs, **changes))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_bad_file_stops_nobody(folder: Path, n_jobs: int) -> None:
    (folder / "a.wav").write_bytes(b"damaged")
    rows = run(folder, n_jobs)
    failed = [row for row in rows if row["error"]]
    assert [Path(row["file"]).name for row in failed] == ["a.wav"]
    assert "cannot be read as audio" in failed[0]["error"]
    out = folder.parent / "out"
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == [
        *("b/c.flac", "d.wav", LOG_NAME)
    ]
    assert np.abs(sf.read(out / "d.wav")[0]).max() > 0.61


def test_resume_does_only_what_is_new_changed_or_gone(folder: Path) -> None:
    run(folder)
    again = run(folder, resume=True)
    assert all(row.get("skipped") for row in again)
    (folder.parent / "out" / "a.wav").unlink()
    os.utime(folder / "d.wav", (1, 1))
    fresh = [row for row in run(folder, resume=True) if not row.get("skipped")]
    assert sorted(Path(row["file"]).name for row in fresh) == ["a.wav", "d.wav"]
    other = run(folder, resume=True, chain=Chain(wet=0.5))
    assert not any(row.get("skipped") for row in other)
    assert not any(row.get("skipped") for row in run(folder))


def test_resume_tries_failures_again_and_survives_a_torn_log(folder: Path) -> None:
    good = (folder / "a.wav").read_bytes()
    (folder / "a.wav").write_bytes(b"damaged")
    run(folder)
    log = folder.parent / "out" / LOG_NAME
    assert len([json.loads(line) for line in log.read_text().splitlines()]) == 3
    log.write_text(log.read_text() + '{"file": "torn')
    (folder / "a.wav").write_bytes(good)
    fresh = [row for row in run(folder, resume=True) if not row.get("skipped")]
    assert [Path(row["file"]).name for row in fresh] == ["a.wav"]
    assert fresh[0]["error"] is None


def test_a_worker_that_dies_costs_only_its_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_module, "_serve", dying_serve)
    rows = run(folder, 2)
    errors = {Path(row["file"]).name: row["error"] for row in rows}
    assert "exit code 9" in errors["a.wav"]
    assert errors["c.flac"] is errors["d.wav"] is None


def dying_serve(connection: Any, chain: Chain) -> None:
    """A worker that dies over a.wav; others are answered without work."""
    while item := connection.recv():
        if item.file.endswith("a.wav"):
            os._exit(9)
        connection.send({"file": item.file, "output": item.output, "error": None})


def test_stopping_ends_the_workers(folder: Path) -> None:
    rows: Iterator[dict[str, Any]] = run_batch(
        plan_batch([str(folder)], folder.parent / "out", None),
        folder.parent / "out",
        Chain(),
        2,
    )
    next(rows)
    rows.close()
    left = [p.name for p in (folder.parent / "out").rglob("*.part")]
    assert left == []
