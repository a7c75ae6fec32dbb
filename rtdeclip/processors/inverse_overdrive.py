"""inverse-overdrive: finds an overdrive's settings, then undoes it; whole signals.

``overdrive_fit`` names gain and colour from the loudest channel, and
``inverse-waveshaper`` inverts all channels with them. Samples that were cut at full
scale afterwards are filled in (``inverse_filled``). From 16-bit files of overdriven
sound 40 to 80 dB, in 1 to 3 s and 0.1 of real time. It refuses, and names the evidence,
what does not look like overdrive alone.
"""

import numpy as np

from rtdeclip.errors import InputError
from rtdeclip.processors.bypass import default_hop
from rtdeclip.processors.inverse_filled import FilledInverse
from rtdeclip.processors.inverse_waveshaper import InverseWaveshaper
from rtdeclip.processors.overdrive_fit import (
    CERTAIN_DB,
    OverdriveFit,
    fit_overdrive,
)
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method
from rtdeclip.types import Samples, Signs


class InverseOverdrive:
    """Undoes SoX's overdrive of unknown settings.

    Attributes:
        fit: what was found in the last signal, or None.
    """

    def __init__(self) -> None:
        self.fit: OverdriveFit | None = None

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """The clean signal; see ``Restorer.restore``.

        Raises:
            InputError: the sound is silent, too short, or shows no sign of overdrive.
        """
        loudest = int(np.argmax((y.astype(np.float64) ** 2).sum(axis=0)))
        self.fit = fit_overdrive(np.ascontiguousarray(y[:, loudest]), sample_rate)
        if self.fit.evidence_db < CERTAIN_DB:
            raise InputError(
                f"No overdrive was found: the best guess, {self.fit.gain_db:.1f} dB "
                f"and colour {self.fit.colour:.0f}, explains the sound by "
                f"{self.fit.evidence_db:.2f} dB, {CERTAIN_DB} dB are needed. Give the "
                "settings to inverse-waveshaper if you know them, or use a declipper."
            )
        columns = [self._undo(np.ascontiguousarray(c), sample_rate) for c in y.T]
        return np.stack(columns, axis=1)

    def _undo(self, y: Samples, sample_rate: int) -> Samples:
        assert self.fit is not None
        inverse = InverseWaveshaper(
            default_hop(sample_rate), "overdrive", self.fit.gain_db, self.fit.colour
        )
        filled = FilledInverse(inverse, sample_rate)
        hop, late = filled.hop, filled.latency_samples
        blocks = np.pad(y, (0, late + -(len(y) + late) % hop)).reshape(-1, hop)
        clip = Clip(hop)
        out = [filled.process(block, clip).copy() for block in blocks]
        return np.concatenate(out)[late : late + len(y)]


def make(sample_rate: int) -> InverseOverdrive:
    """One for any sample rate."""
    return InverseOverdrive()


METHOD = Method(
    name="inverse-overdrive",
    summary="Finds the settings of SoX overdrive and undoes it; whole file.",
    make=make,
    kind="restorer",
    scope="all",
    source="maximum likelihood of an autoregressive source; see overdrive_fit",
)
