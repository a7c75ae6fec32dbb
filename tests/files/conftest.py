from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from rtdeclip.types import Samples

RATE = 16000
LEVEL = 0.5


@pytest.fixture
def clean() -> Samples:
    """1.5 s of two channels of partials that come and go, peaks near 0.9."""
    t = np.arange(24000) / RATE
    rng = np.random.default_rng(11)
    sound = np.zeros((len(t), 2))
    for partial in range(1, 6):
        for c in range(2):
            phase = rng.uniform(0, 2 * np.pi)
            swell = 1 + 0.4 * np.sin(2 * np.pi * (1 + c) * t + phase)
            sound[:, c] += (
                swell * np.sin(2 * np.pi * 187 * partial * t + phase) / (partial)
            )
    return np.asarray(0.9 * sound / np.abs(sound).max(), np.float32)


@pytest.fixture
def clipped(clean: Samples) -> Samples:
    """``clean`` cut at ±0.5."""
    return np.clip(clean, -LEVEL, LEVEL)


@pytest.fixture
def recording(tmp_path: Path, clipped: Samples) -> Path:
    """``clipped`` as a float WAV with a title."""
    path = tmp_path / "recording.wav"
    with sf.SoundFile(path, "w", RATE, 2, "FLOAT") as file:
        file.title = "Two strings"
        file.write(clipped)
    return path
