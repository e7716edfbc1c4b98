"""Each layer is there, seen from inside and from outside; and taking any one away is noticed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import reviewkit
from reviewkit.sandbox import Level
from reviewkit.sandbox.levels import lacking

pytestmark = pytest.mark.sandbox
VIEW = Path(__file__).with_name("sandbox_view.py")
PACKAGE = Path(reviewkit.__file__).parent
ONLY_NAMESPACES = {
    "its own user namespace", "its own pid namespace", "its own mnt namespace", "its own net namespace", "its own ipc namespace",
    "its own uts namespace", "first of its pid namespace", "a small file system of its own",
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


@pytest.mark.parametrize("level", Level)
def test_every_layer_of_a_level_holds(level: Level) -> None:
    reason = lacking(level)
    if reason is not None:
        pytest.skip(reason)
    facts = view(PACKAGE, level)
    allowed = ALLOWED[level] | (OF_A_USER if os.geteuid() != 0 and level is not Level.NAMESPACES else set())
    assert len(facts) > 25
    assert {fact for fact, holds in facts.items() if not holds} <= allowed


LOCKDOWN, FORKSERVER, OUTER = "sandbox/inner/lockdown.py", "sandbox/inner/forkserver.py", "sandbox/bubblewrap.py"
REMOVALS = {
    "limits": (LOCKDOWN, "    limits.apply(locks.processes)\n", "", "little memory"),
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
        LOCKDOWN, '    kernel.mount("tmpfs", "/tmp", "tmpfs", _TMPFS, "size=16m,nr_inodes=512,mode=0700")  # noqa: S108\n', "",
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
    "change of user": (
        OUTER, "os.setresuid(user, user, user); ", "", "not root's number",
    ),
    "processor time": ("sandbox/inner/limits.py", "CPU_SECONDS: Final = 5", "CPU_SECONDS: Final = 5000", "processor time is limited"),
    "file size": ("sandbox/inner/limits.py", "FILE_BYTES: Final = 16", "FILE_BYTES: Final = 16000", "files are limited"),
    "descriptor count": ("sandbox/inner/limits.py", "DESCRIPTORS: Final = 64", "DESCRIPTORS: Final = 512", "few descriptors"),
}  # fmt: skip


@pytest.mark.parametrize("name", REMOVALS)
def test_taking_a_layer_away_is_noticed(name: str, tmp_path: Path) -> None:
    """The fact that depends on a layer no longer holds without it, so the test above would fail."""
    if lacking(Level.NAMESPACES) is not None:
        pytest.skip(str(lacking(Level.NAMESPACES)))
    if name == "change of user" and os.geteuid() != 0:
        pytest.skip("only root changes the user")
    file, text, instead, fact = REMOVALS[name]
    package = tmp_path / "reviewkit"
    tmp_path.chmod(0o755)
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "frontend", "labextension", "data"))
    source = (package / file).read_text("utf-8")
    assert text in source
    (package / file).write_text(source.replace(text, instead), "utf-8")
    facts = view(package, Level.NAMESPACES)
    assert facts.get(fact, False) is False, facts
