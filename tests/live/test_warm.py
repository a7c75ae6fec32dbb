import subprocess
import sys

from rtdeclip.benchmarks import warmup
from rtdeclip.live import doctor, warm
from rtdeclip.stream.registry import find


def test_a_mark_holds_for_these_sources_only(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert not warm.is_ready("cubic")
    warm.mark_ready("cubic")
    assert warm.is_ready("cubic")
    assert not warm.is_ready("auto")
    (tmp_path / "ready" / "cubic").write_text("other sources")
    assert not warm.is_ready("cubic")


def test_a_place_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    warm.mark_ready("cubic")
    assert not warm.is_ready("cubic")


def test_what_is_ready_needs_no_helper(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    warm.mark_ready("cubic")
    started = []
    monkeypatch.setattr(
        warm.subprocess, "Popen", lambda words, **_: started.append(words[-2:])
    )
    warm.Helpers(["cubic", "auto"], 44100)
    assert started == [["auto", "44100"]]


def test_what_warmup_compiles_is_ready(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    warmup.warm(find("bypass"), 16000)
    assert warm.is_ready("bypass")
    assert doctor._kernels().level == "fair"
    for name in ("cubic", "auto"):
        warm.mark_ready(name)
    assert doctor._kernels().level == "good"


def test_a_helper_ends_with_its_parent(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    words = [sys.executable, "-m", "rtdeclip.live.warm", "cubic", "48000"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 1
    assert not warm.is_ready("cubic")
