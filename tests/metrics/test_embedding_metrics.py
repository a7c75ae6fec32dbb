"""FAD, speaker similarity and word error rate, with models made on the spot."""

import hashlib
import math
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

from rtdeclip.errors import InputError, ModelError, RtdeclipError, SettingError
from rtdeclip.metrics.downstream import (
    recognise,
    speaker_similarity,
    word_error_rate,
)
from rtdeclip.metrics.embedding import load_embedding, log_mel_patches
from rtdeclip.metrics.fad import fad, frechet_distance, gaussian_distance

RNG = np.random.default_rng(2)
RATE = 16_000


def model_file(path: Path, shape: tuple[int | str, ...]) -> Path:
    """An ONNX model: three numbers per patch, by a fixed matrix."""
    onnx = pytest.importorskip("onnx", reason="onnx (extra dev) is not installed")
    size = int(np.prod([n for n in shape if isinstance(n, int)]))
    weights = np.random.default_rng(1).normal(0, 0.1, (size, 3)).astype(np.float32)
    helper, kinds = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["flat"]),
            helper.make_node("MatMul", ["flat", "w"], ["y"]),
        ],
        "embedding",
        [helper.make_tensor_value_info("x", kinds.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", kinds.FLOAT, ["batch", 3])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture(params=[(15_360,), (96, 64), (1, 96, 64)], ids=str)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return model_file(tmp_path / "model.onnx", request.param)


def test_the_frechet_distance_of_known_gaussians() -> None:
    distance = gaussian_distance(
        np.zeros(3),
        np.diag([1.0, 4.0, 9.0]),
        np.array([1.0, 2.0, 3.0]),
        np.diag([4.0, 9.0, 16.0]),
    )
    assert distance == pytest.approx(17.0)


def test_a_set_is_at_no_distance_from_itself_even_without_full_rank() -> None:
    few = RNG.normal(size=(40, 128))
    assert 0.0 <= frechet_distance(few, few) < 1e-4
    assert frechet_distance(few, few + 1.0) == pytest.approx(128.0, rel=1e-4)


def test_fad_grows_with_the_distortion_and_records_its_model(model: Path) -> None:
    loaded = load_embedding(model)
    clean = [(RNG.normal(0, 0.2, 4 * RATE), RATE) for _ in range(3)]
    some, much = ([(np.clip(x, -t, t), rate) for x, rate in clean] for t in (0.3, 0.05))
    near, far = fad(clean, some, loaded), fad(clean, much, loaded)
    assert fad(clean, clean, loaded).distance < 1e-6
    assert near.distance < far.distance
    assert near.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert near.convention == loaded.convention
    assert (near.dimension, near.n_reference) == (3, 12)


def test_the_convention_is_told_by_the_input_shape(tmp_path: Path) -> None:
    for shape, convention in (((15_360,), "waveform"), ((96, 64), "vggish")):
        loaded = load_embedding(model_file(tmp_path / "m.onnx", shape))
        assert loaded.convention == convention


def test_embeddings_are_taken_at_16_khz_whatever_the_rate(tmp_path: Path) -> None:
    loaded = load_embedding(model_file(tmp_path / "m.onnx", (96, 64)))
    t = np.arange(2 * 48_000) / 48_000
    high = np.sin(2 * np.pi * 440 * t)
    rows = loaded.embed(high, 48_000)
    np.testing.assert_allclose(rows, loaded.embed(high[::3], RATE), atol=0.05)


def test_the_log_mel_of_a_tone_peaks_in_its_band() -> None:
    t = np.arange(RATE) / RATE
    patch = log_mel_patches(np.sin(2 * np.pi * 1000 * t))
    assert patch.shape == (1, 96, 64)
    mel = 1127 * np.log1p(np.array([125, 1000, 7500]) / 700)
    expected = (mel[1] - mel[0]) / (mel[2] - mel[0]) * 65 - 1
    assert abs(patch[0, 50].argmax() - expected) <= 1
    assert log_mel_patches(np.zeros(100)).shape == (0, 96, 64)
    assert log_mel_patches(np.zeros(RATE)).max() == pytest.approx(math.log(0.01))


def test_speakers_are_alike_to_themselves(model: Path) -> None:
    loaded = load_embedding(model)
    x = RNG.normal(0, 0.2, 2 * RATE)
    assert speaker_similarity(x, x, RATE, loaded) == pytest.approx(1.0)
    other = speaker_similarity(x, RNG.normal(0, 0.2, 2 * RATE), RATE, loaded)
    assert -1.0 <= other < 0.99999


def test_too_little_sound_has_no_embedding(model: Path) -> None:
    loaded = load_embedding(model)
    short = [(np.zeros(1000), RATE)]
    with pytest.raises(InputError, match=r"0\.9"):
        loaded.embed(*short[0])
    with pytest.raises(InputError, match="window"):
        fad(short, short, loaded)
    one = [(RNG.normal(size=RATE), RATE)]
    with pytest.raises(InputError, match="two of each"):
        fad(one, one, loaded)


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="yours to supply"):
        load_embedding(tmp_path / "absent.onnx")
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(ModelError, match="ONNX"):
        load_embedding(tmp_path / "noise.onnx")
    with pytest.raises(ModelError, match="shape"):
        load_embedding(model_file(tmp_path / "odd.onnx", (3, 7)))


def test_word_errors_are_counted_by_the_shortest_way() -> None:
    assert word_error_rate("one two three four", "one two three four") == 0.0
    assert word_error_rate("one two three four", "One, TWO three!") == 0.25
    assert word_error_rate("a b c", "x a b c") == pytest.approx(1 / 3)
    assert word_error_rate("a b c", "") == 1.0
    assert word_error_rate("don't go", "don’t go") == 0.0
    assert math.isnan(word_error_rate("", "anything"))


def test_the_recogniser_is_a_command_of_the_user(tmp_path: Path) -> None:
    say = f"{shlex.quote(sys.executable)} -c 'import sys; print(sys.argv[1])' {{file}}"
    assert recognise(say, tmp_path / "a b.wav").strip() == str(tmp_path / "a b.wav")
    with pytest.raises(SettingError, match="file"):
        recognise("whisper", tmp_path)
    with pytest.raises(SettingError, match="no command"):
        recognise("no-such-recogniser {file}", tmp_path)
    fail = f"{shlex.quote(sys.executable)} -c 'import sys; sys.exit(\"sick\")' {{file}}"
    with pytest.raises(RtdeclipError, match="sick"):
        recognise(fail, tmp_path)
