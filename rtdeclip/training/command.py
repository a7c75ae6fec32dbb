"""What ``rtdeclip train`` and ``export`` do; importing it needs no torch yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rtdeclip.errors import MissingExtraError, ModelError, SettingError

if TYPE_CHECKING:
    from rtdeclip.processors.model_card import Card
    from rtdeclip.training.fit import Fit, Plan

Tell = Callable[[str], None]
HELD_SHARE = 0.05  # of the speakers or pieces, when no validation folder is given


@dataclass(frozen=True, slots=True)
class Request:
    """The options of ``rtdeclip train``, see there."""

    name: str
    data: tuple[Path, ...]
    preset: str
    out: Path
    minutes: float
    steps: int
    validate: tuple[Path, ...]
    loss: str
    rate: int
    speeds: tuple[float, ...]
    prepared: int
    resume: Path | None
    init: str
    seed: int
    device: str
    threads: int


def need_torch() -> None:
    """Raises MissingExtraError where the extra ``train`` is not installed."""
    try:
        for name in ("onnx", "onnxscript", "torch"):
            import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"Training and export need {error.name}, which is not installed: "
            "pip install 'rtdeclip[train]'. Without a GPU, install the CPU build of "
            "torch first: pip install torch --index-url "
            "https://download.pytorch.org/whl/cpu"
        ) from error


def run(request: Request, tell: Tell) -> None:
    """Trains as asked; ctrl-C keeps the last checkpoint.

    Raises:
        MissingExtraError: torch is not installed.
        SettingError: an option is out of range or contradicts another.
        FileError: a folder holds no audio.
        ModelError: a checkpoint or model cannot be read.
    """
    need_torch()
    import platformdirs
    import torch

    from rtdeclip.training import data
    from rtdeclip.training import run as training
    from rtdeclip.training.fit import Fit

    if request.threads:
        torch.set_num_threads(request.threads)
    plan = _plan(request)
    files, held = training.split_files(request.data, request.validate, HELD_SHARE)
    tell(f"{len(files)} files to train on, {len(held)} to validate on")
    cache = platformdirs.user_cache_path("rtdeclip")
    pool = data.load(files, plan.sample_rate, request.speeds, cache / "audio")
    hours = len(pool.samples) / plan.sample_rate / 3600
    tell(f"{hours:.2f} h of audio, speeds included; kept in {cache / 'audio'}")
    device = request.device or ("cuda" if torch.cuda.is_available() else "cpu")
    source = training.source_of(
        plan, pool.to(device), request.prepared, cache / "estimates", tell
    )
    fit = Fit(plan, source, device)
    _start(fit, request)
    size = sum(p.numel() for p in fit.net.parameters())
    tell(f"{plan.name}: {size / 1e6:.2f} M parameters, {device}, to {request.out}")
    try:
        validation = training.fixed_items(plan, held)
        training.train(fit, validation, request.out, report=tell)
    except KeyboardInterrupt:
        tell(f"Stopped; go on with --resume {request.out / training.CHECKPOINT}")
        return
    tell(f"Done. Next: rtdeclip export {request.out / training.CHECKPOINT}")


def _plan(request: Request) -> "Plan":
    from rtdeclip.training.fit import Plan, read_checkpoint
    from rtdeclip.training.losses import LOSSES
    from rtdeclip.training.presets import PRESETS, preset

    if request.loss and request.loss not in LOSSES:
        raise SettingError(
            f"--loss {request.loss!r} is unknown; give one of {', '.join(LOSSES)}."
        )
    if request.minutes < 0 or request.steps < 0:
        raise SettingError("--minutes and --steps cannot be negative; 0: the preset's.")
    if request.resume:
        plan = Plan.from_dict(read_checkpoint(request.resume)["plan"])
    else:
        known = request.name if request.name in PRESETS else "demucs-speech-16k"
        plan = preset(request.preset or known)
        plan = replace(plan, name=request.name, seed=request.seed)
    changes: dict[str, Any] = {}
    if request.loss:
        changes["loss"] = request.loss
    if request.rate:
        changes["sample_rate"] = request.rate
    if request.minutes:
        changes |= {"minutes": request.minutes, "steps": None}
    if request.steps:
        changes["steps"] = request.steps
    return replace(plan, **changes)


def _start(fit: "Fit", request: Request) -> None:
    if request.resume and request.init:
        raise SettingError("--resume and --init exclude each other; give one.")
    if request.resume:
        fit.restore(request.resume)
    if request.init:
        from rtdeclip.processors.model_card import find_card
        from rtdeclip.training.export import weights_of

        if Path(request.init).is_file():
            fit.start_from(_mean_of(Path(request.init), fit.plan))
            return
        if fit.plan.family != "causal-demucs":
            raise SettingError(
                "--init starts a causal DEMUCS from a shipped model; the network "
                f"family {fit.plan.family!r} starts from a checkpoint (last.ckpt)."
            )
        card = find_card(request.init)
        form = "fp32" if "fp32" in card.weights else "fp16"
        fit.start_from(weights_of(card.path(form), fit.plan.shape))


def _mean_of(checkpoint: Path, plan: "Plan") -> dict[str, Any]:
    """The weights of another training of the same network.

    Raises:
        ModelError: no checkpoint, or of another network.
    """
    from rtdeclip.training.fit import Plan, read_checkpoint

    kept = read_checkpoint(checkpoint)
    other = Plan.from_dict(kept["plan"])
    weights: dict[str, Any] = kept["mean"]
    mine = _sizes(plan)
    if {name: tuple(w.shape) for name, w in weights.items()} != mine:
        raise ModelError(
            f"{checkpoint} holds a {other.family} of other sizes than this "
            f"{plan.family}. Give a checkpoint of the same network, or none."
        )
    return weights


def _sizes(plan: "Plan") -> dict[str, tuple[int, ...]]:
    """The sizes of all tensors of a network, by name."""
    from rtdeclip.training.nets.network import family_of

    state = family_of(plan.family).build(plan.shape).state_dict()
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


def write_model(
    checkpoint: Path,
    out: Path | None,
    summary: str,
    licence: str,
    sources: list[str],
    note: str = "",
    precisions: Sequence[str] = (),
) -> "Card":
    """A model folder from a checkpoint; see ``rtdeclip export``.

    Raises:
        SettingError: an unknown number format.
        MissingExtraError: torch or onnx is not installed.
        ModelError: the checkpoint cannot be read.
    """
    need_torch()
    from rtdeclip.training.export import FORMS, export, load_trained

    if unknown := [name for name in precisions if name not in FORMS]:
        raise SettingError(
            f"--weights {unknown[0]!r} is unknown; give one of {', '.join(FORMS)}."
        )
    net, plan, facts = load_trained(checkpoint)
    return export(
        net,
        plan,
        out or checkpoint.parent / "models" / plan.name,
        summary=summary or f"network trained on {', '.join(sources) or 'own data'}",
        licence=licence,
        data=sources,
        training=facts,
        note=note,
        precisions=precisions,
    )
