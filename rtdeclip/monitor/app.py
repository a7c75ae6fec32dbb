"""Opens the monitor: application, window, first connection, or one screenshot."""

import os
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from rtdeclip.errors import DeviceError, FileError, MissingExtraError, SettingError

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from rtdeclip.monitor.actions import Actions
    from rtdeclip.monitor.preferences import Preferences

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for.

    Args:
        demo: start with the embedded audio.
        attach: look at a running engine.
        engine: its telemetry file; None takes the newest.
        file: open this audio file.
        screenshot: write a PNG and end.
        theme: ``dark``, ``light`` or ``system``; None: as last time.
        size: width and height of the window in pixels; None: as last time.
        seconds: of sound before the screenshot.
        view: what the picture shows.
    """

    demo: bool = False
    attach: bool = False
    engine: Path | None = None
    file: Path | None = None
    screenshot: Path | None = None
    theme: str | None = None
    size: tuple[int, int] | None = None
    seconds: float = 4.0
    view: str = "wave"


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
    if size[0] < 960 or size[1] < 560 or max(size) > 8192:
        raise SettingError(f"--size {text}: give 960x560 up to 8192x8192.")
    return size


def run(options: Options) -> int:
    """Opens the window (or takes the picture); the exit code.

    Raises:
        MissingExtraError: the monitor's packages are not installed.
        DeviceError: nothing to attach to, or the picture's sound did not start.
        FileError: the picture cannot be written.
    """
    from rtdeclip.monitor import preferences as kept
    from rtdeclip.monitor.placement import remember

    # A picture looks the same on every machine: nothing remembered, nothing kept.
    picture = options.screenshot is not None
    path = kept.preferences_path()
    preferences = kept.Preferences() if picture else kept.load(path)
    if picture:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = application()
    actions = open_window(options, preferences)
    try:
        begin(actions, options)
        if options.screenshot:
            take_screenshot(app, actions, options)
            return 0
        app.aboutToQuit.connect(lambda: remember(actions.window, preferences))
        code = int(app.exec())
    finally:
        actions.files.stop()
        actions.window.close()
    kept.save(preferences, path)
    return code


def application() -> "QApplication":
    """The one application object, in the style that the style sheet expects.

    Raises:
        MissingExtraError: Qt, pyqtgraph or a system library is missing.
    """
    try:
        import_module("pyqtgraph")
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        raise MissingExtraError(
            f"The monitor cannot open its window ({error}). Type: pip install "
            "'rtdeclip[monitor]'; if a library (lib….so) is named, on Debian and "
            "Ubuntu also: sudo apt install libegl1 libgl1 libxkbcommon0 libdbus-1-3 "
            "libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
            "libxcb-keysyms1 libxcb-shape0"
        ) from error
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("rtdeclip")
    app.setStyle("Fusion")
    return app


def open_window(options: Options, preferences: "Preferences") -> "Actions":
    """The window, shown, with its actions and keys."""
    from rtdeclip.monitor.actions import Actions
    from rtdeclip.monitor.placement import restore
    from rtdeclip.monitor.session import Session
    from rtdeclip.monitor.shortcuts import install
    from rtdeclip.monitor.theme import THEMES
    from rtdeclip.monitor.window import MonitorWindow

    name = system_theme(options.theme or preferences.theme)
    window = MonitorWindow(Session(), preferences, THEMES[name])
    restore(window, preferences)
    if options.size:
        window.resize(*options.size)
    actions = Actions(window)
    install(actions)
    window.show_view(options.view)
    window.show()
    actions.files.probe()
    actions.chain.show_presets()
    return actions


def begin(actions: "Actions", options: Options) -> None:
    """The first connection, if the command line names one."""
    if options.demo:
        actions.start_demo()
    elif options.attach or options.engine:
        actions.session.attach(options.engine)
    elif options.file:
        actions.play(options.file)


def system_theme(name: str) -> str:
    """``dark`` or ``light``; for ``system`` what the desktop says, else dark."""
    from PySide6.QtCore import Qt
    from PySide6.QtGui import QGuiApplication

    if name != "system":
        return name
    light = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light
    return "light" if light else "dark"


def take_screenshot(app: "QApplication", actions: "Actions", options: Options) -> None:
    """Writes the window as a PNG after so many seconds of sound.

    A file's picture is taken without sound too, where there is no device: its overview
    and its restoration need none.

    Raises:
        DeviceError: the sound did not start.
        FileError: the picture cannot be written.
    """
    from rtdeclip.monitor.session import State

    window, session = actions.window, actions.session
    deadline = time.monotonic() + _PATIENCE_S
    while session.state in (State.STARTING, State.WAITING):
        _spend(app, 0.02)
        if time.monotonic() > deadline:
            raise DeviceError(
                f"No sound after {_PATIENCE_S:.0f} s, so no picture. See what is "
                "missing: rtdeclip doctor"
            )
    if session.problem and not options.file:
        raise DeviceError(session.problem)
    _spend(app, options.seconds)
    while actions.files.busy & {"probe", "overview"} and time.monotonic() < deadline:
        _spend(app, 0.05)  # the menus fill
    window.draw_slow()
    path = options.screenshot
    if path and not window.grab().save(str(path)):
        raise FileError(f"{path} cannot be written. Give a .png in a folder of yours.")


def _spend(app: "QApplication", seconds: float) -> None:
    """Lets the window live for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.004)
