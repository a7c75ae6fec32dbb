"""Small building blocks: cards with a heading, buttons, labels, numbers."""

from collections.abc import Callable

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QBoxLayout,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

SPACE = 8


class Card(QFrame):
    """A framed group under a heading.

    Args:
        heading: what it is about; empty for none.

    Attributes:
        body: the layout to add to.
        head: the heading's row, for a button at its right end.
    """

    def __init__(self, heading: str = "") -> None:
        super().__init__()
        self.setObjectName("card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(10, 6, 10, 7)
        self.body.setSpacing(6)
        self.head = QHBoxLayout()
        self.head.setSpacing(SPACE)
        if heading:
            self.setAccessibleName(heading)
            self.head.addWidget(label(heading.upper(), "heading"))
            self.head.addStretch()
            self.body.addLayout(self.head)


class OneLine(QLabel):
    """A sentence that ends in "…" where it is too long; the tooltip has all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumWidth(120)

    def tell(self, text: str) -> None:
        """Another sentence."""
        self.setText(text)
        self.setToolTip(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much as there is room for."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        room = self.contentsRect()
        shown = self.fontMetrics().elidedText(
            self.text(), Qt.TextElideMode.ElideRight, room.width()
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter, shown)


def label(text: str, style: str = "", *, wrap: bool = False) -> QLabel:
    """Text in one of the style sheet's styles."""
    made = QLabel(text)
    made.setObjectName(style)
    made.setWordWrap(wrap)
    return made


def button(
    text: str,
    does: Callable[[], object] | None = None,
    *,
    tip: str = "",
    key: str = "",
    checkable: bool = False,
    style: str = "",
) -> QPushButton:
    """A push button with tooltip, shortcut and accessible name.

    Args:
        text: on it.
        does: called when it is clicked.
        tip: what it does, one sentence; the key is added.
        key: shortcut, as ``QKeySequence`` reads it; shown in the tooltip only.
        checkable: it stays down.
        style: object name of the style sheet.
    """
    made = QPushButton(text)
    made.setObjectName(style)
    made.setCheckable(checkable)
    made.setAccessibleName(text or tip)
    made.setAccessibleDescription(tip)
    shown = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    made.setToolTip(f"{tip}  [{shown}]" if key else tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if does:
        made.clicked.connect(lambda: does())
    return made


class Menu(QComboBox):
    """A combo box with a triangle in the text's colour, which style sheets cannot."""

    def __init__(self, name: str, *, narrow: int = 8) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setMinimumContentsLength(narrow)
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """The box, then the triangle."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        colour = self.palette().color(self.foregroundRole())
        colour.setAlpha(255 if self.isEnabled() else 110)
        painter.setBrush(colour)
        x, y = self.width() - 16.0, 0.5 * self.height() - 2.0
        corners = [QPointF(x, y), QPointF(x + 8, y), QPointF(x + 4, y + 5)]
        painter.drawPolygon(QPolygonF(corners))


def plain(spin: QAbstractSpinBox) -> None:
    """A number field without arrows: it takes typing, the wheel and the arrow keys."""
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    spin.setMinimumWidth(64)


def row(*widgets: QWidget, stretch: int | None = None) -> QHBoxLayout:
    """Widgets side by side; ``stretch`` is the index of the one that grows."""
    layout = QHBoxLayout()
    layout.setSpacing(SPACE)
    for i, widget in enumerate(widgets):
        layout.addWidget(widget, 1 if i == stretch else 0)
    return layout


def empty(layout: QBoxLayout) -> None:
    """Removes everything from a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif isinstance(inner, QBoxLayout):
            empty(inner)
