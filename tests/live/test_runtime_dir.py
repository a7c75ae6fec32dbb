import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtdeclip.live.runtime_dir import is_in_memory, process_is_alive, runtime_dir


def test_the_directory_is_private_and_where_the_session_says(tmp_path, monkeypatch):
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert runtime_dir() == tmp_path / "rtdeclip"
    assert runtime_dir().stat().st_mode & 0o777 == 0o700


def test_without_a_session_it_is_in_memory(monkeypatch):
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("no /dev/shm on this machine")
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    path = runtime_dir()
    assert is_in_memory(path)
    assert path.stat().st_mode & 0o777 == 0o700


def test_memory_and_disk_are_told_apart():
    if not Path("/dev/shm").is_mount():
        pytest.skip("no /dev/shm on this machine")
    assert is_in_memory(Path("/dev/shm"))
    assert not is_in_memory(Path("/proc"))


def test_a_process_that_has_ended_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    assert process_is_alive(os.getpid())
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not process_is_alive(child.pid)  # ended, not yet waited for
    child.wait()
    assert not process_is_alive(child.pid)
