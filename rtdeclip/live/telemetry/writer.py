"""A host's hand on a running engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rtdeclip.errors import SettingError
from rtdeclip.live.telemetry.layout import Sections, map_file
from rtdeclip.live.telemetry.status import PARAMETERS


class ParameterWriter:
    """Sets parameters of a running engine; any number of hosts may at the same time.

    Args:
        path: the telemetry file.

    Raises:
        DeviceError: as ``TelemetryReader``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory, _ = map_file(path, writable=True)
        self._parts = Sections(self._memory)

    def set(self, name: str, value: float) -> None:
        """Store ``value`` in the slot ``name``; the engine takes it up within 40 ms.

        Raises:
            SettingError: there is no such parameter.
        """
        if name not in PARAMETERS:
            raise SettingError(
                f"There is no parameter {name!r}; there are: {', '.join(PARAMETERS)}."
            )
        self._parts.params[PARAMETERS.index(name)] = value

    def get(self, name: str) -> float:
        """The value that now stands in the slot ``name``."""
        return float(self._parts.params[PARAMETERS.index(name)])

    def bump(self, name: str) -> None:
        """Count one up: ``reset``, ``stop``, ``duck_off``."""
        self.set(name, self.get(name) + 1)

    def request(self, **content: Any) -> int:
        """Ask for something that is no number; ``Status.request_done`` reaches it.

        What may be asked for, together or apart:

        ========================  ===================================================
        ``processor, settings``   a name and a dict of settings
        ``pre``, ``post``         effects before and after the repair: ``[[name,
                                  settings], …]`` in order
        ``headroom``              ``limit`` or ``open``, with
        ``gain_db``               −60 to 0
        ``bypass_gain_db``        −24 to 24: of the input while it is played instead
        ``levels``                ``[[high, low], …]`` per channel (0: not clipped);
                                  None: detect again
        ``seek_s``                seconds; where a file is played
        ========================  ===================================================

        Returns:
            The request's number. The event list tells of a refusal.
        """
        with self._locked():
            return self._parts.request.write(content)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import fcntl  # absent on Windows, where one host at a time must do

        with self.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
