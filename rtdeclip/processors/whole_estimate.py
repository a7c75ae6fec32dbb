"""A streaming processor run over one whole channel whose clipped samples are known."""

import numpy as np

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.processor import Processor
from rtdeclip.types import Samples, Signs


def whole_estimate(
    processor: Processor, y: Samples, sign: Signs, bound: Samples
) -> Samples:
    """What a fresh ``processor`` makes of ``y``, its latency trimmed.

    Args:
        processor: of one channel; nothing is projected after it.
        y: ``(n_samples,)`` float32, the clipped signal.
        sign: ``(n_samples,)`` int8: 0 reliable, ±1 clipped high or low.
        bound: ``(n_samples,)`` float32 magnitude that ``sign · x`` must reach.

    Returns:
        ``(n_samples,)`` float32.
    """
    hop, late = processor.hop, processor.latency_samples
    padding = late + -(len(y) + late) % hop
    clip, parts = Clip(hop), []
    clip.high = clip.low = Plateau.digital(float(bound.max()))
    lines = [np.pad(line, (0, padding)) for line in (y, sign, bound)]
    for at in range(0, len(y) + padding, hop):
        here = slice(at, at + hop)
        clip.sign[:], clip.bound[:] = lines[1][here], lines[2][here]
        clip.count = int(np.count_nonzero(clip.sign))
        parts.append(processor.process(np.ascontiguousarray(lines[0][here]), clip))
        parts[-1] = parts[-1].copy()
    return np.concatenate(parts)[late : late + len(y)]
