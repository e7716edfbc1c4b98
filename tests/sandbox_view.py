"""`python sandbox_view.py LEVEL`: looks at one guest from inside and from outside, and prints what holds, as JSON.

A script of its own, so that tests can point it at a copy of the package from which a layer was taken away.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
from pathlib import Path

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.sandbox import Level, open_launcher
from reviewkit.sandbox.reach import reach

DRIVER = '''
import ctypes, errno, fcntl, mmap, os, resource, socket, threading, time

def refused(attempt):
    try:
        attempt()
    except BaseException:
        return True
    return False

def many(attempt, count):
    held = []
    try:
        for _ in range(count): held.append(attempt())
    except (OSError, RuntimeError, MemoryError):
        return True
    return False

LIBC = ctypes.CDLL(None, use_errno=True)

def code(number, *arguments):
    """The error of a raw call, 0 if there was none."""
    ctypes.set_errno(0)
    return ctypes.get_errno() if LIBC.syscall(number, *arguments) < 0 else 0

def code_of(attempt):
    try:
        attempt()
    except OSError as error:
        return error.errno
    return 0

def held(kind):
    """The hard limit; none at all is a large number here, not -1."""
    hard = resource.getrlimit(kind)[1]
    return 2**64 if hard == resource.RLIM_INFINITY else hard

def lives_in_a_file():
    os.remove("/tmp/y")  # which has filled the file system
    with open("/tmp/code", "wb") as file:
        file.write(bytes(4096))
    with open("/tmp/code", "rb") as file:
        mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)

def made_executable():
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return LIBC.mprotect(ctypes.c_void_p(start), 4096, 7)

def limits(bounds):
    return {f"limit {name}": held(getattr(resource, name)) <= most for name, most in bounds.items()}

def calls(numbers):
    return {f"no call {name}": code(number, 0, 0, 0, 0, 0, 0) == errno.EPERM for name, number in numbers.items()}

def changes(numbers):
    """Calls that change files beside writing to them, with arguments that the kernel itself refuses in another way."""
    own = not refused(lambda: open("/tmp/own", "w").close())  # where a guest has files of its own it may have the calls
    facts = {f"no change of files by {name}": own or code(number, -1, -1, -1, -1) == errno.EPERM for name, number in numbers.items()}
    emptied = code_of(lambda: os.open("/dev/null", os.O_RDONLY | os.O_TRUNC))
    return {**facts, "no file is emptied as it is opened": own or emptied in (errno.EACCES, errno.EPERM)}

def conditions(prlimit):
    other = 4_000_000
    one, two = socket.socketpair()
    urgent = {"sendto": lambda: one.send(b"x", socket.MSG_OOB), "recvfrom": lambda: two.recv(1, socket.MSG_OOB)}
    return {
        **{f"no urgent data by {name}": code_of(attempt) == errno.EPERM for name, attempt in urgent.items()},
        "no signal to others": code_of(lambda: os.kill(other, 0)) == errno.EPERM,
        "no signal to threads of others": LIBC.tgkill(other, other, 0) != 0 and ctypes.get_errno() == errno.EPERM,
        "no pair of network sockets": code_of(lambda: socket.socketpair(socket.AF_INET)) == errno.EPERM,
        "no limits of others": code(prlimit, other, 7, 0, 0) == errno.EPERM,
        "no attribute of the process": LIBC.prctl(4, 1, 0, 0, 0) != 0,
        "few requests to devices": LIBC.ioctl(3, 0x5411, ctypes.byref(ctypes.c_int())) != 0,
        "no signals by descriptor": code_of(lambda: fcntl.fcntl(3, fcntl.F_SETOWN, os.getpid())) == errno.EPERM,
        "no page made executable": made_executable() != 0,
    }

def behind(port):
    """What one layer keeps where another would have kept it before."""
    def connect():
        with socket.socket() as found: found.connect(("127.0.0.1", port))
    def bind():
        with socket.socket() as found: found.bind(("127.0.0.1", 0))
    return {
        "no TCP to others": code_of(connect) in (errno.EACCES, errno.EPERM),
        "no TCP from others": code_of(bind) in (errno.EACCES, errno.EPERM),
        "no signal to its parent": os.getpid() == 1 or code_of(lambda: os.kill(os.getppid(), 0)) == errno.EPERM,
    }

def is_open(fd):
    return not refused(lambda: os.fstat(fd) and None) or not refused(lambda: os.dup2(fd, fd))

async def view(env, passwd, packages, bounds, numbers, changing, prlimit, port):
    return {
        "no descriptor but the wire and the loop's": sum(map(is_open, range(4, 64))) <= 3,
        "packages that nobody declared cannot be read": refused(lambda: os.listdir(packages)[0]),
        "root cannot be listed": refused(lambda: os.listdir("/")),
        "passwd cannot be read": refused(lambda: open(passwd).read()),
        "stage cannot be listed": refused(lambda: os.listdir("/stage")),
        "proc cannot be read": refused(lambda: open("/proc/self/status").read()),
        "no socket": refused(socket.socket),
        "no fork": refused(lambda: os.fork() or os._exit(0)),
        "no program": refused(lambda: os.posix_spawn("/proc/self/exe", ["x", "-V"], {})),
        "no code that can be written": refused(lambda: mmap.mmap(-1, 4096, prot=7)),
        "little memory": many(lambda: bytearray(10**8), 9),
        "processor time is limited": held(resource.RLIMIT_CPU) <= 6,
        "files are limited": held(resource.RLIMIT_FSIZE) <= 16 * 1024**2,
        "nothing to dump": held(resource.RLIMIT_CORE) == 0,
        "first of its pid namespace": os.getpid() == 1,
        "a small file system of its own": not refused(lambda: open("/tmp/x", "w").close())
            and refused(lambda: open("/tmp/y", "wb").write(b"x" * 2 * 10**7)),
        "an unknown user": os.getuid() not in (0, 1000),
        "nothing in the environment": not {"HOME", "PATH", "USER", "PYTHONPATH"} & set(os.environ),
        "no code in its own files": refused(lives_in_a_file),
        **limits(bounds), **conditions(prlimit), **calls(numbers), **changes(changing), **behind(port),
        "few descriptors": many(lambda: os.dup(0), 100),
    }
'''
MIB = 1024**2
BOUNDS = {
    "RLIMIT_CORE": 0, "RLIMIT_MEMLOCK": 0, "RLIMIT_MSGQUEUE": 0, "RLIMIT_NOFILE": 64, "RLIMIT_FSIZE": 16 * MIB,
    "RLIMIT_STACK": 8 * MIB, "RLIMIT_CPU": 6, "RLIMIT_NPROC": 50_000, "RLIMIT_AS": 768 * MIB, "RLIMIT_DATA": 768 * MIB,
}  # fmt: skip
FORBIDDEN = {
    "memfd_create": (319, 279), "io_uring_setup": (425, 425), "pidfd_open": (434, 434), "process_vm_readv": (310, 270),
    "shmget": (29, 194), "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "setns": (308, 268),
    "unshare": (272, 97), "execve": (59, 221), "socket": (41, 198), "connect": (42, 203), "bind": (49, 200),
    "listen": (50, 201), "accept4": (288, 242), "execveat": (322, 281), "add_key": (248, 217),
    "pidfd_send_signal": (424, 424), "landlock_create_ruleset": (444, 444), "inotify_init1": (294, 26),
    "timerfd_create": (283, 85), "personality": (135, 92), "setsid": (112, 157), "name_to_handle_at": (303, 264),
    "sendmsg": (46, 211), "recvmsg": (47, 212),
}  # fmt: skip
"""Calls that give another error, or none, when the filter lets them through: numbers of x86_64 and aarch64."""
CHANGING = {"truncate": (76, 45), "renameat": (264, 38), "unlinkat": (263, 35), "mkdirat": (258, 34), "utimensat": (280, 88), "fchmod": (91, 52)}
"""Calls of which landlock, or an early one, does not keep all: they are not there where a guest may not write."""
PRLIMIT = (302, 261)
COLUMN = {"x86_64": 0, "aarch64": 1}[os.uname().machine]
NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts")


def outside(pidfd: int) -> dict[str, bool]:
    """What the kernel says about the guest's process."""
    found = re.search(r"^Pid:\s+(\d+)", Path(f"/proc/self/fdinfo/{pidfd}").read_text(), re.MULTILINE)
    assert found is not None
    proc = Path(f"/proc/{found[1]}")
    status = dict(re.findall(r"^(\w+):[ \t]*(.*)$", (proc / "status").read_text(), re.MULTILINE))
    return {
        "no capabilities": all(int(status[f"Cap{kind}"], 16) == 0 for kind in ("Eff", "Prm", "Inh", "Amb")),
        "no new privileges": status["NoNewPrivs"] == "1",
        "a filter on system calls": status["Seccomp"] == "2",
        "not root's number": status["Uid"].split()[0] != "0" and status["Gid"].split()[0] != "0",
        "no further groups": os.geteuid() != 0 or status.get("Groups", "").split() in ([], status["Gid"].split()[:1]),
        **{f"its own {kind} namespace": _differs(proc, kind) for kind in NAMESPACES},
        "ipc and mounts of its own among guests": _job_differs(proc, status["PPid"]),
        **_mounts(proc),
    }


