"""best: the most quality, for files, where latency does not matter.

The mean of A-SPADE at two frame lengths: 32 and 64 ms up to 24 kHz (speech), 93 and
186 ms above (music). They err differently, so the mean is better than either: on the
test audio +0.1 to +0.4 dB over the better one. For speech, linear prediction joins
with a share of up to a half where clipping is light (+0.2 to +1 dB from 7 dB input SDR
upwards); for music it gains nothing beside frames this long.

It streams like every processor, so a file of any length takes the same memory.
Latency: the longest frame. What did not win, measured on test audio: 16, 128 ms
(speech) and 46 ms (music) frames, alone or as a third; linear prediction with music;
choosing one frame length by severity.
"""

import numpy as np

from rtdeclip.processors import ar, aspade
from rtdeclip.processors.bypass import default_hop
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.processor import Method, Processor, Setting
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.types import Samples

SPEECH_HZ = 24000
WINDOWS_MS = {"speech": (32.0, 64.0), "music": (93.0, 186.0)}
AR_SHARE = 0.5  # of linear prediction, where clipping is lightest
AR_LIMIT = 0.6  # severity at which its share has fallen to zero
MEMORY_MS = 200.0  # of clipped sound: time constant of the severity


class Best:
    """The mean of some processors, and a severity-dependent share of one more.

    Args:
        members: of the mean.
        light: joins where clipping is light; None: nothing does.
        hop: block length in samples.
        sample_rate: Hz.
    """

    def __init__(
        self,
        members: list[Processor],
        light: Processor | None,
        hop: int,
        sample_rate: int,
    ) -> None:
        everyone = [*members, light] if light else members
        slowest = max(fit_processor(one, hop, 0).latency_samples for one in everyone)
        self._members = [fit_processor(one, hop, slowest) for one in members]
        self._light = fit_processor(light, hop, slowest) if light else None
        self.hop, self.latency_samples = hop, slowest
        self._forget = 1 - np.exp(-1e3 * hop / (MEMORY_MS * sample_rate))
        self._mixed = np.zeros(hop, np.float32)
        self.reset()

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        self._mixed[:] = self._members[0].process(block, clip)
        for member in self._members[1:]:
            self._mixed += member.process(block, clip)
        self._mixed *= np.float32(1 / len(self._members))
        if self._light:
            self._join(self._light.process(block, clip), clip)
        return self._mixed

    def reset(self) -> None:
        """Forgets all audio and the severity."""
        for member in self._members:
            member.reset()
        if self._light:
            self._light.reset()
        self._clipped, self._squared = 1.0, AR_LIMIT * self.hop

    def _join(self, wet: Samples, clip: Clip) -> None:
        """Mixes the light one in; its share follows the severity of clipped blocks."""
        if clip.count:
            self._clipped += self._forget * (clip.count - self._clipped)
            self._squared += self._forget * (clip.count**2 - self._squared)
        severity = self._squared / (self._clipped * self.hop)
        share = np.float32(AR_SHARE * max(0.0, 1 - severity / AR_LIMIT))
        self._mixed += share * (wet - self._mixed)


def make(sample_rate: int, growth: float = 0.03, hop: int = 0) -> Best:
    """``best`` for ``sample_rate``; settings as declared in ``METHOD``."""
    speech = sample_rate <= SPEECH_HZ
    windows = WINDOWS_MS["speech" if speech else "music"]
    return Best(
        [
            aspade.METHOD.build(sample_rate, window_ms=window_ms, growth=growth)
            for window_ms in windows
        ],
        ar.METHOD.build(sample_rate) if speech else None,
        hop or default_hop(sample_rate),
        sample_rate,
    )


METHOD = Method(
    name="best",
    summary="The most quality, for files: A-SPADE at two frame lengths, averaged.",
    make=make,
    settings=(
        Setting("growth", 0.03, "A-SPADE's schedule; smaller is slower", "", 0.01, 0.3),
        Setting("hop", 0, "block length; 0 chooses by rate", "samples", 0, 16384),
    ),
    source="as aspade and ar; the averages are this project's own",
)
