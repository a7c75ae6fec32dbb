"""Colours and style sheet, dark and light.

Curves use the palette of Okabe and Ito, which stays distinct for all common kinds of
colour vision; every colour is accompanied by a place, a shape or a word.
"""

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["dark", "light"]

SKY_BLUE, BLUE = "#56B4E9", "#0072B2"
GREEN, YELLOW = "#009E73", "#F0E442"
ORANGE, VERMILLION, PURPLE = "#E69F00", "#D55E00", "#CC79A7"


@dataclass(frozen=True, slots=True)
class Theme:
    """All colours of one theme, ``#rrggbb``.

    Args:
        name: ``dark`` or ``light``.
        window: behind everything.
        panel: of cards and bars.
        raised: of buttons and fields.
        plot: behind curves.
        line: borders.
        grid: lines inside plots.
        text: at least 7:1 on ``window``.
        muted: at least 4.5:1.
        source: the input's curve.
        output: the output's curve.
        clip: clipped samples and clip levels.
        repaired: what the restoration added.
        accent: what is switched on; white text on it has at least 4.5:1.
        focus: ring around what has the keyboard.
    """

    name: ThemeName
    window: str
    panel: str
    raised: str
    plot: str
    line: str
    grid: str
    text: str
    muted: str
    source: str
    output: str
    clip: str
    repaired: str
    accent: str
    focus: str


DARK = Theme(
    name="dark",
    window="#14171b",
    panel="#1b1f25",
    raised="#282e36",
    plot="#0f1215",
    line="#2f363f",
    grid="#242a31",
    text="#e9ecef",
    muted="#9ca7b3",
    source=SKY_BLUE,
    output=GREEN,
    clip=VERMILLION,
    repaired=ORANGE,
    accent=BLUE,
    focus=SKY_BLUE,
)
LIGHT = Theme(
    name="light",
    window="#eef0f3",
    panel="#f8f9fa",
    raised="#ffffff",
    plot="#ffffff",
    line="#cfd5db",
    grid="#e6e9ed",
    text="#16191d",
    muted="#56606b",
    source=BLUE,
    output=GREEN,
    clip=VERMILLION,
    repaired=ORANGE,
    accent=BLUE,
    focus=BLUE,
)
THEMES: dict[str, Theme] = {"dark": DARK, "light": LIGHT}


def style_sheet(t: Theme) -> str:
    """Qt's style sheet for the whole window."""
    return f"""
* {{ font-size: 12px; color: {t.text}; }}
QMainWindow, QDialog, #page {{ background: {t.window}; }}
QToolTip {{ background: {t.raised}; border: 1px solid {t.line}; padding: 4px; }}
QScrollArea, #inside {{ background: transparent; border: 0; }}
#card {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; }}
#bar {{ background: {t.panel}; border-bottom: 1px solid {t.line}; }}
#foot {{ background: {t.panel}; border-top: 1px solid {t.line}; }}
#heading {{ color: {t.muted}; font-size: 11px; font-weight: 600; }}
#muted {{ color: {t.muted}; }}
#caption {{ color: {t.muted}; font-size: 11px; }}
#number {{ font-size: 15px; font-weight: 600; }}
#title {{ font-size: 22px; font-weight: 600; }}
#problem {{ background: {t.clip}; border-radius: 6px; }}
#problem QLabel {{ color: #ffffff; font-weight: 600; }}
QPushButton, QToolButton, QComboBox, QLineEdit, QSpinBox, QDoubleSpinBox {{
  background: {t.raised}; border: 1px solid {t.line}; border-radius: 5px;
  padding: 3px 9px; min-height: 20px; }}
QPushButton:hover, QToolButton:hover, QComboBox:hover {{ border-color: {t.muted}; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus,
QSpinBox:focus, QDoubleSpinBox:focus {{ border: 1px solid {t.focus}; }}
QPushButton:checked, QToolButton:checked, #primary {{
  background: {t.accent}; border-color: {t.accent}; color: #ffffff; }}
#primary {{ font-weight: 600; }}
#primary:focus {{ border: 1px solid {t.text}; }}
#big {{ font-size: 16px; font-weight: 600; padding: 10px 28px; color: #ffffff;
  background: {t.accent}; border-color: {t.accent}; }}
QPushButton:disabled, QToolButton:disabled, QComboBox:disabled, QLabel:disabled,
QSpinBox:disabled, QDoubleSpinBox:disabled, QCheckBox:disabled {{
  color: {t.muted}; }}
QSpinBox, QDoubleSpinBox {{ padding: 2px 6px; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; border: 0; }}
QAbstractSpinBox QLineEdit {{ background: transparent; border: 0; padding: 0;
  min-height: 0; }}
#small {{ padding: 1px 8px; min-height: 16px; font-size: 11px; }}
#fold {{ text-align: left; padding: 1px 8px; min-height: 18px; }}
#fold:checked {{ background: {t.raised}; border-color: {t.accent};
  color: {t.text}; }}
#flat {{ background: transparent; border-color: transparent; }}
#flat:checked {{ background: {t.accent}; border-color: {t.accent}; }}
#flat:focus {{ border-color: {t.focus}; }}
QComboBox {{ padding-right: 22px; }}
QComboBox::drop-down {{ border: 0; width: 18px; }}
QComboBox QAbstractItemView, QMenu {{
  background: {t.raised}; border: 1px solid {t.line};
  selection-background-color: {t.accent}; selection-color: #ffffff; }}
QMenu::item {{ padding: 5px 22px; }}
QMenu::item:selected {{ background: {t.accent}; color: #ffffff; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.line}; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -6px 0;
  border-radius: 7px; background: {t.text}; border: 0; }}
QSlider::handle:horizontal:focus {{ background: {t.focus}; }}
QSlider {{ background: transparent; min-height: 22px; }}
QCheckBox {{ spacing: 6px; }}
QScrollBar:vertical {{ background: transparent; width: 9px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {t.line}; border-radius: 4px;
  min-height: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QListWidget {{ background: transparent; border: 0; font-size: 11px; }}
QListWidget::item {{ padding: 2px 0; color: {t.muted}; }}
QHeaderView::section {{ background: {t.panel}; border: 0;
  border-bottom: 1px solid {t.line}; padding: 4px; color: {t.muted}; }}
QTableWidget {{ background: {t.plot}; gridline-color: {t.grid}; border: 0; }}
QProgressBar {{ background: {t.raised}; border: 0; border-radius: 3px;
  max-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
"""
