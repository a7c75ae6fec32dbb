"""The keys of ``keyboard.KEYS`` at work in a window."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton

from rtdeclip.monitor.actions import Actions
from rtdeclip.monitor.keyboard import KEYS

_STEP = 1.01


class ReturnPresses(QObject):
    """Return presses the button that has the focus (Space is the bypass)."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Takes Return from buttons only."""
        if isinstance(watched, QPushButton) and isinstance(event, QKeyEvent):
            pressed = event.type() == QEvent.Type.KeyPress
            if pressed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                watched.click()
                return True
        return False


def table(actions: Actions) -> dict[str, Callable[[], object]]:
    """What each name of ``KEYS`` does."""
    window = actions.window
    return {
        "start": actions.start_or_stop,
        "bypass": lambda: actions.toggle("bypass"),
        "repair_only": lambda: actions.toggle("repair_only"),
        "match": window.top.match.click,
        "mute": lambda: actions.toggle("mute"),
        "panic": lambda: actions.set_parameter("mute", 2.0),
        "record": actions.record,
        "wave": lambda: window.show_view("wave"),
        "difference": lambda: _turn(actions, "difference"),
        "spectrogram": lambda: _turn(actions, "spectrogram"),
        "bench": lambda: _turn(actions, "bench"),
        "freeze": window.view_bar.freeze.click,
        "channel": lambda: _next_channel(actions),
        "zoom_in": lambda: window.scope.zoom(-1),
        "zoom_out": lambda: window.scope.zoom(1),
        "lock": window.levels.lock.click,
        "link": window.levels.link.click,
        "louder_level": lambda: _nudge(actions, _STEP),
        "softer_level": lambda: _nudge(actions, 1.0 / _STEP),
        "reset": actions.reset_counters,
        "theme": lambda: actions.set_theme(
            "light" if window.theme.name == "dark" else "dark"
        ),
        "open": actions.open_file,
        "pause": window.transport.pause.click,
        "export": window.transport.export.click,
        "effects": window.effects.show_menu,
        "save": actions.chain.save_preset,
        "panel": actions.toggle_panel,
        "menu": actions.show_menu,
        "keys": actions.show_keys,
        "quit": window.close,
    }


def install(actions: Actions) -> None:
    """Makes every key work."""
    does = table(actions)
    for key, name, _ in KEYS:
        shortcut = QShortcut(QKeySequence(key), actions.window)
        shortcut.setAutoRepeat(name in ("zoom_in", "zoom_out"))
        shortcut.activated.connect(does[name])
    presses = ReturnPresses(actions.window)
    for one in actions.window.findChildren(QPushButton):
        one.installEventFilter(presses)


def _turn(actions: Actions, view: str) -> None:
    """There and back again."""
    back = actions.window.view == view
    actions.window.show_view("wave" if back else view)


def _next_channel(actions: Actions) -> None:
    model = actions.session.model
    if model:
        actions.set_channel((model.channel + 1) % model.n_channels)
        actions.window.view_bar.show_channel(model.channel)


def _nudge(actions: Actions, factor: float) -> None:
    model = actions.session.model
    if model and model.levels.high > 0.0:
        actions.chain.move_level(1, model.levels.high * factor)
