"""The panel at the right: everything about the chain, in the order of the sound."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from rtdeclip.monitor.widgets.cards import SPACE
from rtdeclip.monitor.widgets.effects_card import EffectsCard
from rtdeclip.monitor.widgets.event_log import EventLog
from rtdeclip.monitor.widgets.level_card import LevelCard
from rtdeclip.monitor.widgets.output_cards import HeadroomCard, PresetCard
from rtdeclip.monitor.widgets.processor_card import ProcessorCard

_WIDTH = 246
_SCROLL_BAR = 11
_TALL = 640
"""Pixels from which the processor's settings are unfolded at the start."""


class SidePanel(QScrollArea):
    """Preset, processor, clip levels, effects, headroom and log."""

    def __init__(self) -> None:
        super().__init__()
        self.presets, self.processor = PresetCard(), ProcessorCard()
        self.levels, self.effects = LevelCard(), EffectsCard()
        self.headroom, self.log = HeadroomCard(), EventLog()
        inside = QWidget()
        inside.setObjectName("inside")
        inside.setFixedWidth(_WIDTH - _SCROLL_BAR)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE - 2)
        cards = (self.presets, self.processor, self.levels, self.effects, self.headroom)
        for card in cards:
            column.addWidget(card)
        column.addWidget(self.log, 1)
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedWidth(_WIDTH)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def unfold(self) -> None:
        """Shows the processor's settings where there is room for them."""
        if self.height() > _TALL:
            self.processor.unfold()
