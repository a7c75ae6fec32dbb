"""A whole training from folders of audio: data, loop, log, checkpoints, progress."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Generator

from rtdeclip.training import data
from rtdeclip.training.degrade import Item, clip_batch, degrade
from rtdeclip.training.fit import Fit, Plan, append_row, score

FRACTIONS = (0.1, 0.2, 0.3, 0.5, 0.7)  # of the peak, at which the log scores
CHECKPOINT = "last.ckpt"
LOG = "log.csv"


def from_pool(pool: data.Pool, plan: Plan) -> Callable[[Generator], Item]:
    """Fresh segments of ``pool``, degraded as the plan says, for ``Fit``."""

    def draw(generator: Generator) -> Item:
        clean = pool.draw(plan.batch, plan.segment_samples, generator)
        return degrade(clean, plan.mix, generator)

    return draw


def fixed_items(paths: Sequence[Path], sample_rate: int, fraction: float) -> list[Item]:
    """Each file whole, clipped at ``fraction`` of its peak."""
    items = []
    for path in paths:
        clean = torch.from_numpy(data.read(path, sample_rate))[None]
        level = fraction * clean.abs().amax(1, keepdim=True)
        items.append(clip_batch(clean, level, level))
    return items


def train(
    fit: Fit,
    validation: dict[float, list[Item]],
    out: Path,
    *,
    log_minutes: float = 2.0,
    report: Callable[[str], None] = print,
) -> None:
    """Runs ``fit`` to the end of its schedule; it may be stopped and resumed.

    Args:
        fit: fresh or restored.
        validation: fixed items by fraction of the peak; the mean weights are scored.
        out: folder for ``last.ckpt`` and ``log.csv``; made if missing.
        log_minutes: training time between log lines and checkpoints.
        report: takes each progress line.
    """
    out.mkdir(parents=True, exist_ok=True)
    running, next_s = 0.0, fit.spent_s + 60.0 * min(log_minutes, 1.0)
    since = 0
    while fit.progress < 1.0:
        running -= fit.advance()
        since += 1
        if fit.spent_s >= next_s or fit.progress >= 1.0:
            row = _row(fit, running / since, validation)
            append_row(out / LOG, row)
            fit.save(out / CHECKPOINT)
            left = fit.spent_s * (1.0 / fit.progress - 1.0) / 60.0
            marks = "  ".join(f"{k} {v:g}" for k, v in row.items())
            report(f"{marks}  left {left:.0f} min")
            running, since, next_s = 0.0, 0, fit.spent_s + 60.0 * log_minutes


def _row(
    fit: Fit, train_db: float, validation: dict[float, list[Item]]
) -> dict[str, float | int]:
    row: dict[str, float | int] = {
        "step": fit.step,
        "spent_s": round(fit.spent_s, 1),
        "audio_h": round(
            fit.step
            * fit.plan.batch
            * fit.plan.segment_samples
            / fit.plan.sample_rate
            / 3600.0,
            2,
        ),
        "train_db": round(train_db, 3),
    }
    for fraction, items in validation.items():
        each = score(fit.mean, items, fit.plan.precision)
        row[f"mean_{fraction:g}_db"] = round(sum(each) / len(each), 3)
        row[f"worst_{fraction:g}_db"] = round(min(each), 3)
    return row
