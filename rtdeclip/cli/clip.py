"""``rtdeclip clip``: clean audio in, test material by the papers' protocols out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rtdeclip.cli._audio import Sound
    from rtdeclip.types import Samples

WAYS = "--fraction, --sdr, --level, --asymmetric, --tanh, --overdrive or --logistic"


@dataclass(frozen=True, slots=True)
class Recipe:
    """The options of one run; None where an option was not given."""

    fraction: float | None
    sdr: float | None
    level: float | None
    asymmetric: tuple[float, float] | None
    tanh: bool
    overdrive: tuple[float, float] | None
    logistic: tuple[float, float] | None
    gain_db: float
    wet: float | None
    noise: float | None
    highpass: float | None
    seed: int

    @property
    def ways(self) -> list[str]:
        """The distortions asked for; one run does exactly one."""
        names = ("fraction", "sdr", "level", "asymmetric", "overdrive", "logistic")
        chosen = [name for name in names if getattr(self, name) is not None]
        return chosen + ["tanh"] * self.tanh


def clip(
    source: Path = typer.Argument(metavar="IN", help="Clean audio; never touched."),
    target: Path = typer.Argument(metavar="OUT", help="Float WAV, AIFF, CAF or W64."),
    fraction: float | None = typer.Option(
        None, "--fraction", help="Clip at this share of the peak, 0 to 1."
    ),
    sdr: float | None = typer.Option(
        None, "--sdr", help="Clip to this input SDR in dB (to 0.001 dB)."
    ),
    level: float | None = typer.Option(None, "--level", help="Clip at ±LEVEL, linear."),
    asymmetric: tuple[float, float] | None = typer.Option(
        None, "--asymmetric", metavar="HI LO", help="Clip at +HI and −LO, linear."
    ),
    tanh: bool = typer.Option(False, "--tanh", help="Soft clipping by tanh."),
    overdrive: tuple[float, float] | None = typer.Option(
        None, "--overdrive", metavar="GAIN COLOUR", help="SoX's overdrive, as it is."
    ),
    logistic: tuple[float, float] | None = typer.Option(
        None, "--logistic", metavar="W B", help="Lose samples: σ(−W(|x|/peak − B))."
    ),
    gain_db: float = typer.Option(
        0.0, "--gain-db", help="Gain before the distortion, dB."
    ),
    wet: float | None = typer.Option(
        None, "--wet", help="Share of the distorted signal, 0 to 1; the rest is clean."
    ),
    noise: float | None = typer.Option(
        None, "--noise", help="White noise before it; standard deviation, linear."
    ),
    highpass: float | None = typer.Option(
        None, "--highpass", help="First-order high-pass after it, Hz."
    ),
    seed: int = typer.Option(0, "--seed", help="Of the noise and the lost samples."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON: a list of one."),
) -> None:
    """Clip clean audio on purpose, to have something to restore.

    Give exactly one kind of distortion. Order: gain, noise, distortion, wet/dry,
    high-pass. The result is float, beyond ±1 where the recipe says so.

    [bold]Examples[/bold]

    rtdeclip clip clean.wav clipped.wav --fraction 0.2

    rtdeclip clip clean.wav clipped.wav --sdr 7 --noise 0.003

    rtdeclip clip guitar.flac driven.wav --overdrive 20 0
    """
    recipe = Recipe(
        fraction=fraction,
        sdr=sdr,
        level=level,
        asymmetric=asymmetric,
        tanh=tanh,
        overdrive=overdrive,
        logistic=logistic,
        gain_db=gain_db,
        wet=wet,
        noise=noise,
        highpass=highpass,
        seed=seed,
    )
    _check(recipe, source, target)
    from rtdeclip.cli import _audio

    sound = _audio.read(source)
    _audio.float_format(target)
    audio, facts = _distort(sound, recipe)
    # A restorer of hard clipping brings back the gained signal: noted for `score`.
    hard = "high" in facts and wet is None
    _audio.write_float(target, audio, sound.sample_rate, gain_db if hard else 0.0)
    row = {"file": str(target), "input": str(source), **facts}
    _report(row, as_json)


def _check(recipe: Recipe, source: Path, target: Path) -> None:
    if len(recipe.ways) != 1:
        given = ", ".join(f"--{way}" for way in recipe.ways) or "no distortion"
        raise typer.BadParameter(f"{given} given; give exactly one of {WAYS}.")
    if source.exists() and target.exists() and target.samefile(source):
        raise typer.BadParameter(
            f"IN and OUT are the same file, {source}; the input is never written "
            "to: give another OUT."
        )


def _distort(sound: "Sound", recipe: Recipe) -> tuple["Samples", dict[str, Any]]:
    """The distorted audio, and what was done to it in numbers."""
    import math

    import numpy as np

    from rtdeclip import distortion
    from rtdeclip.metrics.sdr import sdr_db

    gained = sound.audio.astype(np.float64) * 10.0 ** (recipe.gain_db / 20.0)
    dry = gained
    if recipe.noise is not None:
        dry = distortion.add_noise(gained, recipe.noise, recipe.seed).astype(float)
    audio, facts = _apply(dry, recipe)
    if recipe.wet is not None:
        # The dry path goes round the amplifier, so it keeps the level it came with.
        leak = dry / 10.0 ** (recipe.gain_db / 20.0)
        audio = distortion.with_dry(leak, audio, recipe.wet)
    if recipe.highpass is not None:
        audio = distortion.high_pass(audio, recipe.highpass, sound.sample_rate)
    ratio = sdr_db(gained, audio)
    return audio, {
        "sample_rate": sound.sample_rate,
        "kind": recipe.ways[0],
        "gain_db": recipe.gain_db,
        **facts,
        "sdr_db": ratio if math.isfinite(ratio) else None,
    }


def _apply(dry: Any, recipe: Recipe) -> tuple["Samples", dict[str, Any]]:
    """The one distortion asked for, on ``(n_samples, n_channels)`` float64."""
    from rtdeclip import distortion

    if recipe.tanh:
        return distortion.saturate(dry).audio, {}
    if recipe.overdrive is not None:
        gain, colour = recipe.overdrive
        shaped = distortion.overdrive(dry, gain, colour)
        return shaped.audio, {"overdrive_gain_db": gain, "colour": colour}
    if recipe.logistic is not None:
        holes = distortion.lose_samples(dry, *recipe.logistic, recipe.seed)
        return holes.audio, {"missing_fraction": float(1 - holes.observed.mean())}
    done = _hard(dry, recipe)
    fraction = float((done.sign != 0).mean())
    return done.audio, {
        "high": done.high,
        "low": done.low,
        "clipped_fraction": fraction,
    }


def _hard(dry: Any, recipe: Recipe) -> Any:
    from rtdeclip import distortion

    if recipe.fraction is not None:
        return distortion.clip_at_fraction(dry, recipe.fraction)
    if recipe.sdr is not None:
        return distortion.clip_to_sdr(dry, recipe.sdr)
    high, low = recipe.asymmetric or (recipe.level, recipe.level)
    assert high is not None
    return distortion.clip(dry, high, low)


def _report(row: dict[str, Any], as_json: bool) -> None:
    if as_json:
        import json

        typer.echo(json.dumps([row], indent=2))
        return
    typer.echo(f"{row['file']}: {row['kind']} at {row['sample_rate']} Hz")
    if "high" in row:
        typer.echo(
            f"  levels +{row['high']:.6g} −{row['low']:.6g}, "
            f"{100 * row['clipped_fraction']:.2f} % of the samples clipped"
        )
    if "missing_fraction" in row:
        typer.echo(f"  {100 * row['missing_fraction']:.2f} % of the samples lost")
    if row["sdr_db"] is not None:
        typer.echo(f"  SDR against the clean input {row['sdr_db']:.3f} dB")
