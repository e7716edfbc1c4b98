"""Which system calls exist, as numbers of x86_64 and aarch64; -1 where an architecture does not have one.

Everything that is not named here or in `seccomp` is refused. Absent on purpose: socket, connect, bind, fork, vfork,
execve, ptrace, process_vm_*, mount, unshare, setns, bpf, perf, io_uring, userfaultfd, keyctl, memfd_create, shared
memory and queues, pidfd_*, sendmsg and recvmsg (which pass descriptors on), seccomp, landlock, and every call that changes
identity or limits of another process.
"""

from __future__ import annotations

from typing import Final

Numbers = dict[str, tuple[int, int]]

_IO: Numbers = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68), "preadv": (295, 69), "pwritev": (296, 70), "close": (3, 57), "lseek": (8, 62),
    "fstat": (5, 80), "dup": (32, 23), "dup2": (33, -1), "dup3": (292, 24), "getcwd": (79, 17),
    "umask": (95, 166), "ftruncate": (77, 46), "fsync": (74, 82), "fdatasync": (75, 83), "flock": (73, 32),
    "fadvise64": (221, 223), "copy_file_range": (326, 285), "sendfile": (40, 71),
}  # fmt: skip
_FILES: Numbers = {
    "access": (21, -1), "faccessat": (269, 48), "faccessat2": (439, 439),
    "stat": (4, -1), "lstat": (6, -1), "newfstatat": (262, 79), "statx": (332, 291), "readlink": (89, -1),
    "readlinkat": (267, 78), "getdents": (78, -1), "getdents64": (217, 61), "statfs": (137, 43), "fstatfs": (138, 44),
    "chdir": (80, 49),
}  # fmt: skip
_CHANGES: Numbers = {
    "truncate": (76, 45), "rename": (82, -1), "renameat": (264, 38), "renameat2": (316, 276), "unlink": (87, -1),
    "unlinkat": (263, 35), "mkdir": (83, -1), "mkdirat": (258, 34), "rmdir": (84, -1), "utimensat": (280, 88), "fchmod": (91, 52),
}  # fmt: skip
_MEMORY: Numbers = {
    "brk": (12, 214), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
}  # fmt: skip
_THREADS: Numbers = {
    "futex": (202, 98), "set_robust_list": (273, 99), "get_robust_list": (274, 100), "rseq": (334, 293),
    "set_tid_address": (218, 96), "sched_yield": (24, 124), "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126), "getcpu": (309, 168), "membarrier": (324, 283), "exit": (60, 93),
    "exit_group": (231, 94), "gettid": (186, 178),
}  # fmt: skip
_SIGNALS: Numbers = {
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    "restart_syscall": (219, 128), "pause": (34, -1), "alarm": (37, -1), "getitimer": (36, 102),
    "setitimer": (38, 103),
}  # fmt: skip
_CLOCKS: Numbers = {
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "nanosleep": (35, 101),
    "gettimeofday": (96, 169), "time": (201, -1), "times": (100, 153),
}  # fmt: skip
_WAITING: Numbers = {
    "epoll_create": (213, -1), "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, -1),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "poll": (7, -1), "ppoll": (271, 73), "select": (23, -1),
    "pselect6": (270, 72), "eventfd2": (290, 19), "pipe": (22, -1), "pipe2": (293, 59),
}  # fmt: skip
_IDENTITY: Numbers = {
    "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getgroups": (115, 158), "getresuid": (118, 148), "getresgid": (120, 150),
    "getpgrp": (111, -1), "getpgid": (121, 155), "getsid": (124, 156), "getrusage": (98, 165),
    "getrlimit": (97, 163), "getpriority": (140, 141), "uname": (63, 160), "sysinfo": (99, 179),
    "getrandom": (318, 278),
}  # fmt: skip
_SOCKETS: Numbers = {
    "shutdown": (48, 210), "getsockopt": (55, 209), "setsockopt": (54, 208), "getsockname": (51, 204), "getpeername": (52, 205),
}  # fmt: skip

ALWAYS: Final[Numbers] = {
    **_IO, **_MEMORY, **_THREADS, **_SIGNALS, **_CLOCKS, **_WAITING, **_IDENTITY, **_SOCKETS,
}  # fmt: skip
"""Allowed whatever their arguments: they work on what the process already has."""
FILES: Final[Numbers] = _FILES
"""Calls that name a file by its path; left out where nothing else guards paths."""
CHANGES: Final[Numbers] = _CHANGES
"""Calls that change a file other than by writing to it, or a folder; left out where a guest may not write at all. Landlock knows neither
modes nor times of files, and its first versions no truncation: what belongs to the guest's user would be changed."""
OPENING: Final[Numbers] = {
    "open": (2, -1), "openat": (257, 56),
}  # fmt: skip
"""Allowed with `FILES`; where a guest may not write, not with what empties the file."""
PROGRAM: Final[Numbers] = {
    "execveat": (322, 281), "arch_prctl": (158, -1),
}  # fmt: skip
"""Allowed with some arguments to a guest that turns into another program."""
CONDITIONAL: Final[Numbers] = {
    "fcntl": (72, 25), "clone": (56, 220), "clone3": (435, 435), "openat2": (437, 437), "kill": (62, 129),
    "tgkill": (234, 131), "socketpair": (53, 199), "prlimit64": (302, 261), "prctl": (157, 167), "ioctl": (16, 29), "mmap": (9, 222),
    "mprotect": (10, 226), "sendto": (44, 206), "recvfrom": (45, 207),
}  # fmt: skip
"""Allowed with some arguments only."""
