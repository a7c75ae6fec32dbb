"""Where the window is on the desktop, from one day to the next."""

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from rtdeclip.monitor.preferences import Preferences

_GRIP = 40
"""Pixels of the title bar that must be on a screen for the window to be caught."""


def restore(window: QMainWindow, preferences: Preferences) -> None:
    """Puts the window where it was, unless that screen is gone."""
    window.resize(preferences.width, preferences.height)
    corner = QPoint(preferences.x, preferences.y)
    if preferences.x >= 0 and preferences.y >= 0 and _reachable(corner):
        window.move(corner)
    if preferences.maximised:
        window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)


def remember(window: QMainWindow, preferences: Preferences) -> None:
    """Writes down where the window is; maximised, where it would go back to."""
    preferences.maximised = window.isMaximized()
    place = window.normalGeometry() if preferences.maximised else window.geometry()
    corner = place.topLeft() if preferences.maximised else window.pos()
    preferences.width, preferences.height = place.width(), place.height()
    preferences.x, preferences.y = corner.x(), corner.y()


def _reachable(corner: QPoint) -> bool:
    grip = QRect(corner, corner + QPoint(_GRIP, _GRIP))
    screens = QGuiApplication.screens()
    return any(screen.availableGeometry().contains(grip) for screen in screens)
