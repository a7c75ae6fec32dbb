"""What processors that choose for themselves (``auto``) chose, and from which sample.

Their choices follow the clock when hops come late, so a live take can be told from its
offline twin only by this log. It is kept by the worker between two hops, where the
position is known exactly; the control thread turns it into events.
"""

from collections import deque
from typing import NamedTuple

from rtdeclip.stream.stream import Stream


class Choice(NamedTuple):
    """One change.

    Args:
        position: the first sample of the hop in which it began, counted from the
            first captured one.
        channel: from 0.
        name: of the method that takes over, by a crossfade.
    """

    position: int
    channel: int
    name: str


class ChoiceLog:
    """Watches the processors of a Stream.

    Args:
        stream: what is watched; anything but a Stream chooses nothing.
    """

    def __init__(self, stream: object) -> None:
        self._stream = stream if isinstance(stream, Stream) else None
        self._known: dict[int, tuple[object, str]] = {}
        self._before = 0
        self._found: deque[Choice] = deque()

    def look(self, hop_number: int) -> None:
        """Notes what has changed since the last look; before each hop.

        Args:
            hop_number: of the hop that comes now.
        """
        if self._stream is None:
            return
        for channel, processor in enumerate(self._stream.choosers):
            before, known = self._known.get(channel, (None, ""))
            if processor is before and processor.active == known:
                continue
            # One that runs has changed in the hop just done; a new one begins now.
            hop = self._before if processor is before else hop_number
            self._known[channel] = processor, processor.active
            self._found.append(
                Choice(hop * self._stream.hop, channel, processor.active)
            )
        self._before = hop_number

    def take(self) -> list[Choice]:
        """What was noted since the last call; from any one thread."""
        return [self._found.popleft() for _ in range(len(self._found))]
