"""Collecting from an intake: completed notebooks as files with names of our own, ready to be scored."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from reviewkit.collect import write_whole
from reviewkit.errors import IntakeError, UsageError
from reviewkit.intake.client import HIRING_VARIABLE, IntakeClient
from reviewkit.outfolder import OutFolder

FOLDER: Final = "fetched"


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came from an intake."""

    paths: tuple[Path, ...]
    """The newest submission of each invite, in the order received."""
    candidates: dict[Path, str]
    """Whose each file is: the invite decides, not the file."""
    notes: tuple[str, ...]
    """One sentence for each candidate who handed in more than once."""


def newest(rows: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The newest submission of each invite, in the order received, and a sentence for each invite with several; pure."""
    by_invite: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: int(row["id"])):
        by_invite.setdefault(str(row["invite"]), []).append(row)
    notes = tuple(
        f"{group[-1]['candidate']} handed in {len(group)} different files; the newest is scored, all are kept."
        for group in by_invite.values()
        if len({row["sha256"] for row in group}) > 1
    )
    return sorted((group[-1] for group in by_invite.values()), key=lambda row: int(row["id"])), notes


async def fetch(client: IntakeClient, out: Path) -> Fetched:
    """Fetch what is not there yet.

    Args:
        client: With a hiring-side token.
        out: Output folder; files go to `fetched/` in it.

    Raises:
        IntakeError: If the intake cannot be reached, refuses, or sends other bytes than it promised.
    """
    rows, notes = newest(await client.submissions())
    candidates: dict[Path, str] = {}
    for row in rows:
        path = out / FOLDER / f"{row['slug']}-{row['candidate']}-{row['receipt'][2:14]}.ipynb"
        if not path.is_file() or _sha256(path.read_bytes()) != row["sha256"]:
            body = await client.notebook(row["receipt"])
            if _sha256(body) != row["sha256"]:
                fact = f"The intake sent other bytes for {row['receipt']} than it stored"
                raise IntakeError("damaged", fact, "Run on its machine: reviewkit intake verify")
            write_whole(path, body)
        OutFolder(out).know_owner(str(row["sha256"]), str(row["candidate"]))
        candidates[path] = str(row["candidate"])
    return Fetched(tuple(candidates), candidates, notes)


async def fetch_from(address: str, out: Path) -> Fetched:
    """Fetch from an address with the token of `REVIEWKIT_INTAKE_TOKEN`.

    Raises:
        UsageError: If there is no token, or nothing was handed in.
        IntakeError: As `fetch`.
    """
    token = os.environ.get(HIRING_VARIABLE, "")
    if not token:
        raise UsageError(
            f"{HIRING_VARIABLE} is not set.", "Make a token on the intake's machine: reviewkit intake token create NAME"
        )
    async with IntakeClient(address, token) as client:
        found = await fetch(client, out)
    if not found.paths:
        raise UsageError("Nothing was handed in at this intake yet.", "Try again later.")
    return found


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
