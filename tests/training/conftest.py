"""Without the extra ``train`` these files are skipped, and say why."""

from importlib.util import find_spec

import pytest

MISSING = [name for name in ("torch", "onnx", "onnxscript") if not find_spec(name)]


class Skipped(pytest.Module):
    def collect(self):
        pytest.skip(f"not installed: {', '.join(MISSING)}", allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    return Skipped.from_parent(parent, path=module_path) if MISSING else None


@pytest.fixture(autouse=True)
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
