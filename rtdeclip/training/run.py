"""A whole training from folders of audio: data, loop, log, checkpoints, progress."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Generator

from rtdeclip.training import data, picture
from rtdeclip.training.beside import Beside
from rtdeclip.training.degrade import Item, clip_batch, degrade
from rtdeclip.training.estimates import all_estimated
from rtdeclip.training.fit import Fit, Plan, Source, append_row, score
from rtdeclip.training.layouts import is_clean, split

FRACTIONS = (0.1, 0.2, 0.3, 0.5, 0.7)  # of the peak, at which the log scores
CHECKPOINT = "last.ckpt"
LOG = "log.csv"
CURVE = "curve.png"
VALIDATION_FILES = 20
IN_DB = ("delta_sdr", "sdr", "si_sdr")

Validation = dict[str, list[Item]]


def source_of(
    plan: Plan,
    pool: data.Pool,
    prepared_items: int,
    cache: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> Source:
    """Where the batches of ``Fit`` come from.

    Args:
        plan: what to train and how.
        pool: clean audio, on the device of the training.
        prepared_items: segments in all of a plan with an estimate; see ``Beside``.
        cache: folder for these.
        tell: told of them.
    """
    if plan.estimate or plan.partner:
        return Beside(plan, pool.to("cpu"), prepared_items, cache, tell)

    if rules := plan.distortions:
        return lambda generator, _: rules.draw(
            pool, plan.batch, plan.segment_samples, generator
        )

    def draw(generator: Generator, _: int) -> Item:
        clean = pool.draw(plan.batch, plan.segment_samples, generator)
        return degrade(clean, plan.mix, generator)

    return draw


def split_files(
    folders: Sequence[Path], held: Sequence[Path], share: float
) -> tuple[list[Path], list[Path]]:
    """Training and validation files.

    Args:
        folders: searched for clean audio.
        held: folders of validation audio; none: a share of the speakers or pieces.
        share: of them.

    Raises:
        FileError: a folder holds no audio.
    """
    paths = [path for path in data.audio_files(folders) if is_clean(path)]
    if held:
        return paths, data.audio_files(held)
    return split(paths, share)


def fixed_items(plan: Plan, paths: Sequence[Path]) -> Validation:
    """The validation set, the same at every look, by a name for the log.

    Each file whole, clipped at each of ``FRACTIONS`` of its peak; with an estimate,
    once per window; with a mix of rules, at both ends of each of them.
    """
    found: Validation = {}
    audio = [
        torch.from_numpy(data.read(path, plan.sample_rate))[None]
        for path in paths[:VALIDATION_FILES]
    ]
    if rules := plan.distortions:
        return {
            name: [item for clean in audio for item in make(clean)]
            for name, make in rules.looks().items()
        }
    for fraction in FRACTIONS if audio else ():
        items = []
        for clean in audio:
            level = (fraction * clean.abs().amax(1, keepdim=True)).clamp(min=1e-6)
            items.append(clip_batch(clean, level, level))
        if not plan.estimate:
            ready = all_estimated(items, plan, 0.0) if plan.partner else items
            found[f"{fraction:g}"] = ready
            continue
        for window in plan.windows_ms or (0.0,):
            ready = all_estimated(items, plan, window)
            name = f"{fraction:g}_{window:g}ms" if window else f"{fraction:g}"
            found[name] = ready
    return found


def train(
    fit: Fit,
    validation: Validation,
    out: Path,
    *,
    log_minutes: float = 2.0,
    report: Callable[[str], None] = print,
) -> None:
    """Runs ``fit`` to the end of its schedule; it may be stopped and resumed.

    Args:
        fit: fresh or restored.
        validation: see ``fixed_items``; the mean weights are scored.
        out: folder for the checkpoint, the log and the learning curve; made if missing.
        log_minutes: training time between log lines and checkpoints.
        report: takes each progress line.
    """
    out.mkdir(parents=True, exist_ok=True)
    total, count = 0.0, 0
    next_s = fit.spent_s + 60.0 * min(log_minutes, 1.0)
    while fit.progress < 1.0:
        total += fit.advance()
        count += 1
        if fit.spent_s >= next_s or fit.progress >= 1.0:
            row = _row(fit, total / count, validation)
            append_row(out / LOG, row)
            picture.draw(out / LOG, out / CURVE)
            fit.save(out / CHECKPOINT)
            report(_line(fit, row))
            total, count, next_s = 0.0, 0, fit.spent_s + 60.0 * log_minutes


def _row(fit: Fit, loss: float, validation: Validation) -> dict[str, float | int]:
    plan = fit.plan
    seconds = fit.step * plan.batch * plan.segment_samples / plan.sample_rate
    row: dict[str, float | int] = {
        "step": fit.step,
        "spent_s": round(fit.spent_s, 1),
        "audio_h": round(seconds / 3600.0, 2),
        **_train_cell(plan.loss, loss),
    }
    for name, items in validation.items():
        each = score(fit.mean, items, plan.precision)
        row[f"mean_{name}_db"] = round(sum(each) / len(each), 3)
        row[f"worst_{name}_db"] = round(min(each), 3)
    return row


def _train_cell(name: str, loss: float) -> dict[str, float]:
    """The training's own number: dB with a loss that is minus such, else the loss."""
    if name in IN_DB:
        return {"train_db": round(-loss, 3)}
    return {"train_loss": float(f"{loss:.6g}")}


def _line(fit: Fit, row: dict[str, float | int]) -> str:
    left_min = fit.spent_s * (1.0 / fit.progress - 1.0) / 60.0
    scores = (
        f"{name.removeprefix('mean_').removesuffix('_db')}: {value:.2f}"
        for name, value in row.items()
        if name.startswith("mean_")
    )
    train = f"{row['train_db']:.2f} dB" if "train_db" in row else row["train_loss"]
    return (
        f"step {row['step']}, {row['audio_h']} h of audio, train {train}, validation by"
        f" level {', '.join(scores)} dB, {left_min:.0f} min left"
    )
