"""Importing is instant and the rooms of the house know only whom they may know."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rtdeclip

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "PySide6", "pyqtgraph", "sounddevice", "onnxruntime", "matplotlib")
# Who may import whom: a folder → the folders it may use besides itself.
MAY_USE = {
    "stream": set(),
    "metrics": set(),
    "distortion": set(),
    "processors": {"stream", "distortion"},
    "files": {"stream", "processors"},
    "live": {"stream", "processors", "files"},
    "training": {"stream", "processors", "metrics", "distortion", "files"},
    "benchmarks": {"stream", "processors", "files", "live", "metrics", "distortion"},
    "monitor": {"stream", "processors", "files", "live", "metrics", "benchmarks"},
}


def _loaded(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    ("statement", "banned"),
    [
        ("import rtdeclip", (*HEAVY, "numpy", "numba")),
        ("import rtdeclip.cli.main", (*HEAVY, "numba", "soundfile")),
        ("import rtdeclip; rtdeclip.Stream", HEAVY),
    ],
)
def test_importing_loads_nothing_heavy(statement, banned):
    assert not _loaded(statement) & set(banned)


def test_public_names_are_these_and_all_exist():
    assert set(rtdeclip.__all__) == {
        "Clip",
        "Effect",
        "Method",
        "Plateau",
        "Processor",
        "Restorer",
        "Setting",
        "Stream",
        "check_processor",
        "declip",
    }
    assert all(getattr(rtdeclip, name) for name in rtdeclip.__all__)


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rtdeclip.nothing


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("folder", MAY_USE)
def test_a_room_imports_only_what_it_may(folder):
    wrong = []
    for path in (ROOT / "rtdeclip" / folder).rglob("*.py"):
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] != "rtdeclip" or len(parts) < 2 or parts[1] not in MAY_USE:
                continue
            if parts[1] != folder and parts[1] not in MAY_USE[folder]:
                wrong.append(f"{path.relative_to(ROOT)} imports {module}")
    assert not wrong, "\n".join(wrong)


def test_torch_stays_in_training():
    for path in (ROOT / "rtdeclip").rglob("*.py"):
        if "training" not in path.parts:
            assert not any(m.split(".")[0] == "torch" for m in _imports(path)), path
