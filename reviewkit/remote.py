"""Object stores and other file systems of fsspec as input and output of `reviewkit score`: `s3://`, `gs://`, `memory://`, `file://`.

The library is the optional extra `remote`, with a driver for each kind of store beside it. What a store lists is hostile input:
its names become no path of this machine, and no more is read than a notebook may hold.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from reviewkit.batchlog import NAME as LOG
from reviewkit.batchlog import Done
from reviewkit.collect import is_handed_in, write_whole
from reviewkit.errors import DataError, SubmissionError, UsageError, printable
from reviewkit.outfolder import OutFolder
from reviewkit.safe_text import visible
from reviewkit.sandbox.folders import HeldFolder
from reviewkit.storeplace import PLACE, STORE
from reviewkit.submission import REASONS, SIZE_MAX, shown_name

MOST_FILES: Final = 100_000
"""Names of one listing."""
NAME_MAX: Final = 255
FILE_MAX: Final = 64_000_000
"""Bytes of one file of an output folder; the store and the log of batches may be larger."""
_LARGE: Final = frozenset((STORE, LOG))
_TOP: Final = frozenset(("cohort.json", "cohort.csv", "cohort.html", "notice.md", "scoring.log", PLACE, *_LARGE))
_FOLDERS: Final = (
    "baselines", "done", "identities", "keys", "notebooks", "opinions", "owners", "reports", "rows", "runs", "scorecards", "staged",
)  # fmt: skip
_INSIDE: Final = re.compile(rf"(?:{'|'.join(_FOLDERS)})/[A-Za-z0-9][A-Za-z0-9._-]{{0,200}}")
_AT_ONCE: Final = 8
_TRIES: Final = 2


def is_remote(place: str) -> bool:
    """Whether a source or output is a place of fsspec; an intake's address (`https://`) and a path are none."""
    return "://" in place and not place.lower().startswith(("http://", "https://"))


def _opened(url: str) -> tuple[Any, str]:
    """The file system of an address, and the path in it.

    Raises:
        UsageError: If the extra, or the driver of this kind of store, is missing, or there is no such kind.
    """
    shown = visible(url)
    if importlib.util.find_spec("fsspec") is None:
        raise UsageError(f"{shown} needs the extra remote.", "Install it with: pip install 'reviewkit[remote]'")
    from fsspec.core import url_to_fs

    try:
        found: tuple[Any, str] = url_to_fs(url)
        return found
    except ImportError as error:
        raise UsageError(f"{shown}: its driver is missing ({printable(str(error))}).", "Install it beside reviewkit.") from None
    except ValueError as error:
        raise UsageError(f"{shown}: cannot be used ({printable(str(error))[:200]}).", "Name s3://BUCKET/FOLDER or the like.") from None


@dataclass(frozen=True)
class _Listed:
    """A file as its store lists it."""

    system: Any
    name: str
    size: int | None
    is_file: bool


class Inbox:
    """Notebooks in stores, under paths of our own: a number, and the name without whatever a path could be made of."""

    def __init__(self) -> None:
        self._files: dict[Path, _Listed] = {}

    def add(self, url: str) -> list[Path]:
        """Find the notebooks of a place: of a folder its `*.ipynb`, no dot files and no folders below, in order of their names.

        Raises:
            UsageError: If there is nothing to score, or the address cannot be used.
            DataError: If the store does not answer.
        """
        system, root = _opened(url)
        shown = visible(url)
        try:
            info = system.info(root)
            entries = system.ls(root, detail=True) if info["type"] == "directory" else [info]
        except FileNotFoundError:
            raise UsageError(f"{shown}: there is no such file.", "Name completed notebooks or a folder of them.") from None
        except Exception as error:  # each driver has its own
            raise _silent(url, error) from None
        found = _notebooks(system, root, entries) if info["type"] == "directory" else [_listed(system, info)]
        if not found:
            raise UsageError(f"{shown}: no notebooks in this folder.", "Name the folder that holds completed .ipynb files.")
        if len(found) > MOST_FILES:
            raise UsageError(f"{shown}: holds more than {MOST_FILES} notebooks.", "Score them in parts.")
        paths = [Path("remote") / f"{len(self._files) + n:06}" / _own_name(item.name) for n, item in enumerate(found)]
        self._files |= dict(zip(paths, found, strict=True))
        return paths

    def holds(self, path: Path) -> bool:
        """Whether a path is one of ours."""
        return path in self._files

    def read(self, path: Path) -> bytes:
        """The bytes of a notebook.

        Raises:
            SubmissionError: `not_a_file`, `too_large`, or `unreadable` when its store fails twice.
        """
        item = self._files[path]
        if not item.is_file:
            raise _refused(path, "not_a_file")
        if item.size is not None and item.size > SIZE_MAX:
            raise _refused(path, "too_large")
        for _ in range(_TRIES):
            try:
                data = _bounded(item)
            except FileNotFoundError:
                raise _refused(path, "not_a_file") from None
            except Exception:  # noqa: S112 - each driver has its own; the row says that it could not be read
                continue
            if len(data) > SIZE_MAX:  # the listing said otherwise
                raise _refused(path, "too_large")
            return data
        raise _refused(path, "unreadable")


def _bounded(item: _Listed) -> bytes:
    """The bytes of a file, at most one more than a notebook may have."""
    parts, left = [], SIZE_MAX + 1
    with item.system.open(item.name, "rb") as stream:
        while left > 0 and (part := stream.read(min(left, 4_000_000))):
            parts.append(bytes(part))
            left -= len(part)
    return b"".join(parts)[: SIZE_MAX + 1]


