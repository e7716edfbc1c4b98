"""What a guest may read: the interpreter, its libraries, and the packages that a scenario declares. Nothing else."""

from __future__ import annotations

import functools
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

import reviewkit
from reviewkit.sandbox.inner import limits
from reviewkit.sandbox.unavailable import SandboxError

NODE = "@node"
"""Stands among the packages of a guest that is a Node process; no name of a Python package begins like this."""
KIT = "@kit"
"""Stands beside it where the guest may import the packages of React."""
JAVA = "@java"
"""Stands there for a guest that is a Java process."""
SPRING = "@spring"
"""Stands beside it where the guest has Spring Boot's libraries."""
EXTRAS = {"sqlalchemy": frozenset({"asyncio"})}
"""Extras that a declared package is meant with."""
_LIBRARIES = ("/usr/lib", "/usr/lib64", "/usr/lib32", "/lib", "/lib64", "/lib32")


@dataclass(frozen=True)
class Reach:
    """Paths of the parent's machine, all absolute; inside they have the same names."""

    binary: str
    """The real interpreter, not a virtual environment's link to it."""
    libraries: tuple[str, ...]
    """Shared libraries, the standard library, time zones."""
    hidden: tuple[str, ...]
    """Folders inside `libraries` that hold installed packages; covered where mounts can cover."""
    packages: tuple[str, ...]
    """Files and folders of the declared packages and what they need, and the inside of this sandbox."""
    sys_path: tuple[str, ...]
    """Folders to import packages from."""
    environment: tuple[tuple[str, str], ...] = ()
    """What `program` needs there beside what every guest has."""
    cpu_seconds: int = limits.CPU_SECONDS
    program: tuple[str, ...] = ()
    """Command line of a guest that is another program than this interpreter; the guest appends the tree."""

    @property
    def readable(self) -> tuple[str, ...]:
        """Everything that may be read."""
        return (self.binary, *self.libraries, *self.packages)


def package_folder() -> Path:
    """Folder of the installed reviewkit."""
    return Path(reviewkit.__file__).resolve().parent


@functools.lru_cache(maxsize=32)
def reach(packages: tuple[str, ...]) -> Reach:
    """Work out what a guest with these packages needs.

    Raises:
        SandboxError: If one of them is not installed here.
    """
    program: tuple[str, ...] = ()
    kit: Path | None = None
    if NODE in packages:
        from reviewkit.runtimes.nodeguest import command, required
        from reviewkit.runtimes.nodekit import require_kit

        kit = require_kit(required()) if KIT in packages else None
        packages, program = tuple(name for name in packages if name not in (NODE, KIT)), command(required().binary, kit)
    more: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    seconds = limits.CPU_SECONDS
    if JAVA in packages:
        from reviewkit.runtimes import javaguest

        has_spring = SPRING in packages
        parts = javaguest.required(spring=has_spring)
        packages, program, more = (), javaguest.command(parts), parts.readable
        variables, seconds = tuple(javaguest.environment(parts.jdk).items()), javaguest.SPRING_SECONDS if has_spring else javaguest.CPU_SECONDS
    home = package_folder()
    binary = Path(getattr(sys, "_base_executable", None) or sys.executable).resolve()
    libraries = [path for path in _LIBRARIES if Path(path).exists()]
    for folder in _interpreter_folders(binary):
        if not any(folder.is_relative_to(known) for known in libraries):
            libraries.append(str(folder))
    if Path("/usr/share/zoneinfo").is_dir():
        libraries.append("/usr/share/zoneinfo")
    found = [(item, site) for dist in closure(packages) for item, site in items(dist)]
    inside = [str(home / "guest"), str(home / "harness"), str(home / "sandbox" / "inner")]
    readable = tuple(dict.fromkeys([*inside, *program[:1], *([str(kit)] if kit else []), *more, *(item for item, _ in found)]))
    sites = tuple(dict.fromkeys(site for _, site in found))
    return Reach(str(binary), tuple(libraries), tuple(_hidden()), readable, sites, variables, seconds, program)


def _interpreter_folders(binary: Path) -> Iterator[Path]:
    store = Path("/nix/store")
    if binary.is_relative_to(store):
        yield store
    for prefix in {sys.base_prefix, sys.base_exec_prefix}:
        for name in ("lib", "lib64"):
            folder = Path(prefix).resolve() / name
            if folder.is_dir():
                yield folder


def _hidden() -> Iterator[str]:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    standard = Path(sysconfig.get_path("stdlib"))
    for folder in (
        standard / "site-packages", standard / "dist-packages", standard / "test",
        Path("/usr/lib/python3/dist-packages"), Path(f"/usr/local/lib/{version}/dist-packages"),
    ):  # fmt: skip
        if folder.is_dir():
            yield str(folder)


def closure(packages: tuple[str, ...]) -> list[Distribution]:
    """The distributions of these packages and, transitively, what they require here."""
    wanted: list[tuple[str, frozenset[str]]] = [(name, EXTRAS.get(canonical(name), frozenset())) for name in packages]
    found: dict[str, Distribution] = {}
    while wanted:
        name, extras = wanted.pop()
        key = canonical(name)
        if key in found:
            continue
        dist = _distribution(name, declared=name in packages)
        if dist is None:
            continue
        found[key] = dist
        wanted += list(_requirements(dist, extras))
    return list(found.values())


def canonical(name: str) -> str:
    """Name of a distribution as the index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _distribution(name: str, *, declared: bool) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        pass
    providers = packages_distributions().get(name, []) if declared else []
    if providers:
        return distribution(providers[0])
    if declared:
        raise SandboxError(f"the package {name!r} that the scenario declares is not installed", f"pip install {name}.")
    return None  # a requirement that does not hold on this platform or is vendored


def _requirements(dist: Distribution, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    for text in dist.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement.name, frozenset(requirement.extras)


def items(dist: Distribution) -> Iterator[tuple[str, str]]:
    """Top-level files and folders of a distribution, each with the folder it is imported from."""
    site = Path(str(dist.locate_file(""))).resolve()
    tops = {file.parts[0] for file in dist.files or () if file.parts and ".." not in file.parts}
    for top in sorted(tops - {"__pycache__"}):
        path = site / top
        if path.exists() and path.suffix != ".pth":
            yield str(path), str(site)


def reachable_by_all(paths: tuple[str, ...]) -> bool:
    """Whether every user can get to these paths: all folders above them may be searched by others, and a file may be read."""
    return all(_searchable(Path(path)) for path in paths if Path(path).exists())


def _searchable(path: Path) -> bool:
    real = path.resolve()
    folders = (*real.parents, real) if real.is_dir() else real.parents
    return (real.is_dir() or bool(real.stat().st_mode & 0o004)) and all(folder.stat().st_mode & 0o001 for folder in folders)
