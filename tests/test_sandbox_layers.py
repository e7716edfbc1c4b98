"""Each layer is there, seen from inside and from outside; and taking any one away is noticed."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import sandbox_view

import reviewkit
from reviewkit.sandbox import Level
from reviewkit.sandbox.inner import landlock
from reviewkit.sandbox.levels import KERNEL_LEVELS, lacking

pytestmark = pytest.mark.sandbox
VIEW = Path(__file__).with_name("sandbox_view.py")
PACKAGE = Path(reviewkit.__file__).parent
OF_ROOT = {"change of user", "change of group", "ipc of each job", "cover of the stage", "cover of proc", "number of files"}
"""What only root does, or what only root can see from outside."""
OF_LEVEL = {"no new privileges": Level.SECCOMP, "changes of files": Level.LANDLOCK, "emptying of files": Level.LANDLOCK}
"""Where a layer is seen best: bubblewrap takes privileges away as well."""
ONLY_NAMESPACES = {
    "its own user namespace", "its own pid namespace", "its own mnt namespace", "its own net namespace", "its own ipc namespace",
    "its own uts namespace", "first of its pid namespace", "a small file system of its own",
    "ipc and mounts of its own among guests", "stage is covered", "no proc", "root is read-only", "few files in tmp",
}  # fmt: skip
ALLOWED = {
    Level.NAMESPACES: set(),
    Level.LANDLOCK: {*ONLY_NAMESPACES, "packages that nobody declared cannot be read"},
    Level.SECCOMP: ONLY_NAMESPACES,
}
"""What a level does not claim."""
OF_A_USER = {"an unknown user"}
"""What needs the right to change the user, where there are no namespaces."""


def view(package: Path, level: Level) -> dict[str, bool]:
    """What holds for a guest of this copy of the package."""
    paths = [str(package.parent), *(path for path in sys.path if path.endswith("site-packages"))]
    done = subprocess.run(
        [sys.executable, str(VIEW), level.value], capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("level", KERNEL_LEVELS)
def test_every_layer_of_a_level_holds(level: Level) -> None:
    reason = lacking(level)
    if reason is not None:
        pytest.skip(reason)
    facts = view(PACKAGE, level)
    allowed = ALLOWED[level] | (OF_A_USER if os.geteuid() != 0 and level is not Level.NAMESPACES else set())
    assert len(facts) > 75
    assert {fact for fact, holds in facts.items() if not holds} <= allowed


LOCKDOWN, FORKSERVER, OUTER = "sandbox/inner/lockdown.py", "sandbox/inner/forkserver.py", "sandbox/bubblewrap.py"
SECCOMP, LANDLOCK, LIMITS = "sandbox/inner/seccomp.py", "sandbox/inner/landlock.py", "sandbox/inner/limits.py"
CALLS = "sandbox/inner/calls.py"
REMOVALS = {
    "limits": (LOCKDOWN, "    limits.apply(locks.processes, program=bool(locks.program), cpu_seconds=locks.cpu_seconds)\n", "", "little memory"),
    "capabilities": (LOCKDOWN, "    kernel.drop_capabilities()\n", "", "no capabilities"),
    "landlock": (
        LOCKDOWN, "        landlock.restrict((*locks.readable, *DEVICES, root), writable)\n", "        del writable\n",
        "root cannot be listed",
    ),
    "system calls": (
        LOCKDOWN, "    seccomp.install(locks.calls.program(os.getpid()))\n", "", "no socket",
    ),
    "fork rule": ("sandbox/inner/seccomp.py", '"clone": threads_only', '"clone": [_ALLOWED]', "no fork"),
    "code rule": ("sandbox/inner/seccomp.py", '"mmap": no_writable_code', '"mmap": [_ALLOWED]', "no code that can be written"),
    "file system": (
        LOCKDOWN, '    kernel.mount("tmpfs", place, "tmpfs", _TMPFS, "size=16m,nr_inodes=512,mode=0700")\n', "",
        "a small file system of its own",
    ),
    "descriptors": (LOCKDOWN, "    kernel.close_from(RPC + 1)\n", "", "no descriptor but the wire and the loop's"),
    "pid namespace": (
        FORKSERVER, "            kernel.unshare(kernel.CLONE_NEWPID)  #", "            pass  #", "first of its pid namespace",
    ),
    "network namespace": (OUTER, '"net", ', "", "its own net namespace"),
    "name namespace": (OUTER, '"uts", ', "", "its own uts namespace"),
    "cover of packages": (OUTER, "    for path in reach.hidden:\n        arguments += [\"--tmpfs\", path]\n", "",
                          "packages that nobody declared cannot be read"),
    "environment": (OUTER, 'return ["--clearenv", *settings]', 'return ["--setenv", "HOME", "/", *settings]', "nothing in the environment"),
    "change of user": (OUTER, "os.setresuid(user, user, user); ", "", "not root's number"),
    "change of group": (OUTER, "os.setresgid(user, user, user); ", "", "not root's number"),
    "no new privileges": (LOCKDOWN, "    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)\n", "", "no new privileges"),
    "ipc of each job": (
        LOCKDOWN, "kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWIPC)", "kernel.unshare(kernel.CLONE_NEWNS)",
        "ipc and mounts of its own among guests",
    ),
    "cover of the stage": (
        LOCKDOWN, '    kernel.mount("tmpfs", STAGE, "tmpfs", _TMPFS | kernel.MS_RDONLY, "size=4k,mode=0500")\n', "", "stage is covered",
    ),
    "cover of proc": (OUTER, '"--tmpfs", "/proc", "--remount-ro", "/proc", ', "", "no proc"),
    "code in files": (LOCKDOWN, "kernel.MS_NODEV | kernel.MS_NOEXEC", "kernel.MS_NODEV", "no code in its own files"),
    "number of files": (LOCKDOWN, "size=16m,nr_inodes=512,", "size=16m,", "few files in tmp"),
    "changes of files": (FORKSERVER, "changes=self._namespaces", "changes=True", "no change of files by utimensat"),
    "emptying of files": (SECCOMP, "_without(flags, _O_TRUNC, errno.EACCES)", "[_ALLOWED]", "no file is emptied as it is opened"),
    "processor time": ("sandbox/inner/limits.py", "CPU_SECONDS: Final = 5", "CPU_SECONDS: Final = 5000", "processor time is limited"),
    "file size": ("sandbox/inner/limits.py", "FILE_BYTES: Final = 16", "FILE_BYTES: Final = 16000", "files are limited"),
    "descriptor count": ("sandbox/inner/limits.py", "DESCRIPTORS: Final = 64", "DESCRIPTORS: Final = 512", "few descriptors"),
}  # fmt: skip


Edit = tuple[str, str, str]
"""File, text, what stands there instead."""


def changed(folder: Path, edits: Iterable[Edit], level: Level) -> dict[str, bool]:
    """What holds for a guest of a copy of the package with these changes."""
    reason = lacking(level)
    if reason is not None:
        pytest.skip(reason)
    package = folder / "reviewkit"
    folder.chmod(0o755)
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "frontend", "labextension", "data"))
    for file, text, instead in edits:
        source = (package / file).read_text("utf-8")
        assert text in source, (file, text)
        (package / file).write_text(source.replace(text, instead), "utf-8")
    return view(package, level)


def lost(facts: dict[str, bool], start: str = "") -> set[str]:
    return {fact for fact, holds in facts.items() if not holds and fact.startswith(start)}


@pytest.mark.parametrize("name", REMOVALS)
def test_taking_a_layer_away_is_noticed(name: str, tmp_path: Path) -> None:
    """The fact that depends on a layer no longer holds without it, so the test above would fail."""
    if name in OF_ROOT and os.geteuid() != 0:
        pytest.skip("of root")
    file, text, instead, fact = REMOVALS[name]
    facts = changed(tmp_path, [(file, text, instead)], OF_LEVEL.get(name, Level.NAMESPACES))
    assert facts.get(fact, False) is False, facts


def test_each_limit_is_noticed_by_itself(tmp_path: Path) -> None:
    """Without the limits, those facts are lost that this machine does not give by itself, and each has its own."""
    source = (PACKAGE / LIMITS).read_text("utf-8")
    rules = re.findall(r"^        \(resource\.(RLIMIT_\w+), .*\),\n", source, re.MULTILINE)
    assert sorted(rules) == sorted(sandbox_view.BOUNDS)
    facts = changed(tmp_path, [(LIMITS, "resource.setrlimit(kind, (soft, hard))", "pass")], Level.NAMESPACES)
    own = {name: resource.getrlimit(getattr(resource, name))[1] for name in rules}
    beyond = {name for name, hard in own.items() if hard == resource.RLIM_INFINITY or hard > sandbox_view.BOUNDS[name]}
    assert len(beyond) >= 5
    assert lost(facts, "limit ") == {f"limit {name}" for name in beyond}


CONDITIONS = {
    '"kill": _one_of(0, (_OWN,), errno.EPERM)': "no signal to others",
    '"tgkill": _one_of(0, (_OWN,), errno.EPERM)': "no signal to threads of others",
    '"socketpair": _one_of(0, (_AF_UNIX,), errno.EPERM)': "no pair of network sockets",
    '"prlimit64": _one_of(0, (0, _OWN), errno.EPERM)': "no limits of others",
    '"prctl": _one_of(0, _PRCTL, errno.EPERM)': "no attribute of the process",
    '"ioctl": _one_of(1, _IOCTL, errno.ENOTTY)': "few requests to devices",
    '"fcntl": _one_of(1, _FCNTL, errno.EPERM)': "no signals by descriptor",
    '"mprotect": no_writable_code': "no page made executable",
    '"sendto": _without(3, _MSG_OOB, errno.EPERM)': "no urgent data by sendto",
    '"recvfrom": _without(3, _MSG_OOB, errno.EPERM)': "no urgent data by recvfrom",
}


def test_each_condition_on_a_call_is_noticed_by_itself(tmp_path: Path) -> None:
    edits = [(SECCOMP, rule, f"{rule.split(':')[0]}: [_ALLOWED]") for rule in CONDITIONS]
    facts = changed(tmp_path, edits, Level.NAMESPACES)
    assert lost(facts) == set(CONDITIONS.values())


def test_each_call_that_were_allowed_is_noticed_by_itself(tmp_path: Path) -> None:
    names = "".join(f'"{name}": {numbers}, ' for name, numbers in sandbox_view.FORBIDDEN.items())
    facts = changed(tmp_path, [(CALLS, "_IO: Numbers = {\n", f"_IO: Numbers = {{\n    {names}\n")], Level.NAMESPACES)
    assert lost(facts, "no call ") == {f"no call {name}" for name in sandbox_view.FORBIDDEN}


WITHOUT_CALLS = (LOCKDOWN, "    seccomp.install(locks.calls.program(os.getpid()))\n", "")
WITHOUT_LANDLOCK = (
    LOCKDOWN, "        landlock.restrict((*locks.readable, *DEVICES, root), writable)\n", "        del writable\n",
)  # fmt: skip
BEHIND = {
    "landlock's files": (
        Level.LANDLOCK, WITHOUT_CALLS, (LANDLOCK, "    kernel.syscall(_RESTRICT, ruleset, 0)\n", ""),
        {"root cannot be listed", "passwd cannot be read", "proc cannot be read"},
    ),
    "landlock's TCP": (
        Level.LANDLOCK, WITHOUT_CALLS, (LANDLOCK, 'struct.pack("<Q", _TCP)', 'struct.pack("<Q", 0)'),
        {"no TCP to others", "no TCP from others"},
    ),
    "landlock's scope": (
        Level.LANDLOCK, WITHOUT_CALLS, (LANDLOCK, 'struct.pack("<Q", _SCOPED)', 'struct.pack("<Q", 0)'),
        {"no signal to its parent"},
    ),
    "mounts": (
        Level.NAMESPACES, WITHOUT_LANDLOCK, (LOCKDOWN, 'kernel.mount("tmpfs", STAGE,', 'kernel.mount("tmpfs", "/tmp",'),
        {"stage is covered"},
    ),
    "change of user of the fork server": (
        Level.SECCOMP, None, (FORKSERVER, '        _change_user(setup["user"])\n', ""), {"not root's number"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BEHIND)
def test_a_layer_behind_another_holds_by_itself(name: str, tmp_path: Path) -> None:
    """With the layer before it gone its facts hold; with itself gone as well they are lost."""
    level, before, removal, expected = BEHIND[name]
    if os.geteuid() != 0 and name in ("mounts", "change of user of the fork server"):
        pytest.skip("of root")
    if name != "landlock's files" and level is Level.LANDLOCK and landlock.abi() < 6:
        pytest.skip("an older landlock")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    tmp_path.chmod(0o755)
    first = [before] if before else []
    holds = changed(tmp_path / "a", first, level)
    assert len(holds) > 75 and not expected & lost(holds)
    gone = changed(tmp_path / "b", [*first, removal], level)
    assert expected <= lost(gone), gone
