"""What was done to a file, in numbers and in words."""

import math
from dataclasses import dataclass
from typing import Any

from rtdeclip.files.chain import Chain
from rtdeclip.files.scan import Scan, channel_rows
from rtdeclip.stream.headroom import Policy, to_db


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was done to one file.

    Args:
        file: the input as it was given.
        output: the output as it was given.
        sample_rate: Hz.
        n_channels: 1 or more.
        n_samples: per channel, in and out.
        chain: what was asked for.
        policy: the headroom that was used.
        found: the scan; None for a pipe or given levels.
        gain_db: constant gain of ``fit``, ≤ 0 dB.
        peak: largest restored magnitude, linear, before headroom.
        output_peak: the same in the output.
        limited_samples: how many samples the limiter made quieter.
        limiter_reduction_db: by how much at most.
        faults: blocks played dry because the processor failed.
        fault_reasons: the reasons and how often.
        nonfinite_samples: NaN and infinite samples of the input, taken as 0.
        lost: tags and parts of the input that the output does not have.
        warnings: what was wrong with the input, in sentences.
        elapsed_s: time taken, all passes; loading compiled kernels is not in it.
    """

    file: str
    output: str
    sample_rate: int
    n_channels: int
    n_samples: int
    chain: Chain
    policy: Policy
    found: Scan | None
    gain_db: float
    peak: float
    output_peak: float
    limited_samples: int
    limiter_reduction_db: float
    faults: int
    fault_reasons: dict[str, int]
    nonfinite_samples: int
    lost: list[str]
    warnings: list[str]
    elapsed_s: float

    @property
    def duration_s(self) -> float:
        """Length of the sound in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def rtf(self) -> float:
        """Time taken over the length of the sound."""
        return self.elapsed_s / self.duration_s

    def row(self) -> dict[str, Any]:
        """The keys of ``rtdeclip file --json``; null where nothing was searched."""
        found, method = self.found, self.chain.method()
        return {
            "file": self.file,
            "output": self.output,
            "error": None,
            "sample_rate": self.sample_rate,
            "n_channels": self.n_channels,
            "n_samples": self.n_samples,
            "duration_s": self.duration_s,
            "severity": found.severity if found else None,
            "clipped_samples": found.clipped_samples if found else None,
            "clipped_fraction": found.clipped_fraction if found else None,
            "channels": channel_rows(found.channels) if found else None,
            "processor": method.name,
            "processor_reason": self.chain.why,
            "settings": method.check(dict(self.chain.settings)),
            "headroom": self.policy,
            "gain_db": self.gain_db,
            "peak_dbfs": _finite_db(self.peak),
            "output_peak_dbfs": _finite_db(self.output_peak),
            "limited_samples": self.limited_samples,
            "limiter_reduction_db": self.limiter_reduction_db,
            "faults": self.faults,
            "fault_reasons": self.fault_reasons,
            "nonfinite_samples": self.nonfinite_samples,
            "lost": self.lost,
            "warnings": self.warnings,
            "elapsed_s": self.elapsed_s,
            "rtf": self.rtf,
        }


def failure_row(file: str, output: str, error: str) -> dict[str, Any]:
    """The row of a file that could not be restored."""
    return {"file": file, "output": output, "error": error}


def _finite_db(magnitude: float) -> float | None:
    level_db = to_db(magnitude)
    return level_db if math.isfinite(level_db) else None
