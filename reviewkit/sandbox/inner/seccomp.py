"""The system call filter: a table compiled to classic BPF, installed by the process on itself, for good.

A call that is not in the table fails with EPERM. `clone3` and `openat2` fail with ENOSYS, since their flags sit behind a
pointer where a filter cannot look; the C library then falls back to calls whose flags it can see.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Final

from reviewkit.sandbox.inner import calls, kernel, limits

_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_X32_BIT = 0x40000000

_LOAD, _JEQ, _JGE, _JSET, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_OFFSET_NUMBER, _OFFSET_ARCHITECTURE, _OFFSET_ARGUMENTS = 0, 4, 16

_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANY = 0x7E020000 | 0x00000080  # every CLONE_NEW* bit, CLONE_NEWTIME included
_AF_UNIX = 1
_WRITE_AND_EXECUTE = 6
_O_TRUNC = 0x200
_MSG_OOB = 1
_FLAGS_OF = {"open": 1, "openat": 2}
"""Which argument holds the flags."""
_PRCTL = (15, 16, 0x53564D41)  # thread name, its reading, and names of memory areas
_IOCTL = (0x5451, 0x5450, 0x5421, 0x541B, 0x5401, 0x5413)  # close-on-exec, non-blocking, bytes waiting, terminal size
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 1030)  # duplicate, flags, record locks; none that sends signals or sizes pipes

_ARCH_SET_FS = 0x1002
_PROGRAM = limits.PROGRAM_DESCRIPTORS

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_OWN: Final = -1
"""Stands for the process's own number until it is known."""
_SIZE: Final = 8  # of an instruction

Instruction = tuple[int, int, int, int]


def supported() -> bool:
    """Whether this kernel takes filters and this architecture has a table."""
    if os.uname().machine not in _ARCHITECTURES:
        return False
    try:
        kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, 0)
    except OSError as error:
        return error.errno == errno.EFAULT  # understood, and the null pointer refused
    return False


def _refuse(code: int) -> Instruction:
    return (_RETURN, 0, 0, _ERRNO | code)


_ALLOWED: Instruction = (_RETURN, 0, 0, _ALLOW)


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _OFFSET_ARGUMENTS + 8 * index)


def _one_of(index: int, values: tuple[int, ...], code: int) -> list[Instruction]:
    """Allow when the argument is one of `values`, else fail with `code`."""
    tests = [(_JEQ, len(values) - n, 0, value) for n, value in enumerate(values)]
    return [_argument(index), *tests, _refuse(code), _ALLOWED]


def _without(index: int, bit: int, code: int) -> list[Instruction]:
    """Allow unless an argument holds `bit`, else fail with `code`."""
    return [_argument(index), (_JSET, 0, 1, bit), _refuse(code), _ALLOWED]


def _conditions() -> dict[str, list[Instruction]]:
    no_writable_code: list[Instruction] = [
        _argument(2), (_AND, 0, 0, _WRITE_AND_EXECUTE), (_JEQ, 0, 1, _WRITE_AND_EXECUTE), _refuse(errno.EACCES), _ALLOWED,
    ]  # fmt: skip
    threads_only: list[Instruction] = [
        _argument(0), (_JSET, 1, 0, _CLONE_NEW_ANY), (_JSET, 1, 0, _CLONE_THREAD), _refuse(errno.EPERM), _ALLOWED,
    ]  # fmt: skip
    return {
        "clone": threads_only,
        "clone3": [_refuse(errno.ENOSYS)],
        "openat2": [_refuse(errno.ENOSYS)],
        "kill": _one_of(0, (_OWN,), errno.EPERM),
        "tgkill": _one_of(0, (_OWN,), errno.EPERM),
        "socketpair": _one_of(0, (_AF_UNIX,), errno.EPERM),
        "prlimit64": _one_of(0, (0, _OWN), errno.EPERM),
        "prctl": _one_of(0, _PRCTL, errno.EPERM),
        "ioctl": _one_of(1, _IOCTL, errno.ENOTTY),
        "fcntl": _one_of(1, _FCNTL, errno.EPERM),
        "mmap": no_writable_code,
        "mprotect": no_writable_code,
        # Urgent data on local sockets: used by nobody, and a way into the kernel once (CVE-2025-38236).
        "sendto": _without(3, _MSG_OOB, errno.EPERM),
        "recvfrom": _without(3, _MSG_OOB, errno.EPERM),
    }


