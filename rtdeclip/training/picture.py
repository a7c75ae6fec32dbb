"""The learning curve of a training, drawn from its CSV log."""

import csv
from pathlib import Path

from rtdeclip.errors import FileError


def draw(log: Path, picture: Path) -> None:
    """ΔSDR of training and validation over the minutes of training.

    A loss that is not in dB has an axis of its own.

    Args:
        log: the CSV file that the training writes.
        picture: where to write it; the suffix chooses the format.

    Raises:
        FileError: the log holds no line yet.
    """
    from matplotlib.figure import Figure

    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise FileError(f"{log} holds no line yet. Wait for the first report.")
    minutes = [float(row["spent_s"]) / 60.0 for row in rows]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name in rows[0]:
        if name == "train_db" or name.startswith("mean_"):
            label = name.removesuffix("_db").replace("mean_", "validation, level ")
            axes.plot(minutes, [float(row[name]) for row in rows], label=label)
    if "train_loss" in rows[0]:
        other = axes.twinx()
        losses = [float(row["train_loss"]) for row in rows]
        other.plot(minutes, losses, color="0.6", label="training")
        other.set_ylabel("loss")
    axes.set_xlabel("training time (min)")
    axes.set_ylabel("ΔSDR (dB)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=120)
