"""How long threads were ready to run but had no processor, by the kernel's accounting: what others on the machine cost them."""

from __future__ import annotations

import re
import threading
from pathlib import Path

_NANOSECONDS = 1e9


def of_process(pid: int) -> tuple[float, float]:
    """Longest wait of any living thread of a process, and what all of them ran, seconds; 0 where the kernel does not say."""
    try:
        said = [_said(path) for path in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return 0.0, 0.0
    return max((wait for _ran, wait in said), default=0.0), sum(ran for ran, _wait in said)


def of_this_thread() -> float:
    """Wait of the calling thread so far, seconds; 0 where the kernel does not say."""
    return _said(Path(f"/proc/self/task/{threading.get_native_id()}"))[1]


def pid_behind(pidfd: int) -> int | None:
    """Process id behind a pidfd, None once the process is gone."""
    try:
        found = re.search(r"^Pid:\s+(\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def _said(task: Path) -> tuple[float, float]:
    try:
        ran, waited = (task / "schedstat").read_text().split()[:2]
        return int(ran) / _NANOSECONDS, int(waited) / _NANOSECONDS
    except (OSError, ValueError):
        return 0.0, 0.0
