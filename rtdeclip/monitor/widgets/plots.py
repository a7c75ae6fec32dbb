"""How all plots look: one place for pens, axes and corner labels."""

from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QGraphicsItem

from rtdeclip.monitor.theme import Theme

AXIS_WIDTH = 42
_POINT_SIZE = 10


def pen(colour: str, width: float = 1.0, *, dashed: bool = False) -> Any:
    """A pen whose width does not scale."""
    style = (
        pg.QtCore.Qt.PenStyle.DashLine if dashed else pg.QtCore.Qt.PenStyle.SolidLine
    )
    return pg.mkPen(QColor(colour), width=width, style=style)


def clear(colour: str, alpha: int) -> QColor:
    """``colour`` with an alpha of 0 … 255."""
    made = QColor(colour)
    made.setAlpha(alpha)
    return made


def small_font() -> QFont:
    """For ticks and corner labels."""
    font = QFont()
    font.setPixelSize(_POINT_SIZE)
    return font


def prepare(plot: Any) -> None:
    """No menus, no automatic range, nothing that the mouse could break."""
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(False, False)
    plot.enableAutoRange(False)
    plot.setClipToView(False)
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        _keep_drawn(axis)
        axis.setStyle(tickFont=small_font(), tickLength=-4, autoExpandTextSpace=False)
    plot.getAxis("left").setWidth(AXIS_WIDTH)
    plot.getAxis("bottom").setHeight(18)


def _keep_drawn(item: QGraphicsItem) -> None:
    """Text and axes are drawn once, not in every frame."""
    item.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)


def paint(plot: Any, theme: Theme) -> None:
    """The theme's colours on one plot's background and axes."""
    plot.getViewBox().setBackgroundColor(theme.plot)
    plot.getViewBox().setBorder(pen(theme.line))
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        axis.setPen(pen(theme.line))
        axis.setTextPen(pen(theme.muted))


class CornerLabel:
    """A word in the upper left corner of a plot.

    Args:
        plot: where.
        x: pixels from the left edge.
        y: pixels from the top.
    """

    def __init__(self, plot: Any, x: float = 4, y: float = 0) -> None:
        self._item = pg.TextItem("", anchor=(0, 0))
        self._item.setFont(small_font())
        self._item.setParentItem(plot.getViewBox())
        self._item.setPos(x, y)
        self._item.setZValue(50)
        _keep_drawn(self._item.textItem)

    def set(self, html: str) -> None:
        """Shows HTML."""
        self._item.setHtml(html)


def side_text(plot: Any, *, top: bool) -> Any:
    """Small text that ends at the right edge, above or below its place."""
    item = pg.TextItem("", anchor=(1.0, 1.0 if top else 0.0))
    item.setFont(small_font())
    item.setZValue(30)
    _keep_drawn(item.textItem)
    plot.addItem(item, ignoreBounds=True)
    return item


def swatch(colour: str, text: str, theme: Theme) -> str:
    """HTML of a coloured square and its meaning."""
    return (
        f'<span style="color:{colour}">■</span> '
        f'<span style="color:{theme.muted}">{text}</span>&nbsp;&nbsp;'
    )
