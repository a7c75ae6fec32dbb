"""One run with everything real: a screen (Xvfb), the demo's engine, the command."""

import os
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from PySide6.QtGui import QImage

from rtdeclip.monitor.theme import DARK, LIGHT

PATIENCE_S = 150.0

_SCRIPT = """
import sys
from pathlib import Path
from rtdeclip.monitor.app import *
from rtdeclip.monitor.app import _spend
from rtdeclip.monitor.preferences import Preferences
app = application()
actions = open_window(Options(theme="dark", size=(1100, 640)), Preferences())
begin(actions, Options(demo=True))
take_screenshot(app, actions, Options(screenshot=Path(sys.argv[1]), seconds=2.0))
_spend(app, 0.5)
actions.window.grab().save(sys.argv[2])
area = actions.window.scope
corner = area.mapTo(actions.window, area.rect().topLeft())
print(corner.x(), corner.y(), area.width(), area.height(), actions.session.pid)
print(app.platformName())
actions.files.stop()
actions.window.close()
"""


@pytest.fixture
def screen():
    if not shutil.which("Xvfb"):
        pytest.skip("Xvfb is not installed: sudo apt install xvfb")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        number = answer.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()


def _pixels(path, area=None):
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    data = np.frombuffer(image.constBits(), np.uint8)
    data = data.reshape(image.height(), image.width(), 4)[:, :, 2::-1].astype(int)
    if area:
        x, y, width, height = area
        data = data[y : y + height, x : x + width]
    return data


def _count(image, colour):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(image - wanted) <= 12).all(axis=2).sum())


def test_a_real_window_shows_the_demo_and_leaves_nothing_behind(screen, tmp_path):
    shots = [tmp_path / "first.png", tmp_path / "second.png"]
    environment = os.environ | {
        "DISPLAY": screen,
        "QT_QPA_PLATFORM": "xcb",
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, *map(str, shots)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    numbers, platform = done.stdout.split("\n")[:2]
    *area, pid = map(int, numbers.split())
    assert platform == "xcb"
    first, second = (_pixels(path, area) for path in shots)
    assert _pixels(shots[0]).mean() < 80
    for colour in (DARK.source, DARK.output, DARK.clip):
        assert _count(first, colour) > 200, colour
    assert (first != second).any(axis=2).mean() > 0.02
    deadline = time.monotonic() + 10.0
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(pid)
    assert not list(tmp_path.rglob("*.telemetry"))


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_command_takes_a_picture_without_a_screen(tmp_path):
    shot = tmp_path / "monitor.png"
    command = "from rtdeclip.cli.main import main; main()"
    words = ["monitor", "--demo", "--screenshot", str(shot), "--size", "1100x640"]
    environment = {k: v for k, v in os.environ.items() if k != "DISPLAY"}
    subprocess.run(
        [sys.executable, "-c", command, *words, "--theme", "light", "--seconds", "1"],
        env=environment | {"XDG_RUNTIME_DIR": str(tmp_path)},
        check=True,
        timeout=PATIENCE_S,
    )
    image = _pixels(shot)
    assert image.shape[:2] == (640, 1100)
    assert image.mean() > 160
    assert _count(image, LIGHT.source) > 200
