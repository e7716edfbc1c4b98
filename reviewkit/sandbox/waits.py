"""How long threads were ready to run but had no processor, by the kernel's accounting: what others on the machine cost them."""

from __future__ import annotations

import re
import threading
from pathlib import Path

_NANOSECONDS = 1e9


def of_process(pid: int) -> float:
    """Longest wait of any living thread of a process, seconds; 0 where the kernel does not say."""
    try:
        return max((_of(path) for path in Path(f"/proc/{pid}/task").iterdir()), default=0.0)
    except OSError:
        return 0.0


def of_this_thread() -> float:
    """Wait of the calling thread so far, seconds; 0 where the kernel does not say."""
    return _of(Path(f"/proc/self/task/{threading.get_native_id()}"))


def pid_behind(pidfd: int) -> int | None:
    """Process id behind a pidfd, None once the process is gone."""
    try:
        found = re.search(r"^Pid:\s+(\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _of(task: Path) -> float:
    try:
        return int((task / "schedstat").read_text().split()[1]) / _NANOSECONDS
    except (OSError, ValueError, IndexError):
        return 0.0
