"""Opens the monitor: application, window, first connection, or one screenshot."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from rtdeclip.errors import MissingExtraError, SettingError
from rtdeclip.live.config import LiveConfig
from rtdeclip.monitor.session import Plan, Session, State
from rtdeclip.monitor.theme import THEMES

_START_PATIENCE_S = 90.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for.

    Args:
        demo: start with the embedded audio.
        attach: look at a running engine.
        session: its telemetry file; None takes the newest.
        file: open this audio file.
        screenshot: write a PNG and end.
        theme: ``dark``, ``light`` or ``system``.
        size: width and height of the window in pixels.
        seconds: of sound before the screenshot.
    """

    demo: bool = False
    attach: bool = False
    session: Path | None = None
    file: Path | None = None
    screenshot: Path | None = None
    theme: str = "system"
    size: tuple[int, int] = (1280, 760)
    seconds: float = 4.0


def parse_size(text: str) -> tuple[int, int]:
    """``"1100x640"`` as width and height.

    Raises:
        SettingError: not of that form or too small.

    Example:
        >>> parse_size("1100x640")
        (1100, 640)
    """
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise SettingError(f"--size {text}: give WIDTHxHEIGHT, as in 1100x640.")
    size = int(width), int(height)
    if size[0] < 800 or size[1] < 500 or max(size) > 8192:
        raise SettingError(f"--size {text}: give 800x500 up to 8192x8192.")
    return size


def run(options: Options) -> int:
    """Opens the window (or takes the picture); the exit code.

    Raises:
        MissingExtraError: the monitor's packages are not installed.
        DeviceError: nothing to attach to.
        RtdeclipError: the demo could not start, for a screenshot.
    """
    if options.screenshot:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from PySide6.QtWidgets import QApplication

        from rtdeclip.monitor.window import MonitorWindow
    except ImportError as error:
        raise MissingExtraError(
            f"The monitor needs packages that are not installed ({error}). "
            "Type: pip install 'rtdeclip[monitor]'"
        ) from error
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("rtdeclip")
    app.setStyle("Fusion")
    session = Session()
    window = MonitorWindow(session, THEMES[_theme(options.theme)])
    window.resize(*options.size)
    window.show()
    if options.demo:
        session.start(Plan(LiveConfig(), demo=True))
    elif options.attach:
        session.attach(options.session)
    if options.screenshot:
        code = take_screenshot(app, window, options)
        window.close()
        return code
    return int(app.exec())


def _theme(name: str) -> str:
    return "dark" if name == "system" else name


def take_screenshot(app, window, options) -> int:
    end = time.monotonic() + _START_PATIENCE_S
    session = window.session
    while session.state is State.STARTING and time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.005)
    if session.problem:
        print(session.problem)
        return 1
    window.grab().save(str(options.screenshot))
    return 0
