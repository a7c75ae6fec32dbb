"""Pictures of a restoration: waveform with the clipped samples marked, spectrograms."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rtdeclip.types import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette: told apart by everyone, with markers besides.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
_FFT = 512


def draw_restoration(
    path: Path,
    title: str,
    sample_rate: int,
    clipped: Samples,
    restored: Samples,
    window: slice,
    clean: Samples | None = None,
) -> None:
    """Writes a PNG: a waveform detail above, spectrograms before and after below.

    Args:
        path: where to write.
        title: headline.
        sample_rate: Hz.
        clipped: ``(n_samples,)`` float32.
        restored: the same length.
        window: which samples the waveform shows.
        clean: the truth, where there is one.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.4), dpi=100, layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=(1.1, 1))
    _waveform(
        figure.add_subplot(grid[0, :]), sample_rate, clipped, restored, window, clean
    )
    for column, (name, x) in enumerate((("clipped", clipped), ("restored", restored))):
        _spectrogram(figure.add_subplot(grid[1, column]), name, x, sample_rate)
    figure.suptitle(title, fontsize=13)
    figure.savefig(path)


def _waveform(
    axes: "Axes",
    sample_rate: int,
    clipped: Samples,
    restored: Samples,
    window: slice,
    clean: Samples | None,
) -> None:
    ms = np.arange(len(clipped))[window] / sample_rate * 1e3
    level = np.abs(clipped).max()
    at = np.abs(clipped[window]) >= level * (1 - 1e-6)
    if clean is not None:
        axes.plot(ms, clean[window], color=GREY, lw=3, alpha=0.45, label="original")
    axes.plot(ms, restored[window], color=BLUE, lw=1.4, label="restored")
    axes.plot(ms, clipped[window], color=ORANGE, lw=1, ls="--", label="clipped")
    axes.plot(
        ms[at], clipped[window][at], ".", color=ORANGE, ms=5, label="at the level"
    )
    for side in (level, -level):
        axes.axhline(side, color=GREY, lw=0.7, ls=":")
    axes.set(xlabel="ms", ylabel="amplitude", xlim=(ms[0], ms[-1]))
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=4, fontsize=9, frameon=False
    )


def _spectrogram(axes: "Axes", name: str, x: Samples, sample_rate: int) -> None:
    image = axes.imshow(
        spectrogram_db(x),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-80,
        vmax=0,
        extent=(0, len(x) / sample_rate, 0, sample_rate / 2000),
    )
    axes.set(title=name, xlabel="s", ylabel="kHz")
    axes.figure.colorbar(image, ax=axes, label="dB", pad=0.02)


def spectrogram_db(x: Samples) -> NDArray[np.float64]:
    """Magnitudes in dB below the loudest, ``(257, n_frames)``; 512-sample Hann frames.

    Args:
        x: ``(n_samples,)``; shorter than a frame is padded with silence.
    """
    x = np.pad(x, (0, max(0, _FFT - len(x))))
    frames = np.lib.stride_tricks.sliding_window_view(x, _FFT)[:: _FFT // 4]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1)).T
    peak = max(float(magnitude.max()), 1e-12)
    return 20 * np.log10(np.maximum(magnitude / peak, 1e-6))
