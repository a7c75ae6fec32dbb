"""Where a session's small files live: private to the user, gone after a reboot."""

import os
import warnings
from pathlib import Path

from rtdeclip.errors import DeviceError

_IN_MEMORY = Path("/dev/shm")


def runtime_dir() -> Path:
    """The directory, mode 0700 and the user's own; made if it is missing.

    In memory wherever it can be: the worker writes to a map of a file in it, and on a
    disk such a write waits for the disk now and then (seen: 30 ms).

    Raises:
        DeviceError: another user has taken its place.
    """
    path = _place()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
        raise DeviceError(
            f"{path} belongs to another user; a folder of your own is needed. "
            "Type: export XDG_RUNTIME_DIR=$(mktemp -d)"
        )
    path.chmod(0o700)
    return path


def _place() -> Path:
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        # An XDG_RUNTIME_DIR that is open to others is passed over: as it should be.
        warnings.simplefilter("ignore")
        path = user_runtime_path("rtdeclip")
    logged_in = path.parent == Path(os.environ.get("XDG_RUNTIME_DIR", "/none"))
    if logged_in or not hasattr(os, "getuid") or not os.access(_IN_MEMORY, os.W_OK):
        return path
    if str(path).startswith("/run/user/"):
        return path
    return _IN_MEMORY / f"rtdeclip-{os.getuid()}"


def is_in_memory(path: Path) -> bool:
    """False where ``path`` lies on a disk, as far as the system tells."""
    try:
        lines = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return True
    mounts = [line.split()[1:3] for line in lines]
    fitting = [m for m in mounts if path.resolve().is_relative_to(m[0])]
    return max(fitting, key=lambda m: len(m[0]))[1] in ("tmpfs", "ramfs")


def process_is_alive(pid: int) -> bool:
    """True if a process of this id runs (and has not merely not been waited for)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True  # no /proc: the signal's word must do
    return stat.rpartition(")")[2].split()[0] != "Z"
