from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rtdeclip.errors import PluginError, SettingError
from rtdeclip.files.chain import Chain, EffectChoice
from rtdeclip.files.presets import (
    list_presets,
    load_preset,
    preset_folder,
    preset_from_chain,
    remove_preset,
    save_preset,
)

CHAIN = Chain(
    processor="cubic",
    settings={"fit": "least-squares"},
    pre=(EffectChoice("gain", {"gain_db": "-3"}),),
    post=(EffectChoice("highpass", {"corner_hz": 30.0}), EffectChoice("eq")),
    policy="limit",
    ceiling_db=-2.0,
    wet=0.5,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def test_a_preset_comes_back_as_it_was_saved() -> None:
    made = preset_from_chain("tape", CHAIN, "for cassettes", live_gain_db=-9.0)
    path = save_preset(made)
    assert path.parent == preset_folder()
    found = load_preset("tape")
    assert found == made
    assert found.headroom.live_gain_db == -9.0
    chain = found.chain()
    assert chain.settings == {"fit": "least-squares"}
    assert chain.pre[0].settings == {"gain_db": -3.0}
    assert (chain.policy, chain.ceiling_db, chain.wet) == ("limit", -2.0, 0.5)
    assert "'tape'" in chain.why
    chain.check()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    gain_db=st.floats(-120, 60, allow_nan=False),
    wet=st.floats(0, 1),
    ceiling_db=st.floats(-60, 0),
    policy=st.sampled_from(["float", "fit", "limit", None]),
    summary=st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_any_numbers_and_words_survive_the_file(
    gain_db: float, wet: float, ceiling_db: float, policy: object, summary: str
) -> None:
    chain = Chain(
        post=(EffectChoice("gain", {"gain_db": gain_db}),),
        wet=wet,
        ceiling_db=ceiling_db,
        policy=policy,
    )
    made = preset_from_chain("any", chain, summary)
    save_preset(made, replace=True)
    assert load_preset("any") == made


def test_a_file_somewhere_else_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('version = 1\nname = "mine"\nprocessor = "cubic"\n')
    assert load_preset(str(path)).chain().processor == "cubic"


def test_presets_are_listed_by_name_damaged_ones_with_the_reason() -> None:
    assert list_presets() == []
    save_preset(preset_from_chain("b", CHAIN))
    save_preset(preset_from_chain("a", Chain()))
    (preset_folder() / "c.toml").write_text("processor = ")
    found = list_presets()
    assert [listing.name for listing in found] == ["a", "b", "c"]
    assert "not TOML" in found[2].reason
    remove_preset("c")
    remove_preset("a")
    assert [listing.name for listing in list_presets()] == ["b"]


def test_names_are_not_overwritten_unasked() -> None:
    save_preset(preset_from_chain("a", Chain()))
    with pytest.raises(SettingError, match="--replace"):
        save_preset(preset_from_chain("a", CHAIN))
    save_preset(preset_from_chain("a", CHAIN), replace=True)
    assert load_preset("a").wet == 0.5


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x" * 65])
def test_names_that_are_no_file_names_are_refused(name: str) -> None:
    with pytest.raises(SettingError, match="no name for a preset"):
        preset_from_chain(name, Chain())
    with pytest.raises(SettingError, match="no name for a preset"):
        remove_preset(name)


def test_a_missing_preset_is_refused_with_those_there_are() -> None:
    save_preset(preset_from_chain("tape", Chain()))
    with pytest.raises(SettingError, match="there are: tape"):
        load_preset("tabe")
    with pytest.raises(SettingError, match="nothing was removed"):
        remove_preset("tabe")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 2", "Update rtdeclip"),
        ('version = 1\nname = "x"', "processor"),
        ('version = 1\nname = "x"\nprocessor = "cubic"\nwett = 1.0', "wett"),
        ('version = 1\nname = "x"\nprocessor = "cubic"\nwet = 7.0', "wet"),
        ('name = "x"\nprocessor = "cubic"\n[headroom]\noutput = "cut"', "headroom"),
    ],
)
def test_a_preset_with_a_mistake_is_refused_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(SettingError, match=words):
        load_preset(str(path))


def test_what_cannot_run_is_not_saved() -> None:
    with pytest.raises(PluginError, match="cubix"):
        preset_from_chain("x", Chain(processor="cubix"))
    with pytest.raises(SettingError, match="fit"):
        preset_from_chain("x", Chain(processor="cubic", settings={"fit": "round"}))
