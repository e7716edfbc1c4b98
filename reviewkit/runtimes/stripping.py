"""Takes the types from a tree of TypeScript once, not in each guest: that is the dearest part of a guest's start.

Who strips is always a guest, the first of a tree: it is asked before it loads a line of the tree, so what it answers depends on the
files alone. The answers go to further guests of the same tree and nowhere else. Those of guests that are ordinary processes, which run
trusted code or a candidate's own, are kept on disk as well.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from reviewkit.datafolder import cache_folder, is_private
from reviewkit.harness.job import Load
from reviewkit.runtimes.once import Ask

TYPED: Final = (".ts", ".mts", ".cts")
WITH_JSX: Final = (*TYPED, ".tsx", ".jsx")
"""What is stripped beforehand where the guest has the packages of React."""
MOST_FILES, MOST_CHARACTERS = 200, 1_000_000
"""Of a tree whose files are stripped beforehand, and of the code that comes of it; beyond, each guest strips what it imports."""
STRIP_SECONDS: Final = 30.0
MOST_KEPT: Final = 2_000
"""Files on disk; when there are more, the older half goes."""


class Codes(Protocol):
    """JavaScript by the text that it was made of, with the ending of its file before it; "" for a text that cannot be stripped."""

    def get(self, text: str) -> str | None:
        """What is known of a text."""

    def put(self, text: str, code: str) -> None:
        """Keep what a guest made of it."""


class Memory:
    """Codes of one tree, kept as long as this object is."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def get(self, text: str) -> str | None:
        """See `Codes`."""
        return self._codes.get(text)

    def put(self, text: str, code: str) -> None:
        """See `Codes`."""
        self._codes[text] = code


class Stripped:
    """The code of one tree that stays as it is; see `reviewkit.runtimes.once.Once`."""

    def __init__(self, root: Path, endings: tuple[str, ...]) -> None:
        self._files, self._known = sources(root, endings), Memory()

    async def order(self, load: Load, ask: Ask) -> dict[str, Any]:
        """See `order`."""
        return await order(load, self._files, self._known, ask)


class Disk:
    """Codes in the user's cache folder, for guests that are ordinary processes; a folder that cannot be had keeps nothing."""

    def __init__(self, stripper: str, folder: Path | None = None) -> None:
        """Open it; nothing is made before there is something to keep.

        Args:
            stripper: What strips, by version: others' codes are not used.
            folder: Where they are kept; by default `reviewkit/stripped` in the user's cache folder.
        """
        self._stripper, self._folder = stripper, folder or cache_folder("stripped")

    def get(self, text: str) -> str | None:
        """See `Codes`; a file that is not as it was written counts for nothing."""
        if not is_private(self._folder):
            return None
        try:
            seal, _, code = self._file(text).read_bytes().decode("utf-8").partition("\n")
        except (OSError, UnicodeDecodeError):
            return None
        return code if seal == _digest(code) else None

    def put(self, text: str, code: str) -> None:
        """See `Codes`."""
        if not code:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not is_private(self._folder):
                return
            self._make_room()
            with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(f"{_digest(code)}\n{code}".encode())
            Path(file.name).replace(self._file(text))
        except (OSError, UnicodeEncodeError):
            return

    def _file(self, text: str) -> Path:
        return self._folder / _digest(f"{self._stripper}\n{text}")

    def _make_room(self) -> None:
        kept = list(self._folder.iterdir())
        if len(kept) > MOST_KEPT:
            for path in sorted(kept, key=lambda path: path.lstat().st_mtime)[: len(kept) // 2]:
                path.unlink(missing_ok=True)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sources(root: Path, endings: tuple[str, ...] = TYPED) -> dict[str, str]:
    """Files below `root` with these endings by path from there; none if there are too many, and without what is not UTF-8, names included."""
    found: dict[str, str] = {}
    characters = 0
    for path in _typed(root, endings):
        try:
            name = path.relative_to(root).as_posix().encode().decode()
            text = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeError):
            continue  # the guest will say so if it is needed
        characters += len(text)
        if len(found) == MOST_FILES or characters > MOST_CHARACTERS:
            return {}
        found[name] = text
    return found


async def order(load: Load, files: Mapping[str, str], known: Codes, ask: Ask) -> dict[str, Any]:
    """What goes along with the order to load a tree.

    Args:
        load: What is loaded.
        files: The tree's texts, as `sources` gives them.
        known: As for `stripped`.
        ask: As for `stripped`.

    Returns:
        `code` by path, and the driver's as `driver_code` where it is TypeScript or has JSX: no file of the tree can stand in for it, nor
        is it left out for want of room.
    """
    ending, driver = load.driver.suffix, {}
    if ending in WITH_JSX:
        driver = await stripped({ending: load.driver.read_text("utf-8")}, known, ask)
    codes = {"code": await stripped(files, known, ask)}
    return {**codes, "driver_code": driver[ending]} if driver else codes


def _typed(root: Path, endings: tuple[str, ...]) -> Iterable[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ("node_modules", "__pycache__"))
        for name in sorted(names):
            path = Path(folder, name)
            if name.endswith(endings) and path.is_file() and not path.is_symlink():
                yield path


async def stripped(files: Mapping[str, str], known: Codes, ask: Ask) -> dict[str, str]:
    """The code of these files, asking the guest for what is not known.

    Args:
        files: Texts by path.
        known: What is known already; what is learnt is put there.
        ask: Asks a guest that has not loaded anything yet.

    Returns:
        Codes by path. What cannot be stripped is left out: the guest says why when it imports it.
    """
    codes: dict[str, str] = {}
    left = MOST_CHARACTERS
    for path, text in files.items():
        key = f"{path[path.rfind('.') :]}\n{text}"
        code = known.get(key)
        if code is None:
            reply = await ask("strip", {"source": text, "file": path}, STRIP_SECONDS)
            value = reply.get("value")
            code = value if type(value) is str else ""
            known.put(key, code)  # also of the file at which the guest ended: the next one has no need to try it again
            if reply.get("error") in ("TimeLimit", "GuestClosed"):
                return codes
        left -= len(code)
        if code and left >= 0:
            codes[path] = code
    return codes
