"""Finds the files of a batch and stages copies of them under names of our own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reviewkit.errors import UsageError
from reviewkit.safe_text import visible


def notebooks(paths: Iterable[Path]) -> list[Path]:
    """Files to score, in a fixed order: named files as they are, of a folder its `*.ipynb` (no dot files, no sub-folders).

    Raises:
        UsageError: If a path does not exist or a folder holds no notebook.
    """
    found: list[Path] = []
    for path in paths:
        shown = visible(str(path))
        if not os.access(path.parent, os.X_OK):
            raise UsageError(f"{shown}: its folder cannot be entered.", "Name a folder that you may read.")
        if path.is_dir():
            inside = _inside(path, shown)
            if not inside:
                raise UsageError(f"{shown}: no notebooks in this folder.", "Name the folder that holds completed .ipynb files.")
            found += inside
        elif os.path.lexists(path):
            found.append(path)
        else:
            raise UsageError(f"{shown}: there is no such file.", "Name completed notebooks or a folder of them.")
    return list(dict.fromkeys(found))


def is_handed_in(name: str) -> bool:
    """Whether a file of a folder is called like a notebook; what file managers (`._a.ipynb`) and Jupyter while it saves (`.~a.ipynb`)
    put beside one is not. Other names that begin with a dot count: a candidate's file must not be passed over in silence."""
    return name.endswith(".ipynb") and not name.startswith(("._", ".~"))


def _inside(folder: Path, shown: str) -> list[Path]:
    try:
        every = list(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{shown}: cannot be listed ({error.strerror}).", "Name a folder that you may read.") from None
    return sorted((p for p in every if is_handed_in(p.name)), key=lambda p: os.fsencode(p.name))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it: temporary file in the same folder, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
