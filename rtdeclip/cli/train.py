"""``rtdeclip train``: a model from folders of clean audio."""

from pathlib import Path

import typer


def train(
    name: str = typer.Argument(help="Name of the model; a preset's name takes it."),
    data: list[Path] = typer.Option(
        ..., "--data", help="Folder of clean audio; repeatable."
    ),
    preset: str = typer.Option("", "--preset", help="Recipe; default: NAME's own."),
    out: Path | None = typer.Option(
        None, "--out", help="Folder for checkpoint, log and curve; default: runs/NAME."
    ),
    minutes: float = typer.Option(
        0.0, "--minutes", help="Length of the training; 0: as the preset says."
    ),
    steps: int = typer.Option(0, "--steps", help="Length in steps instead of minutes."),
    validate: list[Path] = typer.Option(
        [], "--validate", help="Folder to score on; default: a share of the speakers."
    ),
    loss: str = typer.Option("", "--loss", help="Loss by name; default: the preset's."),
    rate: int = typer.Option(0, "--rate", help="Sample rate in Hz of the model."),
    speed: list[float] = typer.Option(
        [1.0, 0.93, 1.07], "--speed", help="Take all audio at this speed too."
    ),
    prepared: int = typer.Option(
        12000, "--prepared", help="Segments with estimates to make beside it (hybrids)."
    ),
    resume: Path | None = typer.Option(
        None, "--resume", help="Checkpoint to go on from."
    ),
    init: str = typer.Option("", "--init", help="Model or checkpoint to start from."),
    seed: int = typer.Option(0, "--seed", help="Of weights and data."),
    device: str = typer.Option("", "--device", help="cpu or cuda; default: the best."),
    threads: int = typer.Option(0, "--threads", help="CPU threads; 0: all cores."),
) -> None:
    """Train a model; stop it with ctrl-C, go on with --resume.

    Needs the extra: pip install "rtdeclip\\[train]"

    [bold]Presets[/bold]

    Live: demucs-speech-16k, hybrid-speech-16k, demucs-48k, hybrid-48k. Files:
    hybrid-best, and demucs-1m-all for unknown soft curves. The papers' networks:
    demucs-paper, rnn-paper, demucs-1m, wave-u-net, wave-u-net-dry, open-unmix,
    open-unmix-causal, crafx, deep-filter; against overdrive: demucs-1m-overdrive,
    wave-u-net-overdrive, open-unmix-overdrive, crafx-overdrive; with losses of their
    own: spectrogram-u-net, equivariant-u-net (and its twins), not-miwae. A wrong name
    lists them all.

    [bold]Examples[/bold]

    rtdeclip train wave-u-net-overdrive --data my/guitar --minutes 60

    rtdeclip train demucs-speech-16k --data LibriSpeech/train-clean-100

    rtdeclip train my-voice --preset hybrid-speech-16k --data my/recordings --minutes 60

    rtdeclip train my-voice --data my/recordings --resume runs/my-voice/last.ckpt
    """
    from rtdeclip.training.command import Request, run

    run(
        Request(
            name=name,
            data=tuple(data),
            preset=preset,
            out=out or Path("runs") / name,
            minutes=minutes,
            steps=steps,
            validate=tuple(validate),
            loss=loss,
            rate=rate,
            speeds=tuple(speed),
            prepared=prepared,
            resume=resume,
            init=init,
            seed=seed,
            device=device,
            threads=threads,
        ),
        typer.echo,
    )