def _refused(path: Path, reason: str) -> SubmissionError:
    return SubmissionError(shown_name(path), reason, *REASONS[reason])


def _notebooks(system: Any, root: str, entries: Iterable[Mapping[str, Any]]) -> list[_Listed]:
    """Of a listing what lies in the folder itself and is called like a notebook."""
    folder = root.rstrip("/")
    found = [_listed(system, entry) for entry in entries if isinstance(entry.get("name"), str)]
    inside = [item for item in found if item.name.rpartition("/")[0] == folder and is_handed_in(_last(item.name))]
    return sorted(inside, key=lambda item: os.fsencode(_last(item.name)))


def _listed(system: Any, entry: Mapping[str, Any]) -> _Listed:
    size = entry.get("size")
    is_file = entry.get("type") == "file" and not entry.get("islink", False)
    return _Listed(system, str(entry["name"]), size if isinstance(size, int) else None, is_file)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _own_name(name: str) -> str:
    """The last part of a name as a file could be called; what it says is shown escaped everywhere, as with any file."""
    plain = _last(name).replace("\0", "").replace("\\", "_")[-NAME_MAX:]
    return plain if plain not in ("", ".", "..") else "notebook.ipynb"


def _silent(url: str, error: Exception) -> DataError:
    fact = f"the store does not answer as it should ({type(error).__name__})"
    return DataError(visible(url), fact, "Check address, rights and network, then run the same command again: it goes on where it was.")


class RemoteOut:
    """An output folder in a store: a copy here while a batch runs, brought back as submissions are done and at the end.

    One batch at a time: a store has no lock. Only names that an output folder has are taken from it.
    """

    def __init__(self, url: str) -> None:
        if not is_remote(url):
            raise UsageError(f"{visible(url)}: nothing can be written there.", "Name a folder, or s3://BUCKET/FOLDER or the like, with --out.")
        self._url, (self._system, root) = url, _opened(url)
        self._root = root.rstrip("/")
        self._known: dict[str, str] = {}
        """Name -> sha256 of what lies in the store."""

    def __enter__(self) -> RemoteOut:
        self._held = HeldFolder("out", tempfile.gettempdir(), 0o700)
        self.path = self._held.path
        try:
            self._pull()
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._held.close()

    def named(self, inside: str) -> str:
        """The address of a file, as people are told it."""
        return f"{self._url.rstrip('/')}/{inside}"

    def _pull(self) -> None:
        try:
            self._system.invalidate_cache()
            self._system.makedirs(self._root, exist_ok=True)
            entries = self._system.find(self._root, detail=True)
            wanted = {name: entry for entry in entries.values() if (name := _ours(self._root, entry)) is not None}
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._bring, wanted, wanted.values()))
        except DataError:
            raise
        except Exception as error:  # each driver has its own
            raise _silent(self._url, error) from None

    def _bring(self, name: str, entry: Mapping[str, Any]) -> None:
        data = self._system.cat_file(entry["name"])
        write_whole(self.path / name, data)
        self._known[name] = _sha256(data)

    def keep(self, done: Done) -> None:
        """Bring a submission's files to the store; what says that it is done comes last.

        Raises:
            DataError: If the store does not take them.
        """
        from reviewkit.completed import files_of

        if done.row.sha256 and not done.reused:
            *files, note = files_of(OutFolder(self.path), done.row.sha256) or [""]
            inside = {f"{part}/{done.row.sha256}.json" for part in ("identities", "owners")}
            self._push([*files, *sorted(inside), *_below(self.path, ("baselines", "keys"))])
            self._push([note] if note else [])

    def finish(self) -> None:
        """Bring everything to the store that is not there as it is here.

        Raises:
            DataError: If the store does not take it.
        """
        _one_file(self.path / STORE)
        self._push([*_below(self.path, _FOLDERS), *sorted(name for name in _TOP if (self.path / name).is_file())])

    def _push(self, names: Sequence[str]) -> None:
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(self._put, names))
        except Exception as error:  # each driver has its own
            raise _silent(self._url, error) from None

    def _put(self, name: str) -> None:
        try:
            data = (self.path / name).read_bytes()
        except FileNotFoundError:
            return
        if self._known.get(name) != _sha256(data):
            target = f"{self._root}/{name}"
            self._system.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._system.pipe_file(target, data)
            self._known[name] = _sha256(data)


def _ours(root: str, entry: Mapping[str, Any]) -> str | None:
    """Name in the output folder of a file that a store lists; None where it is none of ours.

    Raises:
        DataError: If it is larger than any that reviewkit writes.
    """
    full = str(entry.get("name", ""))
    name = full.removeprefix(f"{root}/")
    if name == full or entry.get("type") != "file" or entry.get("islink") or not (name in _TOP or _INSIDE.fullmatch(name)):
        return None
    if name not in _LARGE and (not isinstance(entry.get("size"), int) or entry["size"] > FILE_MAX):
        raise DataError(visible(full), "is larger than any file that reviewkit writes", "Move it away, or name another with --out.")
    return name


def _below(out: Path, folders: Iterable[str]) -> list[str]:
    """Files of an output folder's folders that may lie in a store."""
    found = (f"{folder}/{path.name}" for folder in folders for path in (out / folder).glob("*") if path.is_file())
    return sorted(name for name in found if _INSIDE.fullmatch(name))


def _one_file(store: Path) -> None:
    """Put what a database keeps beside itself into its one file."""
    if store.is_file():
        with sqlite3.connect(store) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
