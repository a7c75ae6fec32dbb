"""Controls made from the declared settings of a processor or effect."""

from collections.abc import Mapping

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from rtdeclip.monitor.widgets.cards import Menu, label, plain
from rtdeclip.stream.processor import Setting, Value

_SETTLE_MS = 350
"""A value is handed on when it has not changed for so long."""


class SettingsForm(QWidget):
    """One row per setting; knows nothing about the processor itself.

    Signals:
        changed: all values, as a dict, once the user's hand is still.
    """

    changed = Signal(dict)

    def __init__(self) -> None:
        super().__init__()
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(8)
        self._form.setVerticalSpacing(4)
        self._values: dict[str, Value] = {}
        self._settings: tuple[Setting, ...] = ()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(lambda: self.changed.emit(dict(self._values)))

    @property
    def values(self) -> dict[str, Value]:
        """As they stand."""
        return dict(self._values)

    def show_settings(
        self, settings: tuple[Setting, ...], values: Mapping[str, Value]
    ) -> None:
        """Builds the rows anew; ``values`` may leave some out."""
        self._timer.stop()
        while self._form.rowCount():
            self._form.removeRow(0)
        self._settings = settings
        self._values = {s.name: values.get(s.name, s.default) for s in settings}
        for setting in settings:
            editor = self._editor(setting)
            editor.setToolTip(setting.summary)
            editor.setAccessibleName(_title(setting))
            editor.setAccessibleDescription(setting.summary)
            heading = label(_title(setting), "muted")
            heading.setToolTip(setting.summary)
            heading.setBuddy(editor)
            heading.setMinimumHeight(editor.sizeHint().height())
            self._form.addRow(heading, editor)

    def _set(self, name: str, value: Value) -> None:
        if self._values[name] != value:
            self._values[name] = value
            self._timer.start()

    def _editor(self, s: Setting) -> QWidget:
        value = self._values[s.name]
        if isinstance(s.default, bool):
            return self._check_box(s, bool(value))
        if isinstance(s.default, int):
            return self._integer(s, int(value))
        if isinstance(s.default, float):
            return self._number(s, float(value))
        if s.choices:
            return self._words(s, str(value))
        return self._text(s, str(value))

    def _check_box(self, s: Setting, value: bool) -> QWidget:
        box = QCheckBox("on")
        box.setChecked(value)
        box.toggled.connect(lambda on: self._set(s.name, bool(on)))
        return box

    def _integer(self, s: Setting, value: int) -> QWidget:
        spin = QSpinBox()
        plain(spin)
        spin.setRange(
            round(s.low) if s.low is not None else -(2**31) + 1,
            round(s.high) if s.high is not None else 2**31 - 1,
        )
        spin.setSuffix(f" {s.unit}" if s.unit else "")
        spin.setValue(value)
        spin.valueChanged.connect(lambda v: self._set(s.name, int(v)))
        return spin

    def _number(self, s: Setting, value: float) -> QWidget:
        spin = QDoubleSpinBox()
        plain(spin)
        low = s.low if s.low is not None else -1e9
        high = s.high if s.high is not None else 1e9
        span = high - low
        spin.setDecimals(1 if span >= 50 else 2 if span >= 2 else 4)
        spin.setRange(low, high)
        spin.setSingleStep(span / 100 if span < 1e6 else 1.0)
        spin.setSuffix(f" {s.unit}" if s.unit else "")
        spin.setValue(value)
        spin.valueChanged.connect(lambda v: self._set(s.name, float(v)))
        return spin

    def _words(self, s: Setting, value: str) -> QWidget:
        box = Menu(_title(s), narrow=6)
        box.addItems(s.choices)
        box.setCurrentText(value)
        box.currentTextChanged.connect(lambda v: self._set(s.name, str(v)))
        return box

    def _text(self, s: Setting, value: str) -> QWidget:
        line = QLineEdit(value)
        line.setPlaceholderText(s.summary)
        line.editingFinished.connect(lambda: self._set(s.name, line.text()))
        return line


def _title(s: Setting) -> str:
    unit = f"_{s.unit.lower()}"
    name = s.name.removesuffix(unit) if s.unit else s.name
    return name.replace("_", " ")
