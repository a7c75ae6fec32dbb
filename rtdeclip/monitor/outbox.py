"""Requests on their way to the engine: none is lost, the newest of a kind counts.

The engine's mailbox holds one request. What is asked for while it still works on the
last one (building a processor may take seconds) waits here and is sent in one piece.
"""

from collections.abc import Callable
from typing import Any


class Outbox:
    """Collects requests for one engine.

    Args:
        send: hands over a request and returns its number, as
            ``ParameterWriter.request`` does.
    """

    def __init__(self, send: Callable[..., int]) -> None:
        self._send = send
        self._waiting: dict[str, Any] = {}
        self._sent = self._done = 0

    @property
    def idle(self) -> bool:
        """Everything that was asked for has been served."""
        return not self._waiting and self._done >= self._sent

    def ask(self, **content: Any) -> None:
        """Asks for something; at once if the engine is free."""
        self._waiting |= content
        self._flush()

    def served(self, number: int) -> None:
        """Sends what waits once the engine has served request ``number``."""
        self._done = number
        self._flush()

    def _flush(self) -> None:
        if self._waiting and self._done >= self._sent:
            content, self._waiting = self._waiting, {}
            self._sent = self._send(**content)
