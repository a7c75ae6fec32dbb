"""Shipped and user-trained networks as processors, run by onnxruntime.

Each model found (``model_card``) is a method of its own name. The graph is fed the
clipped signal, the signed mask and the clip level; networks that correct a classical
estimate get that too, the signal delayed to meet it; those with a partner get its
output at the instants of their own. No torch.

Latency: the graph's look-ahead, plus the estimate's; a partner adds none. Cost: 0.01 to
0.1 RTF. Until the first clip level is known nothing is computed; then the last
``REPLAYED_MS`` are run through the graph at once, so that it starts with the sound
before in its memory. It fails on material unlike its training data.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rtdeclip.errors import ModelError, SettingError
from rtdeclip.processors.model_card import Card, Estimate, find_card, model_cards
from rtdeclip.processors.onnx_whole import OnnxWhole
from rtdeclip.processors.step_graph import StepGraph, graph_metadata
from rtdeclip.stream.clip import Clip
from rtdeclip.stream.delay import DelayLine
from rtdeclip.stream.processor import Method, Processor, Setting, Value
from rtdeclip.stream.rebuffer import fit_processor
from rtdeclip.stream.registry import find
from rtdeclip.types import Samples

REPLAYED_MS = 64.0
SOURCE = "trained with rtdeclip train; after Défossez et al. 2020"


class OnnxStep:
    """A step graph as a processor of one channel.

    Args:
        graph: the network.
        hop: samples per step.
        latency_samples: of the graph.
        replayed_hops: how many hops before the first known level the graph gets to
            see; at least ``latency_samples`` worth.
        estimator: the processor whose output is the graph's input ``estimate``, of
            the same hop.
        partner: the processor whose output is the graph's input ``partner``, of the
            same hop and of the latency of this whole.
    """

    def __init__(
        self,
        graph: StepGraph,
        hop: int,
        latency_samples: int,
        replayed_hops: int,
        estimator: Processor | None = None,
        partner: Processor | None = None,
    ) -> None:
        late = estimator.latency_samples if estimator else 0
        self.hop = hop
        self.latency_samples = latency_samples + late
        self._graph, self._estimator, self._partner = graph, estimator, partner
        self._lines = {name: DelayLine(hop, late) for name in ("y", "sign", "theta")}
        self._asleep = DelayLine(hop, latency_samples)
        names = {*graph.inputs, "y", "sign", "theta"}  # a graph may take fewer
        self._now = {name: np.zeros(hop, np.float32) for name in names}
        self._past = [
            {name: np.zeros(hop, np.float32) for name in names}
            for _ in range(replayed_hops)
        ]
        self._sign = np.zeros(hop, np.float32)
        self._theta = np.zeros(hop, np.float32)
        self._level, self._awake = 0.0, False

    def process(self, block: Samples, clip: Clip) -> Samples:
        """See ``Processor.process``."""
        self._level = clip.level or self._level
        self._sign[:] = clip.sign
        self._theta.fill(self._level)
        now, lines = self._now, self._lines
        now["y"][:] = lines["y"].process(block)
        now["sign"][:] = lines["sign"].process(self._sign)
        now["theta"][:] = lines["theta"].process(self._theta)
        if self._estimator:
            now["estimate"][:] = self._estimator.process(block, clip)
        if self._partner:
            now["partner"][:] = self._partner.process(block, clip)
        if not self._awake and not now["theta"].any():
            self._remember()
            return self._asleep.process(now["y"])
        if not self._awake:
            self._wake(float(now["theta"].max()))
        return self._run(now)

    def _run(self, values: dict[str, Samples]) -> Samples:
        for name, target in self._graph.inputs.items():
            target[:] = values[name]
        return self._graph.step()

    def _remember(self) -> None:
        """Keeps this hop for ``_wake``; the oldest one's arrays become the next."""
        self._past.append(self._now)
        self._now = self._past.pop(0)

    def _wake(self, level: float) -> None:
        """Runs the hops before the first known level, as if it had been known."""
        self._awake = True
        for values in self._past:
            values["theta"].fill(level)
            self._run(values)
        np.copyto(self._now["theta"], level, where=self._now["theta"] == 0)

    def reset(self) -> None:
        """Forgets all audio."""
        self._graph.reset()
        self._level, self._awake = 0.0, False
        for helper in (self._estimator, self._partner):
            if helper:
                helper.reset()
        for line in (*self._lines.values(), self._asleep):
            line.reset()
        for values in self._past:
            for array in values.values():
                array.fill(0.0)