def _job_differs(proc: Path, parent: str) -> bool:
    """Whether the guest has namespaces that its fork server does not have; only root may look."""
    try:
        return all((proc / "ns" / kind).readlink() != Path(f"/proc/{parent}/ns/{kind}").readlink() for kind in ("ipc", "mnt", "pid"))
    except PermissionError:
        return True


def _mounts(proc: Path) -> dict[str, bool]:
    """What covers what, by the kernel's word; an ordinary user may not look."""
    try:
        lines = (proc / "mountinfo").read_text().splitlines()
    except PermissionError:
        lines = []
    last = {line.split()[4]: (line.split()[5], line.split(" - ")[1]) for line in lines}
    unseen = ("ro", "tmpfs tmpfs ro")
    return {
        "stage is covered": not lines or last.get("/stage", ("", ""))[1].startswith("tmpfs"),
        "no proc": not lines or last.get("/proc", unseen)[1].startswith("tmpfs"),
        "root is read-only": not lines or all("ro" in last[place][0].split(",") for place in last if place in ("/", "/usr/lib", "/tree")),
        "few files in tmp": not lines or ("nr_inodes=512" in last.get("/tmp", ("", ""))[1] and "size=16384k" in last.get("/tmp", ("", ""))[1]),
    }


def _differs(proc: Path, kind: str) -> bool:
    try:
        return (proc / "ns" / kind).readlink() != Path("/proc/self/ns", kind).readlink()
    except PermissionError:  # an ordinary user may not look into another user namespace, which says it is another
        return True


