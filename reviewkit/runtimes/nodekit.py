"""The packages that trees with JSX import in guests: bundled once from the pinned ones, with their compiled code."""

from __future__ import annotations

import hashlib
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
        MissingRuntimeError: If they are not set up for this Node.
    """
    folder = kit_folder(node)
    if not folder.is_dir():
        raise MissingRuntimeError(f"React and what tests it are not set up for Node {node.text}", f"Run: {SETUP}")
    return folder


def prepare() -> Path:
    """Get the pinned packages and, for a Node that runs guests, bundle what these import; nothing is done twice.

    Returns:
        The folder of the pinned packages.

    Raises:
        MissingRuntimeError: If there is no Node or no npm.
        DataError: If npm cannot get them, or the folder cannot be written.
    """
    modules, node = nodeplace.prepare(), nodeplace.require_node()
    target = kit_folder(node)
    if node.version < LEAST_STRIPPING or target.is_dir():
        return modules
    with tempfile.TemporaryDirectory(prefix="kit-", dir=target.parent) as place:
        _build(node, modules, Path(place))
        try:
            Path(place).chmod(0o755)  # guests are another user
            made = shutil.copytree(place, Path(place).with_suffix(".made"))
            made.rename(target)
        except OSError as error:
            shutil.rmtree(Path(place).with_suffix(".made"), ignore_errors=True)
            if not target.is_dir():  # nobody else was faster
                raise DataError(str(target), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return modules


def _build(node: Node, modules: Path, place: Path) -> None:
    command = [node.binary, *engine_flags("1"), str(FOLDER / "kit.mjs"), str(modules), str(place)]
    try:
        done = subprocess.run(
            command, cwd=place, capture_output=True, text=True, errors="replace", timeout=BUILD_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DataError("React's packages", f"were not bundled within {BUILD_SECONDS} s", f"Run again: {SETUP}") from None
    if done.returncode != 0 or not (place / "kit.cache").is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise DataError("React's packages", f"could not be bundled ({said[-1].strip()[:200]})", f"Run again: {SETUP}")
