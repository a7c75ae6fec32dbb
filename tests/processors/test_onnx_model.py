"""Networks as processors: exact state, no growth, and errors that say what to do."""

import gc
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from rtdeclip.errors import ModelError, SettingError
from rtdeclip.metrics.sdr import delta_sdr_db
from rtdeclip.processors import model_card
from rtdeclip.processors.bypass import make as make_bypass
from rtdeclip.processors.model_card import (
    Estimate,
    find_card,
    model_cards,
    read_card,
)
from rtdeclip.processors.onnx_model import (
    OnnxStep,
    _built,
    make,
    method_of,
    methods,
    model_methods,
)
from rtdeclip.stream.clip import Clip, Plateau
from rtdeclip.stream.offline import declip
from rtdeclip.stream.rebuffer import Padded
from rtdeclip.testing import check_processor

TINY = Path(__file__).parents[1] / "data" / "tiny-step"
RATE = 16000


@pytest.fixture(scope="module")
def card():
    return read_card(TINY)


@pytest.fixture
def copy(tmp_path):
    """A copy of the tiny model that a test may spoil."""
    return Path(shutil.copytree(TINY, tmp_path / "tiny-step"))


def voice(n_samples=4 * RATE, seed=0):
    """A gliding harmonic tone with a slow envelope: speech enough for a tiny net."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples) / RATE
    phase = 2 * np.pi * np.cumsum(140 + 40 * np.sin(2 * np.pi * 0.7 * t)) / RATE
    x = sum(np.cos(k * phase + rng.uniform(0, 6)) / k**1.2 for k in range(1, 20))
    x = x * (0.55 + 0.45 * np.sin(2 * np.pi * 1.3 * t)) ** 2
    return (0.8 * x / np.abs(x).max()).astype(np.float32)


def clipped_at(clip, block, level):
    """``block`` held at ``level``, and ``clip`` filled to match."""
    y = np.clip(block, -level, level).astype(np.float32)
    clip.sign[:] = np.sign(block) * (np.abs(block) >= level)
    clip.bound[:] = np.where(clip.sign == 0, 0, np.float32(level * (1 - 1e-6)))
    clip.count = int(np.count_nonzero(clip.sign))
    clip.high = clip.low = Plateau.digital(level)
    return y


def run(processor, x, levels):
    """``x`` block by block, clipped at one level per block."""
    clip, out = Clip(processor.hop), []
    for block, level in zip(x.reshape(-1, processor.hop), levels, strict=True):
        out.append(processor.process(clipped_at(clip, block, level), clip).copy())
    return np.concatenate(out)


@pytest.mark.parametrize("weights", ["int8", "fp32"])
def test_a_model_keeps_the_contract_of_a_processor(card, weights):
    check_processor(method_of(card), RATE, weights=weights)


def test_a_model_restores_what_was_clipped(card):
    x = voice()
    y = np.clip(x, -0.2, 0.2)
    for weights in card.weights:
        out = declip(y, RATE, method_of(card), {"weights": weights}, level=0.2)
        assert delta_sdr_db(x, y, out) > 2.5


def test_int8_is_as_good_as_fp32(card):
    x = voice()
    y = np.clip(x, -0.2, 0.2)
    gains = [
        delta_sdr_db(x, y, declip(y, RATE, method_of(card), {"weights": w}, level=0.2))
        for w in ("int8", "fp32")
    ]
    assert abs(gains[0] - gains[1]) < 0.1


def test_scaling_by_a_power_of_two_scales_the_output_exactly(card):
    x = voice(64 * 40)
    one = run(make(card, RATE, "fp32"), x, [0.2] * 40)
    half = run(make(card, RATE, "fp32"), 0.5 * x, [0.1] * 40)
    assert np.array_equal(half, 0.5 * one)


def test_a_louder_signal_at_the_same_level_is_another_problem(card):
    x = voice(64 * 60)
    one = run(make(card, RATE, "fp32"), x, [0.2] * 60)
    louder = run(make(card, RATE, "fp32"), 2 * x, [0.2] * 60)
    clipped = np.clip(2 * x, -0.2, 0.2)
    late = make(card, RATE, "fp32").latency_samples
    wanted = 2 * one[late:]
    left = np.sum((louder[late:] - wanted) ** 2)
    # Not given by dividing by the level: a property to measure (bench.equivariance).
    assert 0 < left < np.sum((clipped[: len(wanted)] - wanted) ** 2)


def test_clipped_samples_go_beyond_the_level_and_reliable_ones_are_untouched(card):
    processor = make(card, RATE, "fp32")
    x = voice(64 * 100)
    out = run(processor, x, [0.2] * 100)
    late = processor.latency_samples
    out, x = out[late:], x[: len(out) - late]
    clipped = np.abs(x) >= 0.2
    assert np.array_equal(out[~clipped], x[~clipped])
    assert (np.abs(out[clipped]) > 0.2).all()


def test_a_level_that_changes_in_mid_stream_is_each_samples_own(card):
    processor = make(card, RATE, "fp32")
    x = voice(64 * 80)
    levels = [0.3] * 40 + [0.15] * 40
    out = run(processor, x, levels)
    late = processor.latency_samples
    level = np.repeat(levels, 64)[: len(out) - late]
    out, x = out[late:], x[: len(out) - late]
    clipped = np.abs(x) >= level
    assert np.isfinite(out).all()
    assert np.array_equal(out[~clipped], x[~clipped])
    assert (np.abs(out[clipped]) > level[clipped]).all()


def test_silence_stays_silent_and_all_clipped_stays_finite(card):
    processor = make(card, RATE, "int8")
    silence = run(processor, np.zeros(64 * 20, np.float32), [0.5] * 20)
    assert not silence.any()
    loud = run(processor, np.ones(64 * 200, np.float32), [0.5] * 200)
    assert np.isfinite(loud).all()
    assert (loud[processor.latency_samples + 64 * 20 :] >= 0.5).all()


def test_before_any_level_is_known_the_input_passes_and_nothing_is_computed(card):
    processor = make(card, RATE, "fp32")
    x, clip, late = voice(64 * 10), Clip(64), processor.latency_samples
    steps = []
    processor._graph.step = lambda: steps.append(1)
    out = np.concatenate(
        [processor.process(block, clip).copy() for block in x.reshape(-1, 64)]
    )
    assert np.array_equal(out[late:], x[:-late])
    assert not steps


def test_the_sound_before_the_first_level_is_in_the_memory(card):
    x = voice(64 * 60)
    clip, late_start, known = Clip(64), make(card, RATE, "fp32"), []
    blocks = x.reshape(-1, 64)
    for block in blocks[:20]:
        late_start.process(np.clip(block, -0.2, 0.2), clip)
    known.append(late_start.process(clipped_at(clip, blocks[20], 0.2), clip).copy())
    fresh = make(card, RATE, "fp32")
    cold = fresh.process(clipped_at(clip, blocks[20], 0.2), clip).copy()
    first = make(card, RATE, "fp32")
    warm = run(first, x[: 64 * 21], [0.2] * 21)[-64:]
    assert not np.array_equal(known[0], cold)
    lost = np.abs(blocks[20]) >= 0.2
    assert lost.any()
    error = np.abs(known[0] - warm).max()
    assert error < np.abs(cold - warm).max()


def test_ten_thousand_hops_leave_nothing_on_the_heap(card):
    processor = make(card, RATE, "int8")
    clip = Clip(64)
    block = clipped_at(clip, voice(64, seed=3), 0.2)
    tracemalloc.start()

    def traced_after(hops):
        for _ in range(hops):
            processor.process(block, clip)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    # Interpreter caches fill up once, a leak grows in every window.
    sizes = [traced_after(hops) for hops in (2000, 10_000, 10_000)]
    tracemalloc.stop()
    grown = min(np.diff(sizes))
    assert grown < 1024


class Recorder:
    """Stands where the graph stands and keeps what it is fed."""

    def __init__(self, hop, names=("y", "sign", "theta", "estimate")):
        self.inputs = {name: np.zeros(hop, np.float32) for name in names}
        self.seen = []

    def step(self):
        self.seen.append({name: a.copy() for name, a in self.inputs.items()})
        return self.inputs["y"]

    def reset(self):
        self.seen.clear()


@pytest.mark.parametrize("hop", [32, 64, 128])
def test_estimate_signal_mask_and_level_arrive_at_the_same_instant(hop):
    late = Padded(make_bypass(RATE, hop), 3 * hop + 5)
    graph = Recorder(hop)
    processor = OnnxStep(graph, hop, 10, 2, estimator=late)
    assert processor.latency_samples == 3 * hop + 5 + 10
    x = voice(hop * 30)
    run(processor, x, [0.2] * 30)
    fed = {n: np.concatenate([s[n] for s in graph.seen]) for n in graph.inputs}
    assert np.array_equal(fed["estimate"], fed["y"])
    clipped = np.abs(fed["y"]) >= 0.2
    assert clipped.any()
    assert np.array_equal(fed["sign"], np.sign(fed["y"]) * clipped)
    assert (fed["theta"] == np.float32(0.2)).all()


@pytest.mark.parametrize("hop", [64, 128])
def test_a_partner_arrives_at_the_instants_of_the_output(hop):
    late = Padded(make_bypass(RATE, hop), hop)
    partner = Padded(make_bypass(RATE, hop), hop + 10)
    graph = Recorder(hop, ("y", "sign", "theta", "estimate", "partner"))
    processor = OnnxStep(graph, hop, 10, 2, estimator=late, partner=partner)
    assert processor.latency_samples == hop + 10
    run(processor, voice(hop * 30), [0.2] * 30)
    fed = {n: np.concatenate([s[n] for s in graph.seen]) for n in graph.inputs}
    assert np.array_equal(fed["partner"][10:], fed["y"][:-10])
    processor.reset()
    run(processor, np.zeros(hop * 3, np.float32), [0.2] * 3)
    assert not any(seen["partner"].any() for seen in graph.seen)


def test_a_partner_that_is_later_than_the_model_is_refused(card):
    partner = Estimate("ar", {"look_ahead": 40.0})
    with pytest.raises(ModelError, match="32 samples late, its partner 'ar' 640"):
        _built(partner, {}, card, RATE, 32)


def test_a_model_of_several_rates_runs_at_each_of_them(copy):
    text = (copy / "card.toml").read_text()
    (copy / "card.toml").write_text(
        text.replace("hop = 64", "also_hz = [ 24000,]\nhop = 64")
    )
    card = read_card(copy)
    assert method_of(card).rates == (16000, 24000)
    x = voice(64 * 20)
    outs = [run(make(card, rate, "fp32"), x, [0.2] * 20) for rate in card.rates]
    assert np.allclose(*outs, atol=1e-4)  # unlike lengths of silence before
    with pytest.raises(ModelError, match="needs 16000 or 24000 Hz"):
        make(card, 48000, "fp32")


def test_another_sample_rate_is_refused_in_words(card):
    with pytest.raises(ModelError, match=r"48000 Hz, model 'tiny-step' needs 16000 Hz"):
        make(card, 48000, "fp32")


def test_models_are_found_by_name_in_the_folders_that_the_variable_names(monkeypatch):
    monkeypatch.setenv(model_card.FOLDERS_VARIABLE, str(TINY.parent))
    assert "tiny-step" in [folder.name for folder, _ in model_cards()]
    assert "tiny-step" in [method.name for method in model_methods()]
    assert find_card("tiny-step").folder == TINY
    assert find_card(str(TINY)).name == "tiny-step"


def test_the_processor_model_takes_a_folder():
    model = next(method for method in methods() if method.name == "model")
    built = model.build(RATE, model=str(TINY), weights="fp32")
    assert built.hop == 64
    with pytest.raises(ModelError, match="has no weights 'fp8'; it has int8, fp32"):
        model.build(RATE, model=str(TINY), weights="fp8")
    with pytest.raises(ModelError, match="There is no model 'nobody'"):
        model.build(RATE, model="nobody")
    with pytest.raises(SettingError, match="--set model=DIR"):
        model.build(RATE)


def test_unknown_weights_are_refused(card):
    with pytest.raises(SettingError, match="int8, fp32"):
        method_of(card).build(RATE, weights="fp16")


def test_a_damaged_file_is_named(copy):
    path = copy / "model.onnx"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ModelError, match="damaged or not the file its card names"):
        make(read_card(copy), RATE, "fp32")


def test_a_missing_file_is_named(copy):
    (copy / "model.int8.onnx").unlink()
    with pytest.raises(ModelError, match=r"lacks .*model\.int8\.onnx"):
        make(read_card(copy), RATE, "int8")


def rewritten(folder, old, new):
    path = folder / "card.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("format = 1", "format = 99", "format 99, this version reads up to 1"),
        (
            'kind = "step"',
            'kind = "magic"',
            "'magic' is unknown; known: step, chunk, whole",
        ),
        ("hop = 64", "hop = 0", "out of range"),
        ('name = "', 'nom = "', "KeyError: 'name'"),
        ('    "theta",', '    "colour",', "do not fit"),
        ("format = 1", "format = ", "damaged"),
    ],
)
def test_a_card_that_cannot_be_used_says_why(copy, old, new, reason):
    with pytest.raises(ModelError, match=reason):
        read_card(rewritten(copy, old, new))


def test_a_folder_without_a_card_is_no_model(tmp_path):
    with pytest.raises(ModelError, match=r"holds no card\.toml"):
        read_card(tmp_path)


def test_a_card_that_belongs_to_another_graph_is_noticed(copy):
    foreign = read_card(rewritten(copy, "sample_rate = 16000", "sample_rate = 8000"))
    with pytest.raises(ModelError, match=r"rtdeclip\.sample_rate = '16000'.*'8000'"):
        make(foreign, 8000, "fp32")


def test_a_file_that_is_no_graph_is_refused_in_words(copy):
    import hashlib

    content = b"not a graph"
    (copy / "model.onnx").write_bytes(content)
    old = read_card(copy).weights["fp32"].sha256
    rewritten(copy, old, hashlib.sha256(content).hexdigest())
    with pytest.raises(ModelError, match="cannot be run by onnxruntime"):
        make(read_card(copy), RATE, "fp32")


def test_a_broken_model_is_listed_and_says_why_when_asked_for(copy, monkeypatch):
    monkeypatch.setenv(model_card.FOLDERS_VARIABLE, str(copy.parent))
    rewritten(copy, "format = 1", "format = 99")
    broken = next(m for m in model_methods() if m.name == "tiny-step")
    assert broken.note == "broken"
    with pytest.raises(ModelError, match="format 99"):
        broken.build(RATE)
    with pytest.raises(ModelError, match="format 99"):
        find_card("tiny-step")


def test_building_a_model_leaves_the_callers_floating_point_state_alone(card):
    tiny = np.full(4, 1e-39, np.float32)
    method_of(card).build(RATE)
    assert (tiny * np.float32(0.5) > 0).all()
