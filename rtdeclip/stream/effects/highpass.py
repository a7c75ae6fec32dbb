"""High-pass that removes DC offset and rumble. Latency 0; about 5 ns per sample.

Before the declipper it tilts the plateaus that detection looks for, so it belongs
after it, unless the clipping came later than the rumble (a clean DC step does not).
"""

from rtdeclip.errors import SettingError
from rtdeclip.stream.effects.biquad import BiquadCascade, high_pass
from rtdeclip.stream.processor import Method, Setting, Value

CORNER_HZ = Setting(
    "corner_hz",
    20.0,
    "frequency that is 3 dB quieter; below it 12 dB per octave",
    unit="Hz",
    low=0.5,
    high=2000.0,
    applies="live",
)


class HighPass(BiquadCascade):
    """Butterworth high-pass of second order.

    Args:
        sample_rate: Hz.
        n_channels: 1 or more.
        corner_hz: 0.5 to 2000 Hz.
    """

    def __init__(
        self, sample_rate: int, n_channels: int = 1, corner_hz: float = 20.0
    ) -> None:
        self._sample_rate = sample_rate
        super().__init__(sample_rate, n_channels, high_pass(corner_hz, sample_rate))

    def set_setting(self, name: str, value: Value) -> None:
        """Glide to another ``corner_hz``.

        Raises:
            SettingError: another name, or a value out of range.
        """
        if name != CORNER_HZ.name:
            raise SettingError(f"highpass has no setting {name!r}; it has: corner_hz.")
        corner_hz = float(CORNER_HZ.parse(value))
        self.glide_to(high_pass(corner_hz, self._sample_rate))


METHOD = Method(
    name="highpass",
    summary="Removes DC offset and rumble; use it after the declipper.",
    make=HighPass,
    kind="effect",
    scope="all",
    channels="joint",
    settings=(CORNER_HZ,),
    source='R. Bristow-Johnson, "Audio EQ Cookbook"',
)
