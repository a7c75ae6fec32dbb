"""What ``bench rtf`` can do beyond its grid: load, peers, several cores, the page."""

import json
import multiprocessing
import re
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from rtdeclip.benchmarks import page, peers, rtf_full
from rtdeclip.benchmarks.hops import busy, timed
from rtdeclip.benchmarks.rtf import Case, grid, measure
from rtdeclip.cli import _bench_peers
from rtdeclip.cli.main import app
from rtdeclip.errors import PluginError, SettingError
from rtdeclip.stream.registry import find

FACTS = {"cpu": "<one>", "versions": {"numpy": "2"}, "load_1min": 0.5}


def test_every_block_is_timed_in_both_modes():
    blocks = [np.full(4, k, np.float32) for k in range(5)]
    for mode in ("hot", "paced"):
        seen = []
        timing = timed(seen.append, blocks, 0.001, mode)
        assert [float(block[0]) for block in seen] == [0, 1, 2, 3, 4]
        assert timing.seconds.shape == (5,)
        assert 0 <= timing.late <= 5


def test_busy_processes_run_beside_and_are_gone_afterwards():
    with busy(2):
        assert len(multiprocessing.active_children()) == 2
    assert not multiprocessing.active_children()


def test_an_unknown_processor_and_one_without_hops_are_refused():
    with pytest.raises(PluginError):
        grid(["nothing-of-this-name"])
    with pytest.raises(SettingError, match="janssen restores whole signals"):
        grid(["janssen"])


def test_a_papers_network_is_measured_when_it_is_named():
    assert [case.processor for case in grid(["deep-filter"], modes=["hot"])] == [
        "deep-filter"
    ]
    assert "deep-filter" not in {case.processor for case in grid()}


def test_whole_signal_methods_have_one_number():
    (row,) = rtf_full.whole([find("consistent-iht")], seconds=0.3)
    assert row.processor == "consistent-iht"
    assert row.rtf > 0
    assert "janssen" in {method.name for method in rtf_full.whole_methods()}


def test_the_first_start_has_an_empty_cache_and_the_second_its_files(
    monkeypatch, tmp_path
):
    seen = tmp_path / "seen"
    code = (
        "import os, pathlib; "
        "cache = pathlib.Path(os.environ['NUMBA_CACHE_DIR']); "
        f"seen = open({str(seen)!r}, 'a'); "
        "print(len(list(cache.iterdir())), file=seen); (cache / 'x').touch()"
    )
    monkeypatch.setattr(rtf_full, "_BUILD", code)
    (row,) = rtf_full.compiled(["bypass"])
    assert seen.read_text().split() == ["0", "1"]
    assert row.cold_s > 0 < row.warm_s


def test_streams_on_several_cores_are_timed_together():
    (row,) = rtf_full.scaled([Case("bypass", seconds=0.2)], 2)
    assert (row.processor, row.streams) == ("bypass", 2)
    assert 0 < row.rtf_p50 <= row.rtf_p99


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_ffmpegs_filter_is_timed_on_the_same_sound():
    row = peers.adeclip("light", 0.2, 16000)
    assert row is not None
    assert (row.processor, row.sample_rate) == ("ffmpeg adeclip", 16000)
    assert row.rtf >= 0


def test_without_ffmpeg_and_torch_the_report_says_what_to_install(monkeypatch):
    def missing(folder):
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(_bench_peers, "_denoiser", missing)
    monkeypatch.setattr(peers.shutil, "which", lambda name: None)
    words = ["bench", "rtf", "--processor", "bypass", "--seconds", "0.1", "--peers"]
    report = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert set(report["absent"]) == {"denoiser-size", "ffmpeg adeclip"}
    assert "rtdeclip[train]" in report["absent"]["denoiser-size"]
    assert report["whole"] == []
    told = " ".join(CliRunner().invoke(app, words).stdout.split())
    assert "ffmpeg adeclip is absent: ffmpeg is not installed: apt install" in told


def test_a_network_of_random_weights_is_a_row_that_says_so(monkeypatch):
    pytest.importorskip("torch", reason="the extra train is not installed")
    monkeypatch.setattr(
        _bench_peers, "SHAPE", {"strides": (4, 4, 4), "width": 4, "cap": 8}
    )
    rows, why = _bench_peers.network_rows(["hot"], 0.2)
    assert why == ""
    assert [row.processor for row in rows] == [
        "denoiser-size fp32",
        "denoiser-size int8",
    ]
    assert all(row.sample_rate == 16000 and row.hop == 16 for row in rows)
    assert all(row.rtf_p50 > 0 for row in rows)
    assert "only its speed" in _bench_peers.NOTE


def test_the_page_needs_no_other_file_and_escapes_what_it_is_told(tmp_path):
    row = measure(Case("bypass", seconds=0.1)).as_dict()
    slow = row | {"processor": "a<b", "rtf_p99": 2.0}
    others = {
        "whole": [{"processor": "x", "rtf": 0.5}],
        "notes": ["one & two"],
        "absent": {"peer": "not here"},
    }
    page.write_html(tmp_path / "page.html", FACTS, [row, slow], "Use <this>.", others)
    text = (tmp_path / "page.html").read_text("utf-8")
    assert not re.findall(r"(?:src|href)=.(?!data:)|@import|url\(", text)
    for part in ("a&lt;b", "&lt;one&gt;", "Use &lt;this&gt;.", "one &amp; two",
                 "peer is absent: not here", "<td class='slow'>2.0000</td>",
                 "Whole signals", "numpy 2"):  # fmt: skip
        assert part in text
    assert "<script" not in text
