"""Where this user's own data of reviewkit lies: parts that `reviewkit setup` gets, which no environment owns, and caches."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder(part: str) -> Path:
    """`reviewkit/<part>` in the user's data folder (`XDG_DATA_HOME`, else `~/.local/share`); it may not exist yet."""
    home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return home / "reviewkit" / part


def cache_folder(part: str) -> Path:
    """`reviewkit/<part>` in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`); it may not exist yet."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "reviewkit" / part


def is_private(path: Path) -> bool:
    """Whether this is a folder of this user that nobody else may enter."""
    try:
        facts = path.lstat()
    except OSError:
        return False
    return path.is_dir() and not path.is_symlink() and facts.st_uid == os.geteuid() and facts.st_mode & 0o077 == 0
