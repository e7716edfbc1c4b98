"""`python no_sandbox.py COMMAND...`: runs a command as on a machine that has no sandbox.

A system call filter refuses the calls by which a process would put a filter on itself, to the command and to all that it
starts. So nothing is switched off in the package: it tries, and finds that this machine cannot do it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
NUMBERS = {"x86_64": (157, 317), "aarch64": (167, 277)}
"""prctl and seccomp."""


def forbid_filters() -> None:
    """From now on `prctl(PR_SET_SECCOMP)` and `seccomp` fail with EINVAL, as on a kernel without them."""
    prctl, seccomp = NUMBERS[os.uname().machine]
    load, equal, give = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EINVAL
    code = [
        (load, 0, 0, 0), (equal, 4, 0, seccomp), (equal, 0, 2, prctl), (load, 0, 0, 16), (equal, 1, 0, PR_SET_SECCOMP),
        (give, 0, 0, allow), (give, 0, 0, refuse),
    ]  # fmt: skip
    packed = b"".join(struct.pack("<HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    header = ctypes.create_string_buffer(struct.pack("<H6xQ", len(code), ctypes.addressof(buffer)), 16)
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    for option, value, third in ((PR_SET_NO_NEW_PRIVS, 1, 0), (PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(header))):
        if libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(third), zero, zero) != 0:
            raise OSError(ctypes.get_errno(), f"prctl {option}")


if __name__ == "__main__":
    forbid_filters()
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
