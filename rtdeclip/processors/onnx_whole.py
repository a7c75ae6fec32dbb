"""Networks that see whole signals: in chunks of fixed length, or at once.

For models that need the future (BLSTM, spectrogram U-Net, the papers' DEMUCS). A
network works at its own rate: of a file of another rate only the clipped samples
change, by what the network adds there, resampled. Whatever leaves is put on the
reliable samples and the bounds by the host, unless the card's scope is ``all``: then
every sample may change. Cost: the network's. It fails on material
unlike its training data.
"""

from typing import Any

import numpy as np
import soxr

from rtdeclip.errors import ModelError
from rtdeclip.processors.model_card import Card
from rtdeclip.processors.step_graph import graph_metadata, open_session
from rtdeclip.processors.whole_estimate import whole_estimate
from rtdeclip.stream.processor import Processor
from rtdeclip.stream.registry import find
from rtdeclip.types import Samples, Signs

SMALLEST = 1e-6  # below it a signal is silence: not divided by
LEAST_ALIKE = 0.1  # correlation with the reliable samples that a level is set by


class OnnxWhole:
    """A restorer around a chunk or whole graph.

    Args:
        card: of the model.
        precision: which of its files.

    Raises:
        ModelError: the file is damaged, foreign, too new, or not what the card says.
    """

    def __init__(self, card: Card, precision: str) -> None:
        path = card.path(precision)
        tags = graph_metadata(card.name, card.sample_rate, card.hop, 0)
        self._session = open_session(path, tags)
        given = {i.name for i in self._session.get_inputs()}
        made = {o.name for o in self._session.get_outputs()}
        if given != set(card.inputs) or "restored" not in made:
            raise ModelError(
                f"{path} takes {', '.join(sorted(given))} and gives "
                f"{', '.join(sorted(made))}; its card names "
                f"{', '.join(card.inputs)} and needs 'restored'. Export it again."
            )
        self._card, self._everywhere = card, card.scope == "all"

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        """See ``Restorer.restore``."""
        out = y.copy()
        for c in range(y.shape[1]):
            if self._everywhere or sign[:, c].any():
                out[:, c] = self._channel(
                    y[:, c].copy(), sign[:, c].copy(), bound[:, c].copy(), sample_rate
                )
        return out

    def _channel(self, y: Samples, sign: Signs, bound: Samples, rate: int) -> Samples:
        native = self._card.sample_rate
        if rate == native:
            return self._restored(y, sign, bound)
        there = _resampled(y, rate, native)
        nearest = np.arange(len(there)) * (rate / native)
        nearest = np.minimum(np.rint(nearest).astype(np.int64), len(y) - 1)
        added = self._restored(there, sign[nearest], bound[nearest]) - there
        back = _resampled(added, native, rate)
        back = np.pad(back[: len(y)], (0, max(0, len(y) - len(back))))
        kept = (sign == 0) & (not self._everywhere)
        return np.asarray(y + np.where(kept, 0, back), np.float32)

    def _restored(self, y: Samples, sign: Signs, bound: Samples) -> Samples:
        """One channel at the native rate."""
        lines = {
            "y": y,
            "sign": sign.astype(np.float32),
            "theta": np.full(len(y), bound.max(), np.float32),
        }
        if self._card.estimate:
            lines["estimate"] = _estimate(self._card, y, sign, bound)
        if self._card.kind == "whole":
            return self._run(lines)
        return self._in_chunks(lines, sign)

    def _in_chunks(self, lines: dict[str, Samples], sign: Signs) -> Samples:
        """Overlapping chunks, weighted and added; between them the input as it is."""
        chunks, length = self._card.chunks, self._card.hop
        step = max(1, round(length * (1 - chunks.overlap)))
        n = len(sign)
        weight = np.ones(length, np.float32)
        if chunks.window == "hann":
            weight = np.hanning(length + 2)[1:-1].astype(np.float32)
        total, weights = np.zeros(n + length), np.zeros(n + length)
        padded = {name: np.pad(line, (0, length)) for name, line in lines.items()}
        marked = np.pad(sign, (0, length))
        for start in range(0, max(1, n - length + step), step):
            here = slice(start, start + length)
            if chunks.clipped_only and not marked[here].any():
                continue
            seen = {name: line[here] for name, line in padded.items()}
            total[here] += weight * self._run(seen)
            weights[here] += weight
        y, total, weights = lines["y"], total[:n], weights[:n]
        summed = total / np.where(weights > 0, weights, 1.0)
        return np.where(weights > 0, summed, y).astype(np.float32)

    def _run(self, lines: dict[str, Samples]) -> Samples:
        """The graph once, normalisation around it."""
        mean, scale = self._normalisation(lines)
        feed = {}
        for name in self._card.inputs:
            line = lines[name]
            if name in ("y", "estimate"):
                line = (line - mean) / scale
            elif name == "theta":
                line = line / scale
            feed[name] = np.asarray(line, np.float32)[None]
        out = self._session.run(["restored"], feed)[0][0]
        if self._card.normalisation == "fitted":
            scale = _level(out, lines["y"], lines["sign"])
        return np.asarray(out * scale + mean, np.float32)

    def _normalisation(self, lines: dict[str, Samples]) -> tuple[float, float]:
        y, kind = lines["y"], self._card.normalisation
        mean = float(y.mean()) if kind == "mean_variance" else 0.0
        scale = {
            "none": 1.0,
            "level": float(lines["theta"].max()),
            "energy": _rms(y),
            "mean_variance": float(y.std()),
            "peak": float(np.abs(y).max()),
            "fitted": float(np.abs(y).max()),
        }[kind]
        return mean, scale if scale > SMALLEST else 1.0


def _level(out: Samples, y: Samples, sign: Signs | Samples) -> float:
    """What ``out`` is multiplied by to agree best with the reliable samples of ``y``.

    The errors are in ``out``, so that is regressed on ``y``, not the other way round,
    which would come out too low. The same root mean square where no sample tells.
    """
    kept = sign == 0
    known, found = _rms(y[kept]), _rms(out[kept])
    if min(known, found) <= SMALLEST:
        return _rms(y) / max(_rms(out), SMALLEST)
    alike = float(np.mean(out[kept] * y[kept])) / (known * found)
    return known / found / max(alike, LEAST_ALIKE)


def _rms(x: Samples) -> float:
    return float(np.sqrt(np.mean(x**2))) if len(x) else 0.0


def _estimate(card: Card, y: Samples, sign: Signs, bound: Samples) -> Samples:
    """The named processor's output of the whole channel, its latency trimmed."""
    assert card.estimate is not None
    settings: dict[str, Any] = dict(card.estimate.settings)
    method = find(card.estimate.processor)
    processor: Processor = method.build(card.sample_rate, 1, **settings)
    return whole_estimate(processor, y, sign, bound)


def _resampled(x: Samples, rate: int, wanted: int) -> Samples:
    return np.asarray(soxr.resample(x, rate, wanted), np.float32)