def _program_conditions() -> dict[str, list[Instruction]]:
    """What differs for a process that turns into another program.

    It may be started from one descriptor, which is gone and cannot come back once it has started (`lockdown.become`); the C
    library of a fresh program sets where its threads keep their own data; and engines that compile what they run need memory
    that can be written to and executed.
    """
    return {
        "execveat": _one_of(0, (_PROGRAM,), errno.EPERM),
        "arch_prctl": _one_of(0, (_ARCH_SET_FS,), errno.EPERM),
        "mmap": [_ALLOWED],
        "mprotect": [_ALLOWED],
    }


class Filter:
    """The filter as `struct sock_filter[]`, made once; each process fills in its own number."""

    def __init__(self, *, files: bool, changes: bool, program: bool = False) -> None:
        """Compile the table.

        Args:
            files: Whether calls that open files by path exist.
            changes: Whether calls that change files and folders exist.
            program: Whether the process turns into another program, once.
        """
        code = _instructions(files, changes, program)
        self._places = [n for n, instruction in enumerate(code) if instruction[3] == _OWN]
        self._packed = b"".join(struct.pack("<HBBI", *instruction[:3], max(instruction[3], 0)) for instruction in code)

    def program(self, pid: int) -> bytes:
        """The filter of the process `pid`, the only one that it may signal."""
        packed = bytearray(self._packed)
        for place in self._places:
            struct.pack_into("<I", packed, place * _SIZE + _SIZE - 4, pid)
        return bytes(packed)


def _opening(changes: bool) -> dict[str, list[Instruction]]:
    """A file that may only be read may still be emptied as it is opened, unless landlock knows of that."""
    if changes:
        return {name: [_ALLOWED] for name in calls.OPENING}
    return {name: _without(flags, _O_TRUNC, errno.EACCES) for name, flags in _FLAGS_OF.items()}


def _instructions(files: bool, changes: bool, program: bool) -> list[Instruction]:
    architecture, column = _ARCHITECTURES[os.uname().machine]
    code: list[Instruction] = [
        (_LOAD, 0, 0, _OFFSET_ARCHITECTURE), (_JEQ, 1, 0, architecture), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _OFFSET_NUMBER), (_JGE, 0, 1, _X32_BIT), (_RETURN, 0, 0, _KILL),
    ]  # fmt: skip
    plain = {**calls.ALWAYS, **(calls.FILES if files else {}), **(calls.CHANGES if changes else {})}
    for numbers in plain.values():
        code += _block(numbers[column], [_ALLOWED])
    bodies = {**_conditions(), **(_opening(changes) if files else {}), **(_program_conditions() if program else {})}
    for name, body in bodies.items():
        numbers = {**calls.CONDITIONAL, **calls.OPENING, **calls.PROGRAM}[name]
        code += _block(numbers[column], body)
    code.append(_refuse(errno.EPERM))
    return code


def _block(number: int, body: list[Instruction]) -> list[Instruction]:
    """Run `body`, which always returns, for one call."""
    return [] if number < 0 else [(_JEQ, 0, len(body), number), *body]


def install(filter_program: bytes) -> None:
    """Put the filter on this process. Needs `PR_SET_NO_NEW_PRIVS`; nothing can take it off again.

    Raises:
        OSError: If the kernel refuses.
    """
    buffer = ctypes.create_string_buffer(filter_program, len(filter_program))
    header = struct.pack("<H6xQ", len(filter_program) // 8, ctypes.addressof(buffer))
    address = ctypes.create_string_buffer(header, len(header))
    kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(address))
