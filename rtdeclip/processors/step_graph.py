"""A stateful ONNX graph that is run hop by hop without allocating anything.

The graph takes named inputs of one hop and its whole state, and gives one hop and the
next state. Two bindings are made once, state A → B and B → A, on buffers that numpy
and onnxruntime share; a step is a copy into the inputs and one call. One thread: the
caller's. The GIL is released while it computes.
"""

from pathlib import Path
from typing import Any

import numpy as np

from rtdeclip.errors import ModelError
from rtdeclip.stream.ftz import flush_denormals, restore_denormals
from rtdeclip.types import Samples

WARM_UP_STEPS = 20
GRAPH_FORMAT = "1"


class StepGraph:
    """The graph in ``path``, ready to run.

    Args:
        path: the ONNX file.
        inputs: names of its inputs besides the state.
        expected: metadata the file must carry, ``rtdeclip.*`` by name.

    Attributes:
        inputs: by name, ``(hop,)`` float32 to fill before ``step``.

    Raises:
        ModelError: the file is damaged, foreign, too new, or not what the card says.
    """

    def __init__(
        self, path: Path, inputs: tuple[str, ...], expected: dict[str, str]
    ) -> None:
        session = open_session(path, expected)
        _check(path, session, inputs, int(expected["rtdeclip.hop"]))
        hop = session.get_inputs()[0].shape[1]
        self._session = session
        self._inputs = {name: np.zeros((1, hop), np.float32) for name in inputs}
        self._restored = np.zeros((1, hop), np.float32)
        shapes = [i.shape for i in session.get_inputs() if i.name not in inputs]
        self._states = [[np.zeros(s, np.float32) for s in shapes] for _ in range(2)]
        self._bindings = [self._bind(0, 1), self._bind(1, 0)]
        self._turn = 0
        self.inputs: dict[str, Samples] = {n: a[0] for n, a in self._inputs.items()}
        for value in self.inputs.values():
            value.fill(1.0)
        for _ in range(WARM_UP_STEPS):
            self.step()
        self.reset()

    def _bind(self, source: int, target: int) -> Any:
        from onnxruntime import OrtValue

        binding = self._session.io_binding()
        for name, array in self._inputs.items():
            binding.bind_ortvalue_input(name, OrtValue.ortvalue_from_numpy(array))
        restored = OrtValue.ortvalue_from_numpy(self._restored)
        binding.bind_ortvalue_output("restored", restored)
        for k, (before, after) in enumerate(
            zip(self._states[source], self._states[target], strict=True)
        ):
            taken = OrtValue.ortvalue_from_numpy(before)
            binding.bind_ortvalue_input(f"state_{k}", taken)
            given = OrtValue.ortvalue_from_numpy(after)
            binding.bind_ortvalue_output(f"next_{k}", given)
        return binding

    def step(self) -> Samples:
        """One hop on: ``(hop,)`` float32, overwritten by the next step."""
        self._session.run_with_iobinding(self._bindings[self._turn])
        self._turn ^= 1
        restored: Samples = self._restored[0]
        return restored

    def reset(self) -> None:
        """The state of a fresh stream."""
        for state in self._states:
            for array in state:
                array.fill(0.0)
        self._turn = 0


def graph_metadata(
    name: str, sample_rate: int, hop: int, latency_samples: int
) -> dict[str, str]:
    """What a graph says about itself and its card must agree with."""
    return {
        "rtdeclip.format": GRAPH_FORMAT,
        "rtdeclip.name": name,
        "rtdeclip.sample_rate": str(sample_rate),
        "rtdeclip.hop": str(hop),
        "rtdeclip.latency_samples": str(latency_samples),
    }


def open_session(path: Path, expected: dict[str, str]) -> Any:
    """An onnxruntime session of one thread, its metadata checked.

    Raises:
        ModelError: the file is damaged, foreign, too new, or not what the card says.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    state = flush_denormals()  # which the session would do, and never undo
    try:
        session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
    # onnxruntime raises a class of its own per failure, all direct Exceptions.
    except Exception as error:
        raise ModelError(
            f"{path} cannot be run by onnxruntime {onnxruntime.__version__} "
            f"({str(error).splitlines()[0][:200]}). It is damaged or needs a later "
            "onnxruntime: copy the model again, or pip install -U onnxruntime."
        ) from error
    finally:
        restore_denormals(state)
    found = session.get_modelmeta().custom_metadata_map
    for key, value in expected.items():
        if found.get(key) != value:
            raise ModelError(
                f"{path} says {key} = {found.get(key, 'nothing')!r}, its card needs "
                f"{value!r}. The two do not belong together: export the model again "
                "(rtdeclip export), or update rtdeclip."
            )
    return session


def _check(path: Path, session: Any, inputs: tuple[str, ...], hop: int) -> None:
    """The tensors are those of a step graph of this card."""
    given = {i.name: i.shape for i in session.get_inputs()}
    produced = {o.name: o.shape for o in session.get_outputs()}
    states = [s for name, s in given.items() if name not in inputs]
    fits = all(given.get(name) == [1, hop] for name in inputs)
    fits &= produced.get("restored") == [1, hop]
    fits &= all(
        given.get(f"state_{k}") == shape == produced.get(f"next_{k}")
        for k, shape in enumerate(states)
    )
    if not fits:
        raise ModelError(
            f"{path} is not a step graph with inputs {', '.join(inputs)} of {hop} "
            "samples. Export the model again: rtdeclip export"
        )
