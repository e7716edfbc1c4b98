"""Where an output folder keeps its rows and decisions: in `store.sqlite`, or on a server that it remembers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewkit.collect import write_whole
from reviewkit.errors import DataError, UsageError

STORE: Final = "store.sqlite"
PLACE: Final = "store.json"
"""`{"url": ...}` of a store elsewhere, without its password."""
STORE_VARIABLE: Final = "REVIEWKIT_STORE"


def store_of(out: Path) -> str:
    """SQLAlchemy URL of a folder's store.

    A password is not kept in the folder: it is that of REVIEWKIT_STORE where this names the same store, else what the driver
    finds by itself (PGPASSWORD, the password file of the user).

    Raises:
        DataError: If the folder's note of its store cannot be read.
    """
    try:
        kept = json.loads((out / PLACE).read_text("utf-8"))["url"]
    except FileNotFoundError:
        return f"sqlite+aiosqlite:///{out.resolve() / STORE}"
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(f"{out / PLACE}", "does not say where the store is", "Delete it and name the store again: reviewkit score --store URL") from None
    from reviewkit.database import database_url

    known = os.environ.get(STORE_VARIABLE, "")
    if "://" in known and _public(database_url(known)) == kept:
        return database_url(known)
    return database_url(kept)


def choose_store(out: Path, place: str, ready: Callable[[str], None] = lambda _url: None) -> None:
    """Let a folder keep its rows on a server from now on.

    Args:
        out: Output folder, which exists.
        place: URL of the store.
        ready: Called with the SQLAlchemy URL before the folder remembers it; what it raises leaves the folder as it was.

    Raises:
        UsageError: If it is no URL of a server, or the folder has rows elsewhere, which would no longer be seen.
    """
    from reviewkit.database import database_url, sqlite_path

    url = database_url(place)
    if "://" not in place or sqlite_path(url) is not None:
        raise UsageError("--store names no server.", "Give postgresql://user@host/name; without it OUT/store.sqlite is used.")
    if (out / STORE).exists():
        raise UsageError(f"{out}: keeps its rows in {STORE}.", "Leave --store out, or name a new folder with --out.")
    if (out / PLACE).exists() and _public(store_of(out)) != _public(url):
        raise UsageError(f"{out}: keeps its rows in another store.", "Leave --store out, or name a new folder with --out.")
    ready(url)
    write_whole(out / PLACE, json.dumps({"url": _public(url)}).encode())


def _public(url: str) -> str:
    """A URL without its password, which may also stand behind the question mark."""
    from sqlalchemy.engine import URL, make_url

    full = make_url(url)
    rest = {name: value for name, value in full.query.items() if name != "password"}
    return URL.create(full.drivername, full.username, None, full.host, full.port, full.database, rest).render_as_string()
