"""`python sandbox_view.py LEVEL`: looks at one guest from inside and from outside, and prints what holds, as JSON.

A script of its own, so that tests can point it at a copy of the package from which a layer was taken away.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from reviewkit.harness.job import Load
from reviewkit.harness.world import World
from reviewkit.sandbox import Level, open_launcher
from reviewkit.sandbox.reach import reach

DRIVER = '''
import ctypes, errno, mmap, os, resource, socket, threading, time

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

def is_open(fd):
    return not refused(lambda: os.fstat(fd) and None) or not refused(lambda: os.dup2(fd, fd))

async def view(env, passwd, packages):
    held = resource.getrlimit
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
        "processor time is limited": held(resource.RLIMIT_CPU)[1] <= 6,
        "files are limited": held(resource.RLIMIT_FSIZE)[1] <= 16 * 1024**2,
        "nothing to dump": held(resource.RLIMIT_CORE)[1] == 0,
        "first of its pid namespace": os.getpid() == 1,
        "a small file system of its own": not refused(lambda: open("/tmp/x", "w").close())
            and refused(lambda: open("/tmp/y", "wb").write(b"x" * 2 * 10**7)),
        "an unknown user": os.getuid() not in (0, 1000),
        "nothing in the environment": not {"HOME", "PATH", "USER", "PYTHONPATH"} & set(os.environ),
        "few descriptors": many(lambda: os.dup(0), 100),
    }
'''
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
        reply = await job.ask("call", {"name": "view", "kwargs": {"passwd": "/etc/passwd", "packages": hidden}}, 10)
        await job.close()
        return facts | reply.get("value", {"an answer came": False, str(reply): False})


if __name__ == "__main__":
    try:
        print(json.dumps(asyncio.run(look(Level(sys.argv[1])))))
    except Exception as error:
        print(json.dumps({f"{type(error).__name__}: {error}": False}))
