"""How late the sound leaves, and why: the prefill's arithmetic and the statement.

The callback plays position n − L while it captures position n. With hops of H samples
and callbacks of B, the worker can have finished all hops that were whole *before* the
callback, so

    L = latency_samples + H + B − gcd(H, B) + B·k

is the smallest L at which every sample is there in time, if a hop takes at most 1 + k
device periods.
"""

from dataclasses import dataclass
from math import gcd


def prefill_samples(hop: int, block: int, extra_periods: int) -> int:
    """The rings' share of L: H + B − gcd(H, B) + B·k.

    Args:
        hop: H, samples per hop, ≥ 1.
        block: B, samples per callback (the largest), ≥ 1.
        extra_periods: k ≥ 0, device periods a hop may take beyond the first.

    Example:
        >>> prefill_samples(256, 256, 0), prefill_samples(256, 64, 1)
        (256, 320)
    """
    return hop + block - gcd(hop, block) + block * extra_periods


@dataclass(frozen=True, slots=True)
class LatencyBudget:
    """Every delay between microphone and loudspeaker, in samples.

    Args:
        sample_rate: Hz.
        stream_samples: ``latency_samples`` of the Stream: processor and effects.
        limiter_samples: the limiter's part of it.
        hop: H.
        block: B.
        extra_periods: k.
        device_in_samples: as the driver states it.
        device_out_samples: as the driver states it.
        estimated: the driver states nonsense; one period each way is assumed.
        resampler_samples: between two device clocks, else 0.
    """

    sample_rate: int
    stream_samples: int
    limiter_samples: int
    hop: int
    block: int
    extra_periods: int
    device_in_samples: int = 0
    device_out_samples: int = 0
    estimated: bool = False
    resampler_samples: int = 0

    @property
    def prefill(self) -> int:
        """The rings' share, samples."""
        return prefill_samples(self.hop, self.block, self.extra_periods)

    @property
    def engine_samples(self) -> int:
        """L: from the capture ring's input to the playback ring's output."""
        return self.stream_samples + self.prefill

    @property
    def total_samples(self) -> int:
        """From microphone to loudspeaker, as stated."""
        return (
            self.engine_samples
            + self.device_in_samples
            + self.device_out_samples
            + self.resampler_samples
        )

    def rows(self) -> list[tuple[str, int]]:
        """The parts with their names, in the order of the path; they sum to the total.

        Example:
            >>> budget = LatencyBudget(48000, 70, 64, 256, 256, 1)
            >>> sum(n for _, n in budget.rows()) == budget.total_samples == 582
            True
        """
        rest = self.prefill - self.hop
        label = " (assumed)" if self.estimated else ""
        return [
            (f"device in{label}", self.device_in_samples),
            ("hop", self.hop),
            ("rings", rest),
            ("processor", self.stream_samples - self.limiter_samples),
            ("limiter", self.limiter_samples),
            ("resampler", self.resampler_samples),
            (f"device out{label}", self.device_out_samples),
        ]

    def sentence(self) -> str:
        """One line for people, in ms."""

        def ms(samples: int) -> str:
            return f"{1e3 * samples / self.sample_rate:.1f}"

        parts = " + ".join(f"{name} {ms(n)}" for name, n in self.rows() if n)
        return f"Latency {ms(self.total_samples)} ms = {parts}"
