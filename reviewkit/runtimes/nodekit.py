"""The packages that trees with JSX import in guests: bundled once from the pinned ones, with their compiled code."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from reviewkit.errors import DataError
from reviewkit.runtimes import nodeplace
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.nodeplace import FOLDER, LEAST_STRIPPING, SETUP, Node

HEAP_MEGABYTES: Final = 256
"""JavaScript heap of a guest."""
YOUNG_MEGABYTES: Final = 16
"""Room for new objects from the start: a guest that draws components would else collect garbage again and again while it grows."""
BUILD_SECONDS: Final = 300
PARTS: Final = ("kit.cjs", "axe.cjs", "acorn.cjs", "sucrase.cjs", "kit.cache", "axe.cache", "sucrase.cache")
"""What `guest/node/kit.mjs` reads: packages, and compiled code of those that take long."""
_SOURCES: Final = (FOLDER / "kit.mjs", FOLDER.parent.parent / "guest" / "node" / "kit.mjs")


def engine_flags(seed: str) -> tuple[str, ...]:
    """Flags of Node that guests run with; compiled code holds for the same flags alone."""
    return (
        f"--random-seed={seed}", f"--max-old-space-size={HEAP_MEGABYTES}", f"--min-semi-space-size={YOUNG_MEGABYTES}", "--v8-pool-size=1",
        "--no-warnings", "--disable-wasm-trap-handler",
    )  # fmt: skip


def kit_folder(node: Node) -> Path:
    """Where they are kept, beside the packages they are made of: by Node's version and the hash of what makes them."""
    made = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()[:8]
    return nodeplace.modules_folder().parent / f"kit-{node.text}-{made}"


def require_kit(node: Node) -> Path:
    """Their folder.

    Raises:
        MissingRuntimeError: If they are not set up for this Node, or guests could not read one of them.
    """
    folder = kit_folder(node)
    if not is_whole(folder):
        raise MissingRuntimeError(f"React and what tests it are not set up for Node {node.text}", f"Run: {SETUP}")
    return folder


def is_whole(folder: Path) -> bool:
    """Whether every part is there and guests can read it; those that root starts in the sandbox are another user."""
    others = hasattr(os, "geteuid") and os.geteuid() == 0
    try:
        opens = not others or folder.stat().st_mode & 0o005 == 0o005
        return opens and all(os.access(folder / part, os.R_OK) and (not others or (folder / part).stat().st_mode & 0o004) for part in PARTS)
    except OSError:
        return False


def prepare() -> Path:
    """Get the pinned packages and, for a Node that runs guests, bundle what these import; what is whole is not made again.

    Returns:
        The folder of the pinned packages.

    Raises:
        MissingRuntimeError: If there is no Node or no npm.
        DataError: If npm cannot get them, or the folder cannot be written.
    """
    modules, node = nodeplace.prepare(), nodeplace.require_node()
    target = kit_folder(node)
    if node.version < LEAST_STRIPPING or is_whole(target):
        return modules
    with tempfile.TemporaryDirectory(prefix="kit-", dir=target.parent) as place:
        _build(node, modules, Path(place))
        try:
            made = _opened(shutil.copytree(place, Path(place).with_suffix(".made")))
            if target.is_dir() and not is_whole(target):
                target.rename(Path(place) / "broken")  # goes with this folder
            made.rename(target)
        except OSError as error:
            shutil.rmtree(Path(place).with_suffix(".made"), ignore_errors=True)
            if not is_whole(target):  # nobody else was faster
                raise DataError(str(target), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return modules


def _opened(folder: Path) -> Path:
    """Let every user read it, whatever the umask is."""
    for part in PARTS:
        (folder / part).chmod(0o644)
    folder.chmod(0o755)
    return folder


def _build(node: Node, modules: Path, place: Path) -> None:
    command = [node.binary, *engine_flags("1"), str(FOLDER / "kit.mjs"), str(modules), str(place)]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, errors="replace", timeout=BUILD_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DataError("React's packages", f"were not bundled within {BUILD_SECONDS} s", f"Run again: {SETUP}") from None
    if done.returncode != 0 or not all((place / part).is_file() for part in PARTS):
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise DataError("React's packages", f"could not be bundled ({said[-1].strip()[:200]})", f"Run again: {SETUP}")
