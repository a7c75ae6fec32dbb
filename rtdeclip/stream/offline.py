"""Whole signals in memory: the same Stream in a loop, and restorers beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, SettingError
from rtdeclip.stream import registry
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.levels import (
    LevelScanner,
    LevelSchedule,
    ScheduledDetector,
    Segment,
)
from rtdeclip.stream.processor import Method, Restorer, Value
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples, Signs

DEFAULT_PROCESSOR = "best"


def declip(
    x: NDArray[np.floating[Any]],
    sample_rate: int,
    processor: str | Method = DEFAULT_PROCESSOR,
    settings: Mapping[str, Value] | None = None,
    *,
    level: float | tuple[float, float] | None = None,
) -> Samples:
    """A clipped signal with its peaks restored; float, peaks may pass full scale.

    Args:
        x: ``(n_samples,)`` or ``(n_samples, n_channels)``, floating, full scale ±1.
            Non-finite samples are taken as 0.
        sample_rate: Hz, 8000 to 192000.
        processor: name of a processor or restorer (``rtdeclip processors``).
        settings: its settings by name.
        level: the clip level (linear, > 0), or (high, low) magnitudes; None finds it
            per channel, polarity and stretch of time.

    Returns:
        same shape as ``x``, float32; reliable samples are equal bit for bit.

    Raises:
        InputError: not floating, or neither one- nor two-dimensional.
        SettingError: a level or setting is out of range.
        PluginError: no such processor.

    Example:
        >>> import numpy as np
        >>> sine = np.sin(np.arange(4800) * 0.05).astype(np.float32)
        >>> restored = declip(np.clip(sine, -0.7, 0.7), 48000)
        >>> bool(abs(restored).max() > 0.8)
        True
    """
    given = np.asarray(x)
    if given.ndim not in (1, 2) or not np.issubdtype(given.dtype, np.floating):
        raise InputError(
            f"The audio is {given.dtype} of shape {given.shape}; give floating-point "
            "samples, (n_samples,) or (n_samples, n_channels), full scale ±1."
        )
    columns = np.asarray(given, np.float32)
    columns = columns[:, None] if given.ndim == 1 else columns
    method = registry.find(processor) if isinstance(processor, str) else processor
    levels = find_levels(columns, sample_rate, level)
    out = restore(columns, sample_rate, method, levels, settings)
    return out[:, 0] if given.ndim == 1 else out


def find_levels(
    x: Samples,
    sample_rate: int,
    level: float | tuple[float, float] | None = None,
) -> list[LevelSchedule]:
    """The clip levels of a whole signal, per channel; given ones need no search.

    Args:
        x: ``(n_samples, n_channels)`` float32.
        sample_rate: Hz.
        level: see ``declip``.

    Raises:
        SettingError: a given level is not above 0.
    """
    if level is None:
        scanner = LevelScanner(sample_rate, x.shape[1])
        scanner.feed(np.where(np.isfinite(x), x, np.float32(0)))
        return scanner.finish()
    high, low = level if isinstance(level, tuple) else (level, level)
    if not (high > 0 and low > 0):
        raise SettingError(
            f"The clip level is {level}; give a magnitude above 0, linear "
            "(full scale is 1)."
        )
    whole = Segment(0, len(x), Plateau.digital(high), Plateau.digital(low))
    return [LevelSchedule((whole,))] * x.shape[1]


def restore(
    x: Samples,
    sample_rate: int,
    method: Method,
    levels: Sequence[LevelSchedule],
    settings: Mapping[str, Value] | None = None,
    *,
    consistency: bool = True,
) -> Samples:
    """A whole signal restored by any method, streaming or not; latency trimmed.

    Args:
        x: ``(n_samples, n_channels)`` float32.
        sample_rate: Hz.
        method: a processor or a restorer.
        levels: the clip levels, one schedule per channel.
        settings: the method's settings by name.
        consistency: False hands out the method's raw output (the papers' rows).

    Returns:
        ``(n_samples, n_channels)`` float32, new.

    Raises:
        InputError: ``x`` is not two-dimensional.
        SettingError: a setting is unknown or out of range.
        PluginError: an effect was given, or the method returned nonsense.
    """
    if x.ndim != 2:
        raise InputError(
            f"The audio has shape {x.shape}; give (n_samples, n_channels). "
            "For one channel: x[:, None]."
        )
    if method.kind == "restorer":
        return _whole(x, sample_rate, method, levels, settings or {}, consistency)
    stream = Stream(
        sample_rate,
        x.shape[1],
        method,
        settings,
        levels=levels,
        consistency=consistency,
    )
    late = stream.latency_samples
    return np.concatenate([stream.feed(x), stream.flush()])[late:]


def masks(x: Samples, levels: Sequence[LevelSchedule]) -> tuple[Signs, Samples]:
    """``sign`` and ``bound`` of a whole signal, as ``Restorer.restore`` takes them.

    Args:
        x: ``(n_samples, n_channels)`` float32.
        levels: one schedule per channel.
    """
    sign = np.zeros(x.shape, np.int8)
    bound = np.zeros(x.shape, np.float32)
    if len(x):
        clip = Clip(len(x))
        for c, schedule in enumerate(levels):
            column = np.ascontiguousarray(x[:, c])
            ScheduledDetector(schedule, len(x)).process(column, clip)
            sign[:, c], bound[:, c] = clip.sign, clip.bound
    return sign, bound


def project(x: Samples, y: Samples, sign: Signs, bound: Samples) -> Samples:
    """x̂ projected onto what is known: reliable = y, clipped at or beyond the bound.

    Args:
        x: the restoration; samples that are not finite become y.
        y: the clipped signal.
        sign: its mask.
        bound: the magnitude ``sign · x`` must reach; all four of the same shape.
    """
    sound = np.where(np.isfinite(x), x, y)
    return np.where(sign == 0, y, sign * np.maximum(sign * sound, bound))


def _whole(
    x: Samples,
    sample_rate: int,
    method: Method,
    levels: Sequence[LevelSchedule],
    settings: Mapping[str, Value],
    consistency: bool,
) -> Samples:
    y = np.where(np.isfinite(x), x, np.float32(0))
    sign, bound = masks(y, levels)
    if not len(y):
        return y
    restorer: Restorer = method.build(sample_rate, x.shape[1], **dict(settings))
    out = restorer.restore(y, sign, bound, sample_rate)
    everywhere = method.scope == "all"
    return project(out, y, sign, bound) if consistency and not everywhere else out
