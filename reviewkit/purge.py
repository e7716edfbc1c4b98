"""Deleting a person's data for good: store, output folder, and the intake."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import MetaData, inspect, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from reviewkit import batchlog
from reviewkit.collect import write_whole
from reviewkit.errors import DataError
from reviewkit.ledger import erasable
from reviewkit.store import open_engine

_SUMMARIES: Final = ("cohort.csv", "cohort.html")
_STEM: Final = 12
"""Characters of a hash that file names begin or end with."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What went."""

    rows: dict[str, int]
    """Table -> rows."""
    files: tuple[str, ...]
    """Relative to the output folder."""
    invites: tuple[str, ...]
    """Ids of the candidate's invites."""


async def purge_store(url: str, candidate: str, hashes: Iterable[str]) -> tuple[dict[str, int], set[str], set[str]]:
    """Delete every row of a store that belongs to a candidate, in whatever table, and give back its space.

    Args:
        url: Of the store, which exists.
        candidate: Opaque id.
        hashes: SHA-256 of the candidate's submissions as far as files tell.

    Returns:
        Rows deleted by table, hashes of all the candidate's submissions, ids of the candidate's invites.

    Raises:
        DataError: If the store cannot be written.
    """
    engine = open_engine(url, writes=True)
    known, invites = set(hashes), set[str]()
    try:
        async with engine.begin() as connection:
            gone = await connection.run_sync(_purge, candidate, known, invites)
        if engine.dialect.name == "sqlite":
            async with engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None  # noqa: S101 - the connection is open
                for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    await (await driver.execute(statement)).fetchall()
    except DBAPIError as error:
        fact = f"the store could not be purged ({type(error.orig).__name__})"
        raise DataError(
            "the store", fact, "Nothing of it is gone, or run it again: it goes on where it ended."
        ) from None
    finally:
        await engine.dispose()
    return gone, known, invites


def _purge(connection: Connection, candidate: str, hashes: set[str], invites: set[str]) -> dict[str, int]:
    with erasable(connection):
        return _delete(connection, candidate, hashes, invites)


def _delete(connection: Connection, candidate: str, hashes: set[str], invites: set[str]) -> dict[str, int]:
    """Delete by candidate and by hash; fills in further hashes and invites that the rows name."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    meta = MetaData()
    meta.reflect(
        connection, only=[name for name in inspect(connection).get_table_names() if not name.startswith("intake_")]
    )
    for table in meta.tables.values():
        if "candidate" in table.c and "sha256" in table.c:
            hashes |= set(connection.execute(select(table.c.sha256).where(table.c.candidate == candidate)).scalars())
        if "candidate" in table.c and "invite" in table.c:
            invites |= set(connection.execute(select(table.c.invite).where(table.c.candidate == candidate)).scalars())
    hashes.discard("")
    gone = {}
    for table in meta.tables.values():
        n = 0
        if "candidate" in table.c:
            n += connection.execute(table.delete().where(table.c.candidate == candidate)).rowcount
        if "sha256" in table.c and hashes:
            n += connection.execute(table.delete().where(table.c.sha256.in_(hashes))).rowcount
        if n:
            gone[table.name] = n
    return gone


def hashes_in(out: Path, candidate: str) -> set[str]:
    """Hashes of a candidate's submissions by the rows in an output folder."""
    found = set()
    for path in (out / "rows").glob("*.json"):
        try:
            row = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(row, dict) and row.get("candidate") == candidate:
            found.add(path.stem)
    return found


def purge_files(out: Path, candidate: str, hashes: set[str]) -> tuple[str, ...]:
    """Delete every file of an output folder that belongs to a candidate; their names, relative to it.

    The cohort's pages hold everybody's rows, so they go as a whole and come back with the next scoring, from the rows of
    the others.

    Raises:
        DataError: If a file could not be deleted.
    """
    stems = {value[:_STEM] for value in hashes}
    gone = []
    for path in sorted(p for p in out.rglob("*") if p.is_file() or p.is_symlink()):
        is_own = any(stem in path.name for stem in stems) or _is_fetched(path, out, candidate)
        if is_own or (path.parent == out and path.name in _SUMMARIES and (stems or _mentions(path, candidate))):
            try:
                path.unlink()
            except OSError as error:
                raise DataError(str(path), f"could not be deleted ({error.strerror})", "Delete it yourself.") from None
            gone.append(str(path.relative_to(out)))
    _purge_log(out / batchlog.NAME, hashes)
    return (*gone, *_purge_cohort(out / "cohort.json", candidate, hashes))


def _purge_log(path: Path, hashes: set[str]) -> None:
    """Take the lines about a candidate's submissions out of what was noted of batches."""
    try:
        lines = path.read_text("utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        raise DataError(str(path), "cannot be read, so lines in it could not be deleted", "Delete it yourself.") from None
    write_whole(path, "".join(line for line in lines if not any(value in line for value in hashes)).encode())


def _purge_cohort(path: Path, candidate: str, hashes: set[str]) -> tuple[str, ...]:
    """Take a candidate's rows out of those that the cohort shows, also rows of files that could not be scored but name them."""
    try:
        rows = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ()
    except (OSError, ValueError):
        raise DataError(str(path), "cannot be read, so rows in it could not be deleted", "Delete it yourself.") from None
    kept = [r for r in rows if not (r["candidate"] == candidate or r["sha256"] in hashes or _is_named(r["file"], candidate))]
    # Marks name other submissions by hash; the next scoring finds those that are left again.
    kept = [row | {"batch_marks": "", "batch_words": ""} for row in kept]
    write_whole(path, json.dumps(kept, indent=1).encode())
    return () if len(kept) == len(rows) else (path.name,)


def _is_fetched(path: Path, out: Path, candidate: str) -> bool:
    """Whether an intake's file of this candidate lies there: `<slug>-<candidate>-<12 of the receipt>.ipynb`."""
    if path.parent != out / "fetched":
        return False
    return _is_named(path.name, candidate)


def _is_named(file: str, candidate: str) -> bool:
    """Whether a file is called after a candidate, as an intake does it or whoever named it by the id alone."""
    name = file.removesuffix(".ipynb")
    return name == candidate or name[:-13].endswith(f"-{candidate}")


def _mentions(path: Path, candidate: str) -> bool:
    return candidate.encode() in path.read_bytes()
