"""Embeddings of sound by a model that the user supplies, as ONNX.

No weights ship, and none are fetched: a number under the name of a published metric
needs the published model. Two conventions of input are understood, told apart by the
model's own input shape, and recorded with every result:

    waveform  (batch, n_samples)             16 kHz mono, full scale ±1, 0.96 s
    vggish    (batch, 96, 64) or with a 1    log-mel patches of 0.96 s, as VGGish's
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rtdeclip.errors import InputError, ModelError
from rtdeclip.metrics._check import Float64s
from rtdeclip.metrics.resample import to_rate

SAMPLE_RATE = 16_000
PATCH_S = 0.96
PATCH_FRAMES, N_MELS = 96, 64
FRAME_S, HOP_S = 0.025, 0.010
LOWEST_HZ, HIGHEST_HZ = 125.0, 7500.0
LOG_OFFSET = 0.01
PATCHES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A loaded model.

    Attributes:
        path: its file.
        sha256: of the file, in hex: which weights a score came from.
        convention: ``waveform`` or ``vggish``.
        input_shape: a patch's shape after the batch.
        session: the runtime's.
    """

    path: Path
    sha256: str
    convention: Literal["waveform", "vggish"]
    input_shape: tuple[int, ...]
    session: Any

    def embed(self, x: NDArray[Any], sample_rate: int) -> Float64s:
        """``(n_patches, dimension)``: one embedding per 0.96 s, without overlap.

        Args:
            x: ``(n_samples,)`` or ``(n_samples, n_channels)``; channels are averaged.
            sample_rate: Hz.

        Raises:
            InputError: shorter than one patch.
            ModelError: the model returns something other than a row per patch.
        """
        audio = np.asarray(x, np.float64)
        mono = audio.mean(axis=1) if audio.ndim == 2 else audio
        patches = self._patches(to_rate(mono, sample_rate, SAMPLE_RATE))
        rows = [self._run(part) for part in _groups(patches)]
        if not rows:
            raise InputError(
                f"The audio has {len(mono) / sample_rate:.2f} s; an embedding needs "
                f"{self.patch_samples / SAMPLE_RATE:.2f} s: give a longer piece."
            )
        return np.concatenate(rows)

    @property
    def patch_samples(self) -> int:
        """Samples at 16 kHz that one patch takes."""
        if self.convention == "waveform":
            return self.input_shape[0]
        return round(((PATCH_FRAMES - 1) * HOP_S + FRAME_S) * SAMPLE_RATE)

    def _patches(self, x: Float64s) -> Float64s:
        if self.convention == "vggish":
            return log_mel_patches(x).reshape(-1, *self.input_shape)
        n = len(x) // self.input_shape[0]
        return x[: n * self.input_shape[0]].reshape(n, self.input_shape[0])

    def _run(self, patches: Float64s) -> Float64s:
        name = self.session.get_inputs()[0].name
        out = self.session.run(None, {name: patches.astype(np.float32)})[0]
        rows = np.asarray(out, np.float64)
        if rows.shape[:1] != (len(patches),) or not np.isfinite(rows).all():
            raise ModelError(
                f"{self.path} returned {rows.shape} for {len(patches)} patches, or "
                "numbers that are not finite; it must give one row per patch."
            )
        return rows.reshape(len(patches), -1)


def load_embedding(path: Path) -> EmbeddingModel:
    """The model in ``path``, run on one CPU core.

    Raises:
        ModelError: no such file, not ONNX, or another input than the two conventions.
    """
    import onnxruntime

    if not path.is_file():
        raise ModelError(
            f"{path} is not a file. An embedding model is yours to supply: export "
            "VGGish or another to ONNX and name it with --embedding."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's classes have no common public base
        raise ModelError(f"{path} cannot be loaded as ONNX ({error}).") from error
    inputs = session.get_inputs()
    shape = tuple(inputs[0].shape[1:]) if len(inputs) == 1 else ()
    convention, fixed = _convention(path, shape)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return EmbeddingModel(path, digest, convention, fixed, session)


def _convention(
    path: Path, shape: tuple[Any, ...]
) -> tuple[Literal["waveform", "vggish"], tuple[int, ...]]:
    if shape in ((PATCH_FRAMES, N_MELS), (1, PATCH_FRAMES, N_MELS)):
        return "vggish", tuple(int(n) for n in shape)
    if len(shape) == 1:
        fixed = shape[0] if isinstance(shape[0], int) else None
        return "waveform", (fixed or round(PATCH_S * SAMPLE_RATE),)
    raise ModelError(
        f"{path} takes inputs of the shape (batch, {', '.join(map(str, shape))}); give "
        "a model of one input, (batch, n_samples) or (batch, 96, 64)."
    )


def log_mel_patches(x: Float64s) -> Float64s:
    """``(n_patches, 96, 64)`` log-mel of 16 kHz mono, as VGGish is fed.

    Periodic Hann of 25 ms every 10 ms, 512-point magnitudes, 64 mel bands from 125 to
    7500 Hz, log(mel + 0.01) (Hershey et al., ICASSP 2017,
    doi:10.1109/ICASSP.2017.7952132).

    Args:
        x: ``(n_samples,)``, full scale ±1.
    """
    length, hop = round(FRAME_S * SAMPLE_RATE), round(HOP_S * SAMPLE_RATE)
    if len(x) < length:
        return np.empty((0, PATCH_FRAMES, N_MELS))
    frames = np.lib.stride_tricks.sliding_window_view(x, length)[::hop]
    window = np.hanning(length + 1)[:-1]
    weights = _mel_weights(512)
    n_patches = len(frames) // PATCH_FRAMES
    patches = np.empty((n_patches, PATCH_FRAMES, N_MELS))
    for patch, start in zip(patches, range(0, len(frames), PATCH_FRAMES), strict=False):
        part = frames[start : start + PATCH_FRAMES] * window
        patch[:] = np.log(np.abs(np.fft.rfft(part, 512)) @ weights + LOG_OFFSET)
    return patches


def _mel_weights(size: int) -> Float64s:
    """``(size // 2 + 1, 64)`` triangles, straight on the mel axis; 0 Hz is left out."""

    def mel(hz: Any) -> Any:
        return 1127.0 * np.log1p(hz / 700.0)

    edges = np.linspace(mel(LOWEST_HZ), mel(HIGHEST_HZ), N_MELS + 2)
    bins = mel(np.linspace(0.0, SAMPLE_RATE / 2, size // 2 + 1))[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0.0, np.minimum(rising, falling))
    weights[0] = 0.0
    return np.asarray(weights)


def _groups(patches: Float64s) -> Iterator[Float64s]:
    for start in range(0, len(patches), PATCHES_AT_ONCE):
        yield patches[start : start + PATCHES_AT_ONCE]
