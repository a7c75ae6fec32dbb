"""Where a session's small files live: private to the user, gone after a reboot."""

import os
import warnings
from pathlib import Path

from rtdeclip.errors import DeviceError


def runtime_dir() -> Path:
    """The directory, mode 0700 and the user's own; made if it is missing.

    Raises:
        DeviceError: another user has taken its place.
    """
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        # An XDG_RUNTIME_DIR that is open to others is passed over: as it should be.
        warnings.simplefilter("ignore")
        path = user_runtime_path("rtdeclip")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
        raise DeviceError(
            f"{path} belongs to another user; a folder of your own is needed. "
            "Type: export XDG_RUNTIME_DIR=$(mktemp -d)"
        )
    path.chmod(0o700)
    return path


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
