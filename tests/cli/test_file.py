import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from typer.testing import CliRunner, Result

from rtdeclip.cli.main import app
from rtdeclip.files import restore as restore_module

KEYS = [
    *("file", "output", "error", "sample_rate", "n_channels", "n_samples"),
    *("duration_s", "severity", "clipped_samples", "clipped_fraction", "channels"),
    *("processor", "processor_reason", "settings", "headroom", "gain_db"),
    *("peak_dbfs", "output_peak_dbfs", "limited_samples", "limiter_reduction_db"),
    *("faults", "fault_reasons", "nonfinite_samples", "lost", "warnings"),
    *("elapsed_s", "rtf"),
]


def run(*args: object, code: int = 0) -> Result:
    done = CliRunner().invoke(app, ["file", *map(str, args)])
    assert done.exit_code == code, f"{done.output}\n{done.exception!r}"
    return done


@pytest.fixture
def clipped(tmp_path: Path) -> Path:
    x = np.clip(np.sin(0.05 * np.arange(8000)), -0.6, 0.6)
    path = tmp_path / "clipped.wav"
    sf.write(path, x, 16000, subtype="FLOAT")
    return path


def test_a_file_is_restored_and_summed_up(clipped: Path) -> None:
    out = clipped.with_name("restored.wav")
    done = run(clipped, out)
    assert np.abs(sf.read(out)[0]).max() > 0.7
    assert "severe" in done.stdout
    assert "best (the default" in done.stdout
    assert "float: peak" in done.stdout
    assert "RTF" in done.stdout


def test_json_is_a_list_of_rows_with_the_documented_keys(clipped: Path) -> None:
    done = run(clipped, clipped.with_name("o.flac"), "--json")
    (row,) = json.loads(done.stdout)
    assert list(row) == KEYS
    assert row["headroom"] == "fit"


def test_quiet_says_nothing_and_verbose_lists_the_levels(clipped: Path) -> None:
    out = clipped.with_name("o.wav")
    assert run(clipped, out, "-q").output == ""
    assert "longest run" in run(clipped, out, "-v").stdout


def options() -> list[tuple[list[str], Any]]:
    return [
        (["--processor", "bypass"], lambda x, y, full: np.array_equal(x, y)),
        (["--wet", "0"], lambda x, y, full: np.array_equal(x, y)),
        (["--level", "none,0.6"], lambda x, y, full: y.max() < 0.61 and y.min() < -0.7),
        (["--level", "-4.5dB"], lambda x, y, full: (x != y).sum() > (x != full).sum()),
        (["--repair-only"], lambda x, y, full: np.allclose(y, full - x, atol=1e-6)),
        (
            ["--output", "limit", "--ceiling-db", "-6"],
            lambda x, y, full: y.max() < 0.51,
        ),
        (
            ["--set", "growth=0.3"],
            lambda x, y, full: not np.array_equal(y, full),
        ),
        (["--post", "gain:gain_db=6"], lambda x, y, full: y.max() > 1.9 * full.max()),
        (["--pre", "gain:gain_db=-6"], lambda x, y, full: y.max() < 0.6 * full.max()),
    ]


@pytest.mark.parametrize(("given", "holds"), options(), ids=lambda v: str(v)[:40])
def test_every_option_changes_the_result(
    clipped: Path, given: list[str], holds: Any
) -> None:
    run(clipped, clipped.with_name("full.wav"))
    run(clipped, clipped.with_name("o.wav"), *given)
    x, full, y = (
        sf.read(clipped.with_name(name), dtype="float32")[0]
        for name in ("clipped.wav", "full.wav", "o.wav")
    )
    assert holds(x, y, full)


def test_a_preset_is_used_and_options_go_before_it(
    clipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(clipped.parent / "config"))
    saved = CliRunner().invoke(
        app, ["preset", "save", "mine", "-p", "bypass", "--output", "limit"]
    )
    assert saved.exit_code == 0, saved.output
    out = clipped.with_name("o.wav")
    (row,) = json.loads(run(clipped, out, "--preset", "mine", "--json").stdout)
    assert (row["processor"], row["headroom"]) == ("bypass", "limit")
    assert "mine" in row["processor_reason"]
    (row,) = json.loads(
        run(clipped, out, "--preset", "mine", "-p", "cubic", "--json").stdout
    )
    assert (row["processor"], row["headroom"]) == ("cubic", "limit")


def test_many_files_go_into_a_folder_and_failures_end_with_1(clipped: Path) -> None:
    bad = clipped.with_name("bad.wav")
    bad.write_bytes(b"nothing")
    out = clipped.with_name("out")
    done = run(clipped, bad, "--out", out, code=1)
    assert "1 of 2 files restored, 0 were done before, 1 failed" in done.stdout
    assert "bad.wav cannot be read" in done.stderr
    assert (out / "clipped.wav").exists()
    rows = json.loads(run(clipped, "--out", out, "--resume", "--json").stdout)
    assert [row["skipped"] for row in rows] == [True]


@pytest.mark.parametrize(
    "args",
    [
        ["one"],
        ["one", "two", "three"],
        ["one", "two", "--resume"],
        ["one", "two", "--jobs", "2"],
        ["-", "--out", "folder"],
        ["one", "two", "--output", "loud"],
        ["one", "two", "--jobs", "0"],
        [],
    ],
)
def test_wrong_usage_ends_with_2(args: list[str]) -> None:
    run(*args, code=2)


def test_ctrl_c_ends_with_130_and_names_the_partial_file(
    clipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopping(restore_module.Meter):
        def watch(self, block: Any) -> Any:
            if self.highest:
                raise KeyboardInterrupt
            return super().watch(block)

    monkeypatch.setattr(restore_module, "BLOCK_SAMPLES", 1000)
    monkeypatch.setattr(restore_module, "Meter", Stopping)
    done = run(clipped, clipped.with_name("o.wav"), "--processor", "cubic", code=130)
    assert "o.partial.wav" in done.stderr
    assert clipped.with_name("o.partial.wav").exists()
    assert not clipped.with_name("o.wav").exists()
    clipped.with_name("o.partial.wav").unlink()
    out = clipped.with_name("out")
    done = run(clipped, "--out", out, "--processor", "cubic", code=130)
    assert "--resume" in done.stderr


def test_help_has_examples_and_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("--help")
    assert "rtdeclip file clipped.wav restored.wav" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
