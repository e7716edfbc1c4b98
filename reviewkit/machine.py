"""How many submissions this machine scores at a time: by the cores that this process may use, and the memory that is free."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

MOST_JOBS: Final = 8
"""By default: beyond it, one process that talks to all the notebooks is what they wait for."""
JOB_MEGABYTES: Final = 250
"""Memory that a submission being scored needs beside what all share, with its sandbox."""
_CGROUP: Final = Path("/sys/fs/cgroup")
_MEMORY: Final = Path("/proc/meminfo")


def usual_jobs() -> int:
    """Submissions to score at a time where nobody says how many; at least 1."""
    return fitting(usable_cores(), free_megabytes(_MEMORY))


def fitting(cores: int, megabytes: int | None) -> int:
    """Jobs for so many cores and so much free memory (None: unknown); pure."""
    by_memory = MOST_JOBS if megabytes is None else megabytes // JOB_MEGABYTES
    return max(1, min(cores, by_memory, MOST_JOBS))


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Cores that this process may use: its affinity, and a container's share of processor time, rounded up."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        cores = os.cpu_count() or 1
    share = _share(cgroup)
    return cores if share is None else max(1, min(cores, share))


def _share(cgroup: Path) -> int | None:
    """Cores' worth of processor time that the container gets; None: as much as there is."""
    try:
        quota, period = (cgroup / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = ((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        except (OSError, ValueError):
            return None
    try:
        return -(-int(quota) // int(period)) if int(quota) > 0 else None
    except (ValueError, ZeroDivisionError):  # "max"
        return None


def free_megabytes(meminfo: Path) -> int | None:
    """Memory that can be had without swapping; None where the system does not say."""
    try:
        lines = meminfo.read_text("ascii").splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None
