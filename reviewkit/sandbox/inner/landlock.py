"""Landlock: file access by path, taken away for good by the process itself (Linux 5.13 and later)."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable

from reviewkit.sandbox.inner import kernel

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every architecture
_VERSION = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_ABI = (1 << 13) - 1
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_FILE_RIGHTS = _EXECUTE | _WRITE | _READ_FILE | _TRUNCATE
_TCP = 0b11
_SCOPED = 0b11
_ABI_REFER, _ABI_TRUNCATE, _ABI_TCP, _ABI_IOCTL, _ABI_SCOPED = 2, 3, 4, 5, 6


def abi() -> int:
    """Version of landlock in this kernel; 0 where there is none."""
    try:
        return kernel.syscall(_CREATE, 0, 0, _VERSION)
    except OSError:
        return 0


def _file_rights(version: int) -> int:
    rights = _FIRST_ABI
    for since, right in ((_ABI_REFER, _REFER), (_ABI_TRUNCATE, _TRUNCATE), (_ABI_IOCTL, _IOCTL_DEV)):
        if version >= since:
            rights |= right
    return rights


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Allow reading below `readable` and everything below `writable`; all other files, TCP and signals out are refused.

    Paths that do not exist are left out. Needs `PR_SET_NO_NEW_PRIVS`.

    Raises:
        OSError: If the kernel refuses, or has no landlock.
    """
    version = abi()
    handled = _file_rights(version)
    attributes = struct.pack("<Q", handled)
    if version >= _ABI_TCP:
        attributes += struct.pack("<Q", _TCP)
    if version >= _ABI_SCOPED:
        attributes += struct.pack("<Q", _SCOPED)
    ruleset = kernel.syscall(_CREATE, attributes, len(attributes), 0)
    for path in readable:
        _allow(ruleset, path, handled & _READ)
    for path in writable:
        _allow(ruleset, path, handled & ~_IOCTL_DEV)
    kernel.syscall(_RESTRICT, ruleset, 0)
    os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        rights &= _FILE_RIGHTS  # a rule for a single file may carry file rights only
    try:
        kernel.syscall(_ADD, ruleset, _PATH_BENEATH, struct.pack("<Qi", rights, fd), 0)
    finally:
        os.close(fd)
