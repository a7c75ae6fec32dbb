"""inverse-overdrive: finds an overdrive's settings, then undoes it; whole signals.

``overdrive_fit`` names gain and colour from the loudest channel, and
``inverse-waveshaper`` inverts all channels with them. Samples that were cut at full
scale afterwards are known by their sign and their least magnitude only, which is
ordinary clipping: ``ar`` restores them. From 16-bit files of overdriven sound 40 to 80
dB, in 1 to 3 s and 0.1 of real time. It refuses, and names the evidence, what does not
look like overdrive alone.
"""

import numpy as np

from rtdeclip.errors import InputError
from rtdeclip.processors import ar
from rtdeclip.processors.inverse_waveshaper import InverseWaveshaper
from rtdeclip.processors.overdrive_fit import (
    CERTAIN_DB,
    OverdriveFit,
    fit_overdrive,
)
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method
from rtdeclip.types import Samples, Signs

FULL_SCALE = 1.0 - 1.5 * 2.0**-15  # the highest 16-bit sample, and what is above it


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
            len(y), "overdrive", self.fit.gain_db, self.fit.colour
        )
        x = inverse.process(y, Clip(len(y)))
        cut = np.abs(y) >= FULL_SCALE
        return _declip(x, np.sign(y).astype(np.int8) * cut, sample_rate)


def _declip(x: Samples, sign: Signs, sample_rate: int) -> Samples:
    """``x`` with the samples of ``sign`` raised from the bound that they are now."""
    if not sign.any():
        return x
    processor = ar.make(sample_rate)
    hop, late = processor.hop, processor.latency_samples
    n_blocks = -(-(len(x) + late) // hop)
    padding = n_blocks * hop - len(x)
    blocks = np.pad(x, (0, padding)).reshape(n_blocks, hop)
    signs = np.pad(sign, (0, padding)).reshape(n_blocks, hop)
    out = np.empty_like(blocks)
    clip = Clip(hop)
    for block, marks, filled in zip(blocks, signs, out, strict=True):
        clip.sign[:] = marks
        clip.bound[:] = np.abs(block) * (marks != 0)
        clip.count = int(np.count_nonzero(marks))
        filled[:] = processor.process(block, clip)
    restored = out.reshape(-1)[late : late + len(x)]
    raised = sign * np.maximum(sign * restored, np.abs(x))
    return np.where(sign == 0, x, raised)


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
