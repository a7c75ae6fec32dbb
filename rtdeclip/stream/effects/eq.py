"""Three-band equaliser: low shelf, bell, high shelf. Latency 0; 15 ns per sample.

Corner frequencies above 0.45 times the sample rate are held there.
"""

import numpy as np

from rtdeclip.errors import SettingError
from rtdeclip.stream.effects.biquad import BiquadCascade, Coefficients, peak, shelf
from rtdeclip.stream.processor import Method, Setting, Value

_MID_Q = 0.7


def _gain(band: str) -> Setting:
    return Setting(
        f"{band}_db",
        0.0,
        f"gain of the {band} band",
        unit="dB",
        low=-24.0,
        high=24.0,
        applies="live",
    )


def _frequency(band: str, default: float, what: str) -> Setting:
    return Setting(
        f"{band}_hz",
        default,
        what,
        unit="Hz",
        low=20.0,
        high=20000.0,
        applies="live",
    )


SETTINGS = (
    _gain("low"),
    _gain("mid"),
    _gain("high"),
    _frequency("low", 200.0, "corner of the low shelf"),
    _frequency("mid", 1000.0, "centre of the bell"),
    _frequency("high", 5000.0, "corner of the high shelf"),
)


class Equaliser(BiquadCascade):
    """Low shelf, bell and high shelf in a row.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
        low_db: gain of the low shelf, −24 to 24 dB; so are the other two.
        mid_db: gain of the bell.
        high_db: gain of the high shelf.
        low_hz: corner of the low shelf, 20 to 20000 Hz; so are the other two.
        mid_hz: centre of the bell.
        high_hz: corner of the high shelf.
    """

    def __init__(
        self,
        sample_rate: int,
        n_channels: int = 1,
        low_db: float = 0.0,
        mid_db: float = 0.0,
        high_db: float = 0.0,
        low_hz: float = 200.0,
        mid_hz: float = 1000.0,
        high_hz: float = 5000.0,
    ) -> None:
        self._sample_rate = sample_rate
        self._chosen = {
            "low_db": low_db,
            "mid_db": mid_db,
            "high_db": high_db,
            "low_hz": low_hz,
            "mid_hz": mid_hz,
            "high_hz": high_hz,
        }
        super().__init__(sample_rate, n_channels, self._coefficients())

    def set_setting(self, name: str, value: Value) -> None:
        """Glide to another gain or frequency.

        Raises:
            SettingError: an unknown name, or a value out of range.
        """
        for setting in SETTINGS:
            if setting.name == name:
                self._chosen[name] = float(setting.parse(value))
                self.glide_to(self._coefficients())
                return
        raise SettingError(
            f"eq has no setting {name!r}; it has: {', '.join(self._chosen)}."
        )

    def _coefficients(self) -> Coefficients:
        k, rate = self._chosen, self._sample_rate
        return np.concatenate(
            [
                shelf(k["low_hz"], k["low_db"], rate, high=False),
                peak(k["mid_hz"], k["mid_db"], _MID_Q, rate),
                shelf(k["high_hz"], k["high_db"], rate, high=True),
            ]
        )


METHOD = Method(
    name="eq",
    summary="Three-band equaliser: low shelf, bell, high shelf.",
    make=Equaliser,
    kind="effect",
    scope="all",
    channels="joint",
    settings=SETTINGS,
    source='R. Bristow-Johnson, "Audio EQ Cookbook"',
)
