"""Compiles and caches every kernel a stream of one method at one rate needs."""

import numpy as np

from rtdeclip.live.warm import mark_ready
from rtdeclip.stream.headroom import LiveHeadroom
from rtdeclip.stream.offline import find_levels
from rtdeclip.stream.processor import Method
from rtdeclip.stream.stream import Stream


def warm(method: Method, sample_rate: int) -> None:
    """Sends half a second of clipped noise through a live and a file stream.

    Args:
        method: a streaming processor.
        sample_rate: Hz.
    """
    noise = np.random.default_rng(0).standard_normal((sample_rate // 2, 1))
    clipped = np.clip(noise, -0.5, 0.5).astype(np.float32)
    levels = find_levels(clipped, sample_rate)
    for locked in (None, levels):
        stream = Stream(
            sample_rate,
            processor=method,
            levels=locked,
            post=[LiveHeadroom(sample_rate)],
        )
        stream.feed(clipped)
        stream.flush()
    mark_ready(method.name)


def warm_live() -> None:
    """The callback and the worker; what a Stream needs, ``warm`` compiles."""
    from rtdeclip.live.callback import compile_callback
    from rtdeclip.live.worker import warm_kernels

    warm_kernels()
    compile_callback()
