import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from rtdeclip.cli.main import app
from rtdeclip.errors import SettingError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


def run(*args: str) -> Result:
    done = CliRunner().invoke(app, ["preset", *args])
    assert done.exit_code == 0, done.output
    return done


def test_presets_are_saved_listed_shown_and_removed() -> None:
    assert "no presets yet" in run("list").stdout
    run(
        *("save", "tape", "-p", "cubic", "--set", "fit=least-squares"),
        *("--pre", "gain:gain_db=-3", "--post", "highpass:corner_hz=30"),
        *("--output", "limit", "--ceiling-db", "-2", "--wet", "0.8"),
        *("--live-gain-db", "-9", "--summary", "for cassettes"),
    )
    assert "gain → cubic → highpass  for cassettes" in run("list").stdout
    assert 'name = "tape"' in run("show", "tape").stdout
    (shown,) = json.loads(run("show", "tape", "--json").stdout)
    assert shown["settings"] == {"fit": "least-squares"}
    assert shown["pre"] == [{"effect": "gain", "settings": {"gain_db": -3.0}}]
    assert shown["headroom"] == {
        **{"output": "limit", "ceiling_db": -2.0, "live_gain_db": -9.0}
    }
    assert shown["wet"] == 0.8
    assert json.loads(run("list", "--json").stdout) == [shown]
    run("remove", "tape")
    assert json.loads(run("list", "--json").stdout) == []


def test_what_is_shown_can_be_loaded_as_a_file(home: Path) -> None:
    run("save", "a", "--output", "fit")
    text = run("show", "a").stdout
    (home / "copy.toml").write_text(text)
    assert run("show", str(home / "copy.toml")).stdout == text


def test_replacing_has_to_be_asked_for() -> None:
    run("save", "a")
    done = CliRunner().invoke(app, ["preset", "save", "a"])
    assert isinstance(done.exception, SettingError)
    run("save", "a", "--replace")


def test_damaged_presets_are_listed_with_the_reason(home: Path) -> None:
    folder = home / "rtdeclip" / "presets"
    folder.mkdir(parents=True)
    (folder / "odd.toml").write_text("version = 7")
    assert "Update rtdeclip" in run("list").stdout
    assert json.loads(run("list", "--json").stdout)[0]["name"] == "odd"


def test_wrong_usage_ends_with_2() -> None:
    for args in (["save"], ["save", "a", "--output", "loud"], ["play"]):
        assert CliRunner().invoke(app, ["preset", *args]).exit_code == 2
