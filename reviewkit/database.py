"""Databases by path or URL: which one a text names."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from reviewkit.errors import UsageError
from reviewkit.storeplace import STORE_VARIABLE, store_of


def database_url(place: str) -> str:
    """SQLAlchemy URL of a path or of a URL.

    Raises:
        UsageError: If it is a URL that names no async driver that we use; the message repeats nothing of it.
    """
    if "://" not in place:
        return f"sqlite+aiosqlite:///{Path(place).absolute()}"
    try:
        driver = make_url(place).drivername
    except ArgumentError:
        driver = ""
    if driver in ("postgresql", "postgres", "postgresql+asyncpg"):
        return "postgresql+asyncpg" + place[place.index("://") :]
    if driver != "sqlite+aiosqlite":
        raise UsageError("This database URL cannot be used.", "Give a path (SQLite) or postgresql://user@host/name.")
    return place


def sqlite_path(url: str) -> Path | None:
    """File of a SQLite URL; None for another database."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def store_url(place: str | None, out: Path) -> str:
    """URL of the hiring side's store: as given, else `REVIEWKIT_STORE`, else the output folder's own."""
    named = place or os.environ.get(STORE_VARIABLE)
    return database_url(named) if named else store_of(out)
