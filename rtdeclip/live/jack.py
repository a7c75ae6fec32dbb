"""What a JACK server says of itself, asked of its own library.

PortAudio does not pass on JACK's period, and adapts any other block length by
another buffer; a stream at the server's own period has no need of it.
"""

import ctypes
import ctypes.util
import os
from dataclasses import dataclass
from typing import Any

NO_START_SERVER, SERVER_NAME = 1, 4
_SILENCE = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(lambda text: None)
HOST_API = "JACK Audio Connection Kit"


@dataclass(frozen=True, slots=True)
class Server:
    """A running JACK server.

    Args:
        sample_rate: Hz.
        period: samples per cycle.
        realtime: its threads run with real-time priority.
    """

    sample_rate: int
    period: int
    realtime: bool


def library() -> Any | None:
    """libjack by ctypes, or None where it is not installed."""
    name = ctypes.util.find_library("jack") or "libjack.so.0"
    try:
        jack = ctypes.CDLL(name)
    except OSError:
        return None
    # Its complaints about a server that is not there belong on no terminal.
    jack.jack_set_error_function(_SILENCE)
    jack.jack_set_info_function(_SILENCE)
    jack.jack_client_open.restype = ctypes.c_void_p
    jack.jack_get_sample_rate.restype = ctypes.c_uint32
    jack.jack_get_buffer_size.restype = ctypes.c_uint32
    return jack


def open_client(jack: Any, name: str) -> ctypes.c_void_p | None:
    """A client of the server that JACK_DEFAULT_SERVER names; None if it is silent."""
    server = os.environ.get("JACK_DEFAULT_SERVER", "default").encode()
    status = ctypes.c_int()
    handle = jack.jack_client_open(
        name.encode(),
        NO_START_SERVER | SERVER_NAME,
        ctypes.byref(status),
        ctypes.c_char_p(server),
    )
    return ctypes.c_void_p(handle) if handle else None


def server() -> Server | None:
    """The running server, or None."""
    jack = library()
    client = open_client(jack, "rtdeclip-look") if jack else None
    if jack is None or client is None:
        return None
    found = Server(
        int(jack.jack_get_sample_rate(client)),
        int(jack.jack_get_buffer_size(client)),
        bool(jack.jack_is_realtime(client)),
    )
    jack.jack_client_close(client)
    return found
