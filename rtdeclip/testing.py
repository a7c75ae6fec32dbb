"""The contract of a processor as a test kit, for plug-in authors and for ourselves.

In a plug-in's test file::

    from rtdeclip.testing import check_processor
    from my_package.my_module import METHOD

    def test_my_method_keeps_the_contract():
        check_processor(METHOD)

The dummies below each do one thing on purpose, right or wrong; hosts are tested
with them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.levels import LevelSchedule, Segment
from rtdeclip.stream.processor import Method, Processor, Value
from rtdeclip.stream.stream import Stream
from rtdeclip.types import Samples

LEVEL = 0.5


def check_processor(
    method: Method,
    sample_rate: int = 48000,
    n_channels: int = 2,
    **settings: Value,
) -> None:
    """Raises AssertionError, in words, where a processor breaks the contract.

    Args:
        method: the processor's declaration.
        sample_rate: Hz; one of ``method.rates`` if that names any.
        n_channels: channels of the test streams.
        settings: settings other than the defaults.

    It checks: constant hop and latency, shapes and dtypes, no writing to the input,
    equal bits after ``reset`` and for any split of the stream, finite output for
    silence, full scale, all-clipped and level changes; and, through the host, that
    reliable samples leave bit-exact after exactly the declared latency, that clipped
    ones leave at or beyond the bound, and that unclipped input passes untouched.
    """
    kit = _Kit(method, sample_rate, n_channels, settings)
    kit.shapes_and_constants()
    kit.reset_starts_anew()
    kit.any_split_gives_the_same_bits()
    kit.hard_signals_stay_finite()
    if method.scope == "clipped":
        kit.reliable_samples_are_exact()
        kit.unclipped_input_passes()


class _Kit:
    """One method under test."""

    def __init__(
        self,
        method: Method,
        sample_rate: int,
        n_channels: int,
        settings: dict[str, Value],
    ) -> None:
        self.method, self.rate, self.n_channels = method, sample_rate, n_channels
        self.settings = settings
        self.stream = self._make_stream()

    def shapes_and_constants(self) -> None:
        joint = self.method.channels == "joint"
        made: Processor = self.method.build(self.rate, self.n_channels, **self.settings)
        hop, latency = made.hop, made.latency_samples
        assert isinstance(hop, int), f"hop is {hop!r}, not an int"
        assert hop >= 1, f"hop is {hop}, it must be at least 1"
        assert isinstance(latency, int), f"latency_samples is {latency!r}, not an int"
        assert latency >= 0, f"latency_samples is {latency}, it cannot be negative"
        shape = (hop, self.n_channels) if joint else (hop,)
        clip = Clip(shape)
        for seed in range(4):
            block = _noise(seed, hop, self.n_channels)
            block = block if joint else np.ascontiguousarray(block[:, 0])
            _mark(block, clip)
            before = block.copy()
            out = _process(made, block, clip)
            assert out.shape == shape, f"process returned {out.shape}, not {shape}"
            assert out.dtype == np.float32, f"process returned {out.dtype}"
            assert np.array_equal(block, before), "process wrote to its input"
            assert (made.hop, made.latency_samples) == (hop, latency), (
                "hop or latency_samples changed while running"
            )

    def reset_starts_anew(self) -> None:
        x = self._clipped(1)
        first = self._run(x)
        assert np.array_equal(first, self._run(x)), (
            "the same signal after reset gives other samples"
        )

    def any_split_gives_the_same_bits(self) -> None:
        x = self._clipped(2)
        whole = self._run(x)
        for size in (1, 17, 509, 2048):
            part = x[: 40 * size]
            split = self._run(part, size)
            whole = self._run(part)
            assert np.array_equal(whole, split), (
                f"fed in blocks of {size} samples the output differs"
            )

    def hard_signals_stay_finite(self) -> None:
        n = self._length()
        ones = np.ones((n, self.n_channels), np.float32)
        step = self._clipped(3)
        step[n // 2 + 7 :] *= 0.25
        signals = {
            "silence": 0 * ones,
            "full scale": ones,
            "all clipped": LEVEL * ones,
            "a level change": step,
            "denormals": np.float32(1e-40) * ones,
        }
        for name, x in signals.items():
            out = self._run(x)
            assert np.isfinite(out).all(), f"{name} gives samples that are not finite"
            reasons = self.stream.faults.reasons
            assert not reasons, f"{name} makes the processor fail: {reasons}"

    def reliable_samples_are_exact(self) -> None:
        x = self._clipped(4)
        y = self._run(x)[self.stream.latency_samples :]
        clipped = np.abs(x) >= LEVEL * (1 - 1e-6)
        assert np.array_equal(y[~clipped], x[~clipped]), (
            "reliable samples are not exact latency_samples later"
        )
        beyond = y[clipped] * np.sign(x[clipped])
        assert (beyond >= LEVEL * (1 - 2e-6)).all(), "a clipped sample lost its bound"

    def unclipped_input_passes(self) -> None:
        x = 0.4 * _noise(5, self._length(), self.n_channels)
        x = np.clip(x, -0.45, 0.45)
        y = self._run(x)[self.stream.latency_samples :]
        assert np.array_equal(x, y), "unclipped input does not pass bit-exact"

    def _length(self) -> int:
        return 3 * (self.stream.latency_samples + self.stream.hop) + self.rate // 8

    def _clipped(self, seed: int) -> Samples:
        x = _noise(seed, self._length(), self.n_channels)
        return np.clip(x, -LEVEL, LEVEL)

    def _make_stream(self) -> Stream:
        level = Plateau.digital(LEVEL)
        locked = LevelSchedule((Segment(0, 1 << 62, level, level),))
        return Stream(
            self.rate,
            self.n_channels,
            self.method,
            self.settings,
            levels=[locked] * self.n_channels,
        )

    def _run(self, x: Samples, size: int | None = None) -> Samples:
        """Through the host, in blocks of ``size``; latency left in."""
        step = size or max(1, len(x))
        parts = [self.stream.feed(x[at : at + step]) for at in range(0, len(x), step)]
        return np.concatenate([*parts, self.stream.flush()])


def _noise(seed: int, n_samples: int, n_channels: int) -> Samples:
    """Low-passed noise: it clips in runs, as sound does."""
    white = np.random.default_rng(seed).standard_normal((n_samples + 8, n_channels))
    smooth = sum(white[k : k + n_samples] for k in range(8)) / 8
    return (np.asarray(smooth)).astype(np.float32)


def _mark(block: NDArray[np.float32], clip: Clip) -> None:
    """Clips ``block`` at LEVEL in place and marks it."""
    np.clip(block, -LEVEL, LEVEL, out=block)
    clip.sign[...] = np.sign(block) * (np.abs(block) >= LEVEL)
    clip.bound[...] = np.where(clip.sign != 0, np.float32(LEVEL * (1 - 1e-6)), 0)
    clip.count = int(np.count_nonzero(clip.sign))
    clip.high = clip.low = Plateau.digital(LEVEL)


def _process(processor: Processor, block: Samples, clip: Clip) -> Samples:
    try:
        return processor.process(block, clip)
    # Whatever a plug-in raises is a finding of this kit.
    except Exception as error:
        raise AssertionError(
            f"makes the processor fail: process raised {type(error).__name__}: {error}"
        ) from error


class _Dummy:
    """Identity after ``latency_samples``; the base of the others."""

    def __init__(self, hop: int, latency_samples: int, n_channels: int = 0) -> None:
        self.hop, self.latency_samples = hop, latency_samples
        shape = (
            (hop + latency_samples, n_channels)
            if n_channels
            else (hop + latency_samples,)
        )
        self._line = np.zeros(shape, np.float32)

    def process(self, block: Samples, clip: Clip) -> Samples:
        self._line[self.latency_samples :] = block
        out = self._line[: self.hop].copy()
        self._line[: self.latency_samples] = self._line[self.hop :].copy()
        return out

    def reset(self) -> None:
        self._line.fill(0.0)


class _Raising(_Dummy):
    def process(self, block: Samples, clip: Clip) -> Samples:
        if clip.count:
            raise RuntimeError("this dummy raises when something is clipped")
        return super().process(block, clip)


class _NotFinite(_Dummy):
    def process(self, block: Samples, clip: Clip) -> Samples:
        out = super().process(block, clip)
        return out * np.float32(np.nan) if clip.count else out


class _TooLoud(_Dummy):
    def process(self, block: Samples, clip: Clip) -> Samples:
        return super().process(block, clip) * np.float32(1e4)


class _Late(_Dummy):
    """Computes for twice the time its block lasts."""

    def __init__(self, hop: int, latency_samples: int, sample_rate: int) -> None:
        super().__init__(hop, latency_samples)
        self._seconds = 2.0 * hop / sample_rate

    def process(self, block: Samples, clip: Clip) -> Samples:
        from time import perf_counter

        end = perf_counter() + self._seconds
        while perf_counter() < end:
            pass
        return super().process(block, clip)


def dummy(kind: str = "identity", hop: int = 64, latency_samples: int = 0) -> Method:
    """A processor that does one thing on purpose, for testing hosts.

    Args:
        kind: ``identity`` (delays, changes nothing), ``joint`` (the same, all
            channels at once), ``raising`` (when something is clipped), ``not-finite``
            (NaN then), ``too-loud`` (80 dB up), ``late`` (twice its block's time).
        hop: samples per block.
        latency_samples: index delay.

    Raises:
        KeyError: no such kind.
    """
    makers: dict[str, Callable[..., Any]] = {
        "identity": lambda rate: _Dummy(hop, latency_samples),
        "joint": lambda rate, n_channels: _Dummy(hop, latency_samples, n_channels),
        "raising": lambda rate: _Raising(hop, latency_samples),
        "not-finite": lambda rate: _NotFinite(hop, latency_samples),
        "too-loud": lambda rate: _TooLoud(hop, latency_samples),
        "late": lambda rate: _Late(hop, latency_samples, rate),
    }
    return Method(
        name=f"dummy-{kind}",
        summary=f"Test dummy: {kind}.",
        make=makers[kind],
        channels="joint" if kind == "joint" else "each",
    )