async def look(level: Level) -> dict[str, bool]:
    """Start a guest and gather what holds."""
    with tempfile.TemporaryDirectory() as folder, open_launcher(level) as launcher:
        tree = Path(folder)
        (tree / "m").mkdir()
        (tree / "m" / "__init__.py").write_text("")
        (tree / "driver.py").write_text(DRIVER)
        job = await launcher.launch(Load(tree, ("m",), (), tree / "driver.py"), World())
        facts = outside(job._pidfd)
        hidden = next((path for path in reach(()).hidden if os.listdir(path)), "/nowhere")  # noqa: PTH208
        numbers = {name: both[COLUMN] for name, both in FORBIDDEN.items()}
        changing = {name: both[COLUMN] for name, both in CHANGING.items()}
        with socket.create_server(("127.0.0.1", 0)) as server:
            asked = {
                "passwd": "/etc/passwd", "packages": hidden, "bounds": BOUNDS, "numbers": numbers, "changing": changing,
                "prlimit": PRLIMIT[COLUMN], "port": server.getsockname()[1],
            }  # fmt: skip
            reply = await job.ask("call", {"name": "view", "kwargs": asked}, 30)
        await job.close()
        return facts | reply.get("value", {"an answer came": False, str(reply): False})


if __name__ == "__main__":
    try:
        print(json.dumps(asyncio.run(look(Level(sys.argv[1])))))
    except Exception as error:
        print(json.dumps({f"{type(error).__name__}: {error}": False}))
