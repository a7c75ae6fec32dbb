import shlex
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rtdeclip.errors import FileError
from rtdeclip.files.read import open_source
from rtdeclip.files.scan import Scan, restoring_command, scan, scan_row
from rtdeclip.stream.levels import ChannelReport, PolarityReport
from rtdeclip.stream.registry import build_effect
from rtdeclip.types import Samples


def scan_file(path: Path) -> Scan:
    with closing(open_source(str(path))) as source:
        return scan(source)


def test_levels_of_both_channels_and_polarities_are_found(recording: Path) -> None:
    found = scan_file(recording)
    assert found.n_samples == 24000
    assert len(found.levels) == len(found.channels) == 2
    for channel in found.channels:
        assert channel.high is not None
        assert channel.low is not None
        assert channel.high.level == pytest.approx(0.5, rel=0.01)
        assert channel.low.level == pytest.approx(0.5, rel=0.01)
    assert found.severity == "severe"
    assert found.clipped_samples > 500
    assert found.warnings == []


def test_an_unclipped_file_has_no_levels(tmp_path: Path, clean: Samples) -> None:
    path = tmp_path / "clean.wav"
    sf.write(path, clean, 16000, subtype="FLOAT")
    found = scan_file(path)
    assert found.severity == "none"
    assert found.clipped_samples == 0
    assert found.clipped_fraction == 0.0


def test_levels_are_those_behind_the_effects_before_the_declipper(
    recording: Path,
) -> None:
    pre = [build_effect("gain", 16000, 2, {"gain_db": -20.0})]
    with closing(open_source(str(recording))) as source:
        found = scan(source, pre)
    assert found.channels[0].high is not None
    assert found.channels[0].high.level == pytest.approx(0.05, rel=0.01)


def test_progress_is_told_up_to_the_end(recording: Path) -> None:
    told: list[tuple[str, float, float | None]] = []
    with closing(open_source(str(recording))) as source:
        scan(source, progress=lambda *args: told.append(args))
    assert told[-1] == ("scan", 1.5, 1.5)


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    sf.write(tmp_path / "x.wav", np.zeros((0, 2)), 16000)
    with pytest.raises(FileError, match="no samples"):
        scan_file(tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("fraction", "word"),
    [(0, "none"), (0.0005, "light"), (0.02, "moderate"), (0.021, "severe")],
)
def test_severity_is_the_share_of_the_worst_channel(fraction: float, word: str) -> None:
    side = PolarityReport(0.5, 1.0, 10, fraction, 3)
    channels = [ChannelReport(None, None), ChannelReport(side, None)]
    assert Scan(8000, 1000, [], channels, []).severity == word


def test_the_row_has_exactly_the_documented_keys(recording: Path) -> None:
    row = scan_row(str(recording), scan_file(recording))
    assert list(row) == [
        *("file", "sample_rate", "duration_s", "severity", "command", "channels")
    ]
    assert row["duration_s"] == 1.5
    assert set(row["channels"][0]) == {"high", "low"}
    assert list(row["channels"][0]["high"]) == [
        *("level", "confidence", "clipped_samples", "clipped_fraction"),
        "longest_run_samples",
    ]


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("a.wav", "rtdeclip file a.wav a.restored.wav"),
        ("in/a b.flac", "rtdeclip file 'in/a b.flac' 'in/a b.restored.flac'"),
        ("a.mp3", "rtdeclip file a.mp3 a.restored.wav"),
        ("-a.wav", "rtdeclip file ./-a.wav ./-a.restored.wav"),
        ("-", "rtdeclip file - -"),
    ],
)
def test_the_command_restores_beside_the_file(name: str, command: str) -> None:
    assert restoring_command(name) == command
    assert len(shlex.split(command)) == 4
