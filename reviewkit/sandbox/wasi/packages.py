"""Which packages a guest of level `wasi` can have: those of Python alone. Each is copied and byte-compiled by the guest's own Python, once."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from reviewkit.sandbox.reach import canonical, closure, items, package_folder
from reviewkit.sandbox.unavailable import GuestLacksError, SandboxError
from reviewkit.sandbox.wasi import cpython, machine, process

COMPILED: Final = (".so", ".pyd", ".dylib")
WITHOUT_SPEED: Final = frozenset({"sqlalchemy"})
"""Packages whose compiled parts only make them faster: the same modules are there as Python. Only what was tried stands here."""
LEFT_OUT: Final = frozenset({"greenlet"})
"""Packages that others require but work without, as long as nobody uses what they are for."""
INSIDE: Final = ("guest", "harness", "sandbox/inner", "sandbox/wasi/inside")
"""Parts of reviewkit that a guest has, as elsewhere."""
COMPILE: Final = "import compileall, sys; sys.exit(not compileall.compile_dir('/site', quiet=2, invalidation_mode=I.UNCHECKED_HASH))"
COMPILE_FUEL: Final = 2_000_000_000_000


@dataclass(frozen=True)
class Site:
    """Folders to import from, with their names inside, and what was left out."""

    folders: tuple[tuple[Path, str], ...]
    left_out: tuple[str, ...]


def site(packages: tuple[str, ...]) -> Site:
    """Make the declared packages ready.

    Raises:
        GuestLacksError: If one of them, or of what they require, has compiled parts.
        SandboxError: If one is not installed, or cannot be made ready.
    """
    found = closure(packages)
    lost = sorted(canonical(dist.name) for dist in found if _is_compiled(dist) and canonical(dist.name) not in LEFT_OUT)
    if lost:
        raise GuestLacksError(", ".join(lost))
    kept = [dist for dist in found if canonical(dist.name) not in LEFT_OUT]
    folders = [_own(), *(_ready(dist) for dist in sorted(kept, key=lambda dist: canonical(dist.name)))]
    left_out = tuple(sorted(canonical(dist.name) for dist in found if canonical(dist.name) in LEFT_OUT))
    return Site(tuple((folder, f"/site/{number}") for number, folder in enumerate(folders)), left_out)


def _is_compiled(dist: Distribution) -> bool:
    if canonical(dist.name) in WITHOUT_SPEED:
        return False
    return any(file.suffix in COMPILED for file in dist.files or ())


def _own() -> Path:
    """The parts of reviewkit, below packages that hold nothing else."""
    home = package_folder()
    files = [file for part in INSIDE for file in sorted((home / part).glob("*.py"))]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(home).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")

    def lay(folder: Path) -> None:
        for file in files:
            target = folder / "reviewkit" / file.relative_to(home)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        for name in ("reviewkit", "reviewkit/sandbox", "reviewkit/sandbox/wasi"):
            (folder / name / "__init__.py").touch()

    return _made(f"reviewkit-{digest.hexdigest()[:16]}", lay)


def _ready(dist: Distribution) -> Path:
    """A distribution's Python and data files."""
    tops = [Path(path) for path, _ in items(dist)]
    record = hashlib.sha256((dist.read_text("RECORD") or "").encode()).hexdigest()[:16]

    def lay(folder: Path) -> None:
        leave = shutil.ignore_patterns("__pycache__", *(f"*{suffix}" for suffix in COMPILED))
        for path in tops:
            if path.is_dir():
                shutil.copytree(path, folder / path.name, ignore=leave, copy_function=shutil.copyfile)
            elif path.suffix not in COMPILED:
                shutil.copyfile(path, folder / path.name)

    return _made(f"{canonical(dist.name)}-{dist.version}-{record}", lay)


def _made(name: str, lay: object) -> Path:
    """A folder of this name in the private one, made whole or not at all."""
    home = cpython.folder() / "site"
    target = home / name
    if target.is_dir():
        return target
    home.mkdir(mode=0o700, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".making-", dir=home))
    try:
        lay(made)  # type: ignore[operator]
        _compile(made)
        for path in (made, *made.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)  # the guest's process may have another user's number
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():
                raise
    except OSError as error:
        raise SandboxError(f"{name} could not be made ready ({error.strerror})", "Make room, then score again.") from None
    finally:
        if made.is_dir():
            shutil.rmtree(made, ignore_errors=True)
    return target


def _compile(folder: Path) -> None:
    code = "from py_compile import PycInvalidationMode as I; " + COMPILE
    status = process.run_alone(["python", "-S", "-c", code], [(str(folder), "/site", True)], COMPILE_FUEL)
    if status != machine.LEFT:
        raise SandboxError(f"packages could not be compiled for the guest (status {os.waitstatus_to_exitcode(status)})")
