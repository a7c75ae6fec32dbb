from collections.abc import Iterator

import numpy as np
import pytest

from rtdeclip.errors import PluginError
from rtdeclip.files.chain import Chain, EffectChoice
from rtdeclip.files.engine import Limited, Metered, build_engine, run
from rtdeclip.stream import registry
from rtdeclip.stream.limiter import TruePeakLimiter
from rtdeclip.stream.offline import find_levels
from rtdeclip.stream.processor import Method
from rtdeclip.types import Samples, Signs


class Louder:
    """A restorer that makes clipped samples half as large again."""

    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        assert sample_rate == 16000
        return np.where(sign != 0, 1.5 * y, 0.0 * y).astype(np.float32)


class Broken:
    def restore(
        self, y: Samples, sign: Signs, bound: Samples, sample_rate: int
    ) -> Samples:
        raise ZeroDivisionError("no frames")


@pytest.fixture
def restorers(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        "louder": Method("louder", "for tests", lambda rate: Louder(), "restorer"),
        "broken": Method("broken", "for tests", lambda rate: Broken(), "restorer"),
    }
    find = registry.find

    def find_ours(name: str, group: registry.Group = "processors") -> Method:
        return made.get(name) or find(name, group)

    monkeypatch.setattr(registry, "find", find_ours)


def pieces(x: Samples, n: int) -> Iterator[Samples]:
    for start in range(0, len(x), n):
        yield x[start : start + n]


def restored(chain: Chain, x: Samples, n: int = 5000) -> Samples:
    engine = build_engine(chain, 16000, x.shape[1], find_levels(x, 16000, 0.5))
    return np.concatenate([block.copy() for block in run(engine, pieces(x, n))])


EVERYTHING = Chain(
    processor="cubic",
    pre=(EffectChoice("limiter", {"ceiling_db": 0.0}),),
    post=(EffectChoice("limiter", {"ceiling_db": 0.0}), EffectChoice("gain")),
)


@pytest.mark.parametrize("n", [1, 17, 509, 2048, 100_000])
def test_any_split_gives_the_same_bits_and_the_input_length(
    clipped: Samples, n: int
) -> None:
    x = clipped[:3000]
    expected = restored(EVERYTHING, x)
    got = restored(EVERYTHING, x, n)
    assert got.shape == x.shape
    np.testing.assert_array_equal(got, expected)


def test_latency_is_trimmed_and_reliable_samples_are_exact(clipped: Samples) -> None:
    y = restored(Chain(), clipped)
    reliable = np.abs(clipped) < 0.499999
    np.testing.assert_array_equal(y[reliable], clipped[reliable])
    assert np.abs(y).max() > 0.7


@pytest.mark.parametrize("n_samples", [1, 2, 255])
def test_the_shortest_sounds_keep_their_length(n_samples: int) -> None:
    x = np.full((n_samples, 1), 0.25, np.float32)
    np.testing.assert_array_equal(restored(EVERYTHING, x), x)


@pytest.mark.usefixtures("restorers")
def test_a_restorer_sees_everything_and_is_held_to_what_is_known(
    clipped: Samples,
) -> None:
    y = restored(Chain(processor="louder"), clipped)
    at = np.abs(clipped) >= np.float32(0.499999)
    np.testing.assert_array_equal(y[~at], clipped[~at])
    np.testing.assert_allclose(y[at], 1.5 * clipped[at])


@pytest.mark.usefixtures("restorers")
def test_wet_and_repair_only_mean_the_same_for_restorers_and_processors(
    clipped: Samples,
) -> None:
    for name in ("louder", "cubic"):
        full = restored(Chain(processor=name), clipped)
        half = restored(Chain(processor=name, wet=0.5), clipped)
        repair = restored(Chain(processor=name, repair_only=True), clipped)
        np.testing.assert_allclose(half, (full + clipped) / 2, atol=1e-6)
        np.testing.assert_allclose(repair, full - clipped, atol=1e-6)


@pytest.mark.usefixtures("restorers")
def test_effects_around_a_restorer_are_aligned(clipped: Samples) -> None:
    chain = Chain(
        processor="louder",
        pre=(EffectChoice("limiter", {"ceiling_db": 0.0}),),
        post=(EffectChoice("limiter", {"ceiling_db": 0.0}),),
    )
    x = clipped * np.float32(0.9)  # below the restorer's level: it changes nothing
    np.testing.assert_array_equal(restored(chain, x), x)


@pytest.mark.usefixtures("restorers")
def test_a_restorer_that_fails_or_has_no_levels_is_a_clear_error(
    clipped: Samples,
) -> None:
    with pytest.raises(PluginError, match="ZeroDivisionError: no frames"):
        restored(Chain(processor="broken"), clipped)
    with pytest.raises(PluginError, match="--level"):
        build_engine(Chain(processor="louder"), 16000, 1, None)


def test_the_limiter_comes_last_and_the_meter_sees_what_it_was_given(
    clipped: Samples,
) -> None:
    inner = build_engine(Chain(), 16000, 2, find_levels(clipped, 16000, 0.5))
    metered = Metered(inner)
    limiter = TruePeakLimiter(16000, 2, ceiling_db=-6.0)
    engine = Limited(metered, limiter)
    y = np.concatenate([b.copy() for b in run(engine, pieces(clipped, 4000))])
    assert y.shape == clipped.shape
    assert np.abs(y).max() <= 10 ** (-6 / 20)
    assert metered.meter.peak > 0.7
    assert metered.meter.peak == max(metered.meter.highest, -metered.meter.lowest)
