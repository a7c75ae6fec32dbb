"""What the network of paper 1 says of its own certainty: ``python -m bench.not_miwae``.

Two things need more than the shipped graph's output: how often the truth lies within
the spread of the weighted draws, and the network in the paper's own form (zeros for
what is missing, no sign, no level, everything from the latent), which is too large to
ship. Both are measured on the frames of ``rtdeclip bench papers --paper 1`` and saved
for its tables. Checkpoints are those of ``rtdeclip train not-miwae`` and
``rtdeclip train not-miwae-paper``; what is not given is left as it was.

The paper's sweep over the size of the latent is trained here, in its own form, as long
for each: ``python -m bench.not_miwae --latent 10 50 200 --seconds 20 --train DIR``.
"""

import argparse
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from torch import Tensor

from rtdeclip.benchmarks.papers import paper1
from rtdeclip.benchmarks.papers.describe import Options, Table
from rtdeclip.benchmarks.papers.material import excerpts
from rtdeclip.training import data as audio
from rtdeclip.training.export import load_trained
from rtdeclip.training.fit import Fit
from rtdeclip.training.layouts import is_clean
from rtdeclip.training.nets.not_miwae import NotMiwae
from rtdeclip.training.presets import preset
from rtdeclip.training.run import source_of
from rtdeclip.types import Samples

AT_ONCE = 64
BESIDE = Path(__file__).parents[2] / "shared" / "data"


def imputed(
    net: NotMiwae, chosen: list[Samples], steepness: float, b: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Errors, spreads and lost samples (0 or 1), ``(n_frames, 1024)`` each.

    The same samples are lost as in ``paper1.rmse``.
    """
    pairs = [paper1.lossy(f, steepness, b, seed) for seed, f in enumerate(chosen)]
    x = torch.from_numpy(np.stack(chosen))
    sign = torch.from_numpy(np.stack([sign for _, sign in pairs])).float()
    scale = b if net.shape.told else 1.0
    found = []
    for at in range(0, len(x), AT_ONCE):
        here = slice(at, at + AT_ONCE)
        level = torch.full((len(x[here]), 1), b)
        mean, spread = net.imputed(net.missing(x[here], sign[here], level, steepness))
        found.append(torch.stack([scale * mean - x[here], scale * spread]))
    error, spread = torch.cat(found, 1)
    return error, spread, (sign != 0).float()


def rmse(error: Tensor, lost: Tensor) -> float:
    """As ``paper1.rmse``: root of the mean over frames of the lost samples' MSE."""
    count = lost.sum(1)
    each = (error.square() * lost).sum(1)[count > 0] / count[count > 0]
    return round(float(each.mean().sqrt()), 4)


def within(error: Tensor, spread: Tensor, lost: Tensor, times: float) -> float:
    """Share of lost samples whose error is within so many spreads, in %."""
    inside = (error.abs() <= times * spread).float()
    return round(100 * float((inside * lost).sum() / lost.sum()), 1)


def swept(
    sizes: Sequence[int], seconds: float, pool: audio.Pool, chosen: list[Samples]
) -> dict[str, float]:
    """RMSE at b = 0.5 and the paper's W, by the size of the latent.

    Args:
        sizes: of the latent.
        seconds: of CPU time, for each training.
        pool: what to train on, 16 kHz.
        chosen: frames to score on.
    """
    plan, found = preset("not-miwae-paper"), {}
    for size in sizes:
        shape = replace(plan.shape, latent=size)
        short = replace(plan, shape=shape, minutes=seconds / 60.0)
        fit = Fit(short, source_of(short, pool, 0, Path()))
        while fit.progress < 1.0:
            fit.advance()
        net = fit.mean.eval().requires_grad_(False)
        assert isinstance(net, NotMiwae)
        error, _, lost = imputed(net, chosen, paper1.STEEPNESS["paper"], 0.5)
        found[f"{size}"] = rmse(error, lost)
        print("latent", size, fit.step, "steps", found[f"{size}"], flush=True)
    return found


def _network(checkpoint: Path) -> tuple[NotMiwae, dict[str, Any]]:
    net, _, facts = load_trained(checkpoint)
    assert isinstance(net, NotMiwae)
    return net.requires_grad_(False), facts


def _measured(
    name: str, checkpoint: Path, chosen: list[Samples], found: dict[str, Any]
) -> None:
    """Adds the figures of one network to ``found``."""
    net, facts = _network(checkpoint)
    found[f"{name}_training"] = {
        key: facts[key] for key in ("minutes", "steps", "parameters", "seed")
    }
    for w in paper1.STEEPNESS.values():
        each = [imputed(net, chosen, w, b) for b in paper1.LEVELS]
        scores = [rmse(error, lost) for error, _, lost in each]
        found.setdefault(name, {})[f"{w:g}"] = scores
        print(name, w, scores)
        for times in (1, 2) if name == "told" else ():
            cells = [within(*one, times) for one in each]
            found.setdefault(f"within_{times}", {})[f"{w:g}"] = cells
            print("  within", times, cells)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of clean music")
    parser.add_argument("--told", type=Path, help="checkpoint of not-miwae")
    parser.add_argument("--paper", type=Path, help="checkpoint of not-miwae-paper")
    parser.add_argument("--latent", type=int, nargs="+", default=[], help="sizes")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each size")
    parser.add_argument("--train", type=Path, nargs="+", default=[], help="folders")
    parser.add_argument("--frames", type=int, default=paper1.N_FRAMES)
    parser.add_argument("--out", type=Path, default=paper1.SAVED)
    given = parser.parse_args()
    if given.latent and not given.train:
        parser.error("--latent trains networks: give folders of music with --train")
    return given


def main() -> None:
    """Measures what is given and saves it beside what was saved."""
    given = _arguments()
    torch.set_num_threads(1)
    data = given.data or Path(os.environ.get("RTDECLIP_DATA", BESIDE)) / "test"
    table = next(t for t in paper1.TABLES if isinstance(t, Table))
    parts = excerpts(table, Options(data))
    chosen = paper1.frames(parts, given.frames)
    found = json.loads(given.out.read_text()) if given.out.exists() else {}
    found["date"] = datetime.now(UTC).date().isoformat()
    found["data"] = f"{len(chosen)} frames of {len(parts)} files"
    for name, checkpoint in (("told", given.told), ("paper", given.paper)):
        if checkpoint:
            _measured(name, checkpoint, chosen, found)
    if given.latent:
        paths = [p for p in audio.audio_files(given.train) if is_clean(p)]
        cache = platformdirs.user_cache_path("rtdeclip") / "audio"
        pool = audio.load(paths, 16000, cache=cache)
        found["latent"] = swept(given.latent, given.seconds, pool, chosen)
        found["latent_s"] = given.seconds
    given.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
