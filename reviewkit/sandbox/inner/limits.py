"""Resource limits of one guest, by the kernel's own accounting."""

from __future__ import annotations

import resource
from typing import Final

CPU_SECONDS: Final = 5
MEMORY_BYTES: Final = 768 * 1024 * 1024
FILE_BYTES: Final = 16 * 1024 * 1024
DESCRIPTORS: Final = 64
STACK_BYTES: Final = 8 * 1024 * 1024
THREAD_STACK_BYTES: Final = 2 * 1024 * 1024
PROCESSES: Final = 256
"""Threads, in truth: a guest cannot fork. Counted for its user, which is its own where it can be."""
PROGRAM_DESCRIPTORS: Final = 200
UNBOUNDED: Final = 1 << 62
"""Address space of a guest that is another program: engines reserve it by the gigabyte. What it may write to is bounded."""


def apply(processes: int, *, program: bool = False, cpu_seconds: int = CPU_SECONDS) -> None:
    """Set every limit; none is ever raised above what was inherited.

    Args:
        processes: Most processes and threads of the user.
        program: Whether the guest turns into another program, whose memory is bounded by what it can write to.
        cpu_seconds: Processor time.
    """
    descriptors = PROGRAM_DESCRIPTORS if program else DESCRIPTORS
    space = UNBOUNDED if program else MEMORY_BYTES
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_MSGQUEUE, 0, 0),
        (resource.RLIMIT_NOFILE, descriptors, descriptors),
        (resource.RLIMIT_FSIZE, FILE_BYTES, FILE_BYTES),
        (resource.RLIMIT_STACK, STACK_BYTES, STACK_BYTES),
        (resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 1),
        (resource.RLIMIT_NPROC, processes, processes),
        (resource.RLIMIT_AS, space, space),
        (resource.RLIMIT_DATA, MEMORY_BYTES, MEMORY_BYTES),
    ):
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(kind, (soft, hard))