def make(
    card: Card,
    sample_rate: int,
    weights: str,
    window_ms: str = "",
    estimator: Processor | None = None,
) -> OnnxStep:
    """The model of ``card`` as a processor.

    Args:
        card: which model.
        sample_rate: of the stream, Hz; must be one of the model's.
        weights: a precision the card names.
        window_ms: of the estimate, one of the card's, in words.
        estimator: gives the estimate, in the hop of the card, instead of a processor
            made from its description there.

    Raises:
        ModelError: another rate, or the files are not what the card says.
    """
    if sample_rate not in card.rates:
        needed = " or ".join(str(rate) for rate in card.rates)
        raise ModelError(
            f"The sound is at {sample_rate} Hz, model {card.name!r} needs "
            f"{needed} Hz. Set the device or file to {needed} Hz, "
            "or choose another processor: rtdeclip processors"
        )
    expected = graph_metadata(
        card.name, card.sample_rate, card.hop, card.latency_samples
    )
    graph = StepGraph(card.path(weights), card.inputs, expected)
    hop_ms = 1e3 * card.hop / sample_rate
    replayed = max(round(REPLAYED_MS / hop_ms), -(-card.latency_samples // card.hop))
    partner = None
    late = card.latency_samples
    if card.estimate and not estimator:
        changes = {"window_ms": float(window_ms)} if window_ms else {}
        estimator = _built(card.estimate, changes, card, sample_rate, 0)
    if estimator:
        late += estimator.latency_samples
    if card.partner:
        follows = card.partner.follows
        changes = {follows: 1e3 * late / sample_rate} if follows else {}
        partner = _built(card.partner, changes, card, sample_rate, late)
    return OnnxStep(graph, card.hop, card.latency_samples, replayed, estimator, partner)


def _built(
    wanted: Estimate,
    changes: Mapping[str, Value],
    card: Card,
    sample_rate: int,
    late: int,
) -> Processor:
    """Raises ModelError if it is later than ``late`` samples, unless that is 0."""
    method = find(wanted.processor)
    settings = {**wanted.settings, **changes}
    made: Processor = method.build(sample_rate, 1, **settings)
    fitted = fit_processor(made, card.hop, late)
    if late and fitted.latency_samples != late:
        raise ModelError(
            f"Model {card.name!r} is {late} samples late, its partner "
            f"{wanted.processor!r} {fitted.latency_samples}. Export it again with a "
            "longer look-ahead."
        )
    return fitted


def method_of(card: Card) -> Method:
    """The model announced to the host; its files are read when it is made."""

    def factory(sample_rate: int, **settings: Any) -> OnnxStep | OnnxWhole:
        if card.kind == "step":
            return make(card, sample_rate, **settings)
        return OnnxWhole(card, settings["weights"])

    names = tuple(card.weights)
    settings = [
        Setting(
            "weights",
            names[0],
            "number format of the network; int8 is the faster one",
            choices=names,
        )
    ]
    if card.kind == "step" and card.estimate and card.estimate.windows_ms:
        windows = tuple(f"{w:g}" for w in card.estimate.windows_ms)
        settings.append(
            Setting(
                "window_ms",
                windows[0],
                f"window of {card.estimate.processor}, whose result the network "
                "corrects; most of the latency",
                unit="ms",
                choices=windows,
            )
        )
    return Method(
        name=card.name,
        summary=card.summary,
        make=factory,
        kind="processor" if card.kind == "step" else "restorer",
        settings=tuple(settings),
        scope=card.scope,
        source=SOURCE,
        note=card.note,
        rates=card.rates if card.kind == "step" else (),
        rungs=tuple(
            replace(rung, low_hz=min(card.rates), high_hz=max(card.rates))
            for rung in card.rungs
        ),
    )


def model_methods() -> list[Method]:
    """Every model found, as methods; for the registry.

    Folders: see ``model_card.model_folders``. A model whose card cannot be read is
    listed too, and says why when it is asked for.
    """
    return [
        _broken(folder.name, card) if isinstance(card, ModelError) else method_of(card)
        for folder, card in model_cards()
    ]


def _broken(name: str, error: ModelError) -> Method:
    def factory(sample_rate: int) -> OnnxStep:
        raise error

    return Method(name, "a model that cannot be used", factory, note="broken")


def _make_any(sample_rate: int, model: str, weights: str) -> OnnxStep:
    if not model:
        raise SettingError(
            "The processor 'model' needs the folder of a model: --set model=DIR "
            "(rtdeclip models list names those that are known)."
        )
    card = find_card(model)
    if card.kind != "step":
        raise ModelError(
            f"Model {card.name!r} needs the whole signal, it cannot stream. Put its "
            "folder below one of RTDECLIP_MODELS and use it by its name."
        )
    if weights and weights not in card.weights:
        raise ModelError(
            f"Model {card.name!r} has no weights {weights!r}; "
            f"it has {', '.join(card.weights)}."
        )
    settings: dict[str, Value] = {"weights": weights} if weights else {}
    made: OnnxStep = method_of(card).build(sample_rate, 1, **settings)
    return made


METHOD = Method(
    name="model",
    summary="a network of your own: the folder that rtdeclip export wrote",
    make=_make_any,
    settings=(
        Setting("model", "", "folder of the model, or its name"),
        Setting("weights", "", "number format, as its card names it; empty: its first"),
    ),
    source=SOURCE,
    note="needs --set model=DIR",
)


def methods() -> list[Method]:
    """The entry point: ``model`` and every model found."""
    return [METHOD, *model_methods()]
