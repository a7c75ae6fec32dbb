"""The counters of what went wrong, by kind, and how the sound is served."""

from PySide6.QtWidgets import QGridLayout, QWidget

from rtdeclip.live.telemetry import Status
from rtdeclip.monitor.widgets.cards import label

_SCHEDULERS = ("ordinary", "FIFO", "RTKit")


class Counters(QWidget):
    """Two columns of names and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Counters")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(1)
        names = (
            ("late hops", "Hops that were not ready in time and were played dry."),
            ("played dry", "How much sound was played dry because of late hops."),
            ("xruns in", "Over- and underflows that the input device reported."),
            ("xruns out", "Over- and underflows that the output device reported."),
            ("device stalls", "Gaps between callbacks above 1.5 periods."),
            ("faults", "Results of the processor that the host refused."),
            ("worker CPU", "Scheduling class of the worker's thread."),
            ("limiter", "Deepest gain reduction of the true-peak limiter."),
        )
        self._numbers = {}
        for i, (name, tip) in enumerate(names):
            heading, number = label(name, "muted"), label("–")
            for part in (heading, number):
                part.setToolTip(tip)
            number.setAccessibleName(name)
            column = 2 * (i % 2)
            grid.addWidget(heading, i // 2, column)
            grid.addWidget(number, i // 2, column + 1)
            self._numbers[name] = number
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)

    def show_status(self, s: Status) -> None:
        """Some four times a second."""
        texts = {
            "late hops": f"{s.late_hops:,}",
            "played dry": f"{s.starved_ms:,.0f} ms",
            "xruns in": f"{s.input_overflows + s.input_underflows:,}",
            "xruns out": f"{s.output_overflows + s.output_underflows:,}",
            "device stalls": f"{s.device_stalls:,}",
            "faults": f"{s.faults:,}",
            "worker CPU": _SCHEDULERS[min(s.scheduler, 2)],
            "limiter": f"{s.limiter_gain_db:.1f} dB".replace("-", "−"),
        }
        for name, text in texts.items():
            self._numbers[name].setText(text)
