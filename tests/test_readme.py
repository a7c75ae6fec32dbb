"""What the README shows runs as it stands."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from rtdeclip.cli.main import app

README = (Path(__file__).parents[1] / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^rtdeclip ([a-z-]+)(.*?)(?:#.*)?$", README, re.MULTILINE)


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_python_snippets_run(number):
    names = {}
    exec(compile(SNIPPETS[number], f"README snippet {number}", "exec"), names)
    if "restored" in names:
        assert abs(names["restored"]).max() > 0.6
        assert len(names["streamed"]) == len(names["clipped"])


@pytest.mark.parametrize(("name", "rest"), COMMANDS)
def test_commands_and_their_options_exist(name, rest):
    command = get_command(app).commands[name]
    while hasattr(command, "commands"):  # as in `rtdeclip bench rtf`
        sub, _, rest = rest.strip().partition(" ")
        command = command.commands[sub]
    known = {option for p in command.params for option in p.opts}
    assert set(re.findall(r"--[a-z-]+", rest)) <= known
