"""Where a session's small files live: private to the user, gone after a reboot."""

import os
from pathlib import Path


def runtime_dir() -> Path:
    """The directory, mode 0700; made if it is missing."""
    from platformdirs import user_runtime_path

    path = user_runtime_path("rtdeclip")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
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
