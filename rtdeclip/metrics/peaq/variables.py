"""What is measured in each frame, before averaging (BS.1387-1, annex 2, section 4)."""

import numpy as np

from rtdeclip.metrics._check import Float64s
from rtdeclip.metrics.peaq.ear import BARK, FRAME, HOP, SAMPLE_RATE, Bands
from rtdeclip.metrics.peaq.patterns import LOUDNESS_POWER, MODULATION_POWER

NOISE_FROM_BIN = round(21_586 * FRAME / SAMPLE_RATE)  # nothing but noise above it
WIDE_FROM_BIN = round(8_109 * FRAME / SAMPLE_RATE)  # a narrower reference says nothing
EHS_LAGS = 256  # log spectra up to 2 · 256 bins, 12 kHz
EHS_QUIET = 8000.0 / 32768.0**2  # energy of half a frame below which harmonics drown


def bandwidths(power: Float64s) -> Float64s:
    """``(n, 2)`` bandwidths in bins; 0 where not above the noise, 4.4.1."""
    noise = power[:, 1, NOISE_FROM_BIN : FRAME // 2].max(axis=1, keepdims=True)
    above = power[:, 0, :NOISE_FROM_BIN] >= 10.0 * noise
    above[:, : WIDE_FROM_BIN + 1] = False
    clean = _last_true(above)
    heard = power[:, 1, :NOISE_FROM_BIN] >= 10.0**0.5 * noise
    heard &= np.arange(NOISE_FROM_BIN) < clean[:, None]
    return np.stack([clean, _last_true(heard)], axis=1).astype(np.float64)


def _last_true(flags: np.ndarray) -> np.ndarray:
    """One past the last True of each row; 0 where there is none."""
    back = flags[:, ::-1].argmax(axis=1)
    return np.where(flags.any(axis=1), flags.shape[1] - back, 0)


def noise_to_mask(noise: Float64s, excitation: Float64s) -> tuple[Float64s, Float64s]:
    """``(n,)`` mean and maximum over bands of noise over masking threshold, 4.5."""
    bark = BARK * np.arange(noise.shape[1])
    offset_db = np.where(bark <= 12.0, 3.0, 0.25 * bark)
    ratio = noise / (excitation[:, 0] * 10.0 ** (-offset_db / 10.0))
    return ratio.mean(axis=1), ratio.max(axis=1)


def modulation_differences(
    modulation: Float64s, mean: Float64s, bands: Bands
) -> tuple[Float64s, Float64s, Float64s]:
    """``(n,)`` two modulation differences and their weight in time, 4.2."""
    clean, test = modulation[:, 0], modulation[:, 1]
    apart = np.abs(clean - test)
    first = 100.0 * (apart / (1.0 + clean)).mean(axis=1)
    lost = np.where(test >= clean, 1.0, 0.1)
    second = 100.0 * (lost * apart / (0.01 + clean)).mean(axis=1)
    quiet = 100.0 * bands.inner_noise**MODULATION_POWER
    return first, second, (mean / (mean + quiet)).sum(axis=1)


def noise_loudness(modulation: Float64s, adapted: Float64s, bands: Bands) -> Float64s:
    """``(n,)`` partial loudness of what the test adds, masked by the reference, 4.3."""
    s = 0.15 * modulation + 0.5
    clean, test = adapted[:, 0], adapted[:, 1]
    beta = np.exp(-1.5 * (test - clean) / clean)
    added = np.maximum(s[:, 1] * test - s[:, 0] * clean, 0.0)
    masked = 1.0 + added / (bands.inner_noise + s[:, 0] * clean * beta)
    scale = (bands.inner_noise / s[:, 1]) ** LOUDNESS_POWER
    share = 24.0 / len(bands.centre_hz)
    loud = share * (scale * (masked**LOUDNESS_POWER - 1.0)).sum(axis=1)
    return np.asarray(np.maximum(loud, 0.0))


def detection(excitation: Float64s) -> tuple[Float64s, Float64s]:
    """``(n, 109)`` chance to detect a difference, and steps above threshold, 4.7."""
    level = 10.0 * np.log10(excitation)
    clean, test = level[:, 0], level[:, 1]
    mean = np.maximum(0.3 * np.maximum(clean, test) + 0.7 * test, 1e-6)
    step = (
        5.95072 * (6.39468 / mean) ** 1.71332
        + 9.01033e-11 * mean**4
        + 5.05622e-6 * mean**3
        - 0.00102438 * mean**2
        + 0.0550197 * mean
        - 0.198719
    )
    apart = clean - test
    steepness = np.where(apart > 0.0, 4.0, 6.0)
    # A chance of one half where the difference is one step of just noticeable size.
    chance = 1.0 - 0.5 ** ((np.abs(apart) / step) ** steepness)
    return chance, np.abs(np.trunc(apart)) / step


class HarmonicStructure:
    """Periodicity of the error's spectrum, 4.8: an error that is itself harmonic."""

    def __init__(self) -> None:
        # Energy 1 after the window, as the sum over lags is divided by their number.
        self._window = np.sqrt(8.0 / 3.0) / EHS_LAGS * np.hanning(EHS_LAGS)

    def measure(self, power: Float64s, frames: Float64s) -> Float64s:
        """``(n,)`` highest peak of the error's cepstrum-like spectrum; −1 if quiet."""
        energy = (frames[:, :, HOP:] ** 2).sum(axis=-1)
        loud = (energy >= EHS_QUIET).any(axis=1)
        found = np.full(len(power), -1.0)
        if loud.any():
            found[loud] = self._peak(power[loud])
        return found

    def _peak(self, power: Float64s) -> Float64s:
        tiny = np.finfo(np.float64).tiny
        spectra = np.maximum(power[:, :, : 2 * EHS_LAGS], tiny)
        error = np.log(spectra[:, 1]) - np.log(spectra[:, 0])  # a ratio can overflow
        error[:, 0] = 0.0  # the outer ear lets nothing of 0 Hz pass
        correlation = _correlate(error)
        correlation -= correlation.mean(axis=1, keepdims=True)
        spectrum = np.abs(np.fft.rfft(correlation * self._window)) ** 2
        # The fall from zero lag's hill is not a peak: only what rises again counts.
        rising = np.diff(spectrum, axis=1) > 0.0
        return np.asarray(np.where(rising, spectrum[:, 1:], 0.0).max(axis=1))


def _correlate(error: Float64s) -> Float64s:
    """``(n, 256)`` normalised correlation of the error with itself, lags 0 to 255."""
    first = error[:, :EHS_LAGS]
    size = 4 * EHS_LAGS
    spectrum = np.conj(np.fft.rfft(first, size)) * np.fft.rfft(error, size)
    products = np.fft.irfft(spectrum, size)[:, :EHS_LAGS]
    running = np.cumsum(np.pad(error**2, ((0, 0), (1, 0))), axis=1)
    energy = running[:, EHS_LAGS : 2 * EHS_LAGS] - running[:, :EHS_LAGS]
    norm = np.sqrt(energy[:, :1] * energy)
    # No error at all correlates perfectly at every lag: flat, so without a peak.
    return np.divide(products, norm, out=np.ones_like(products), where=norm > 0.0)
