"""Invites in the hiring side's store: an append-only list of changes; what an invite is now is their fold.

Claims are kept, not tokens: a copy of the store opens no workbook without the signing key.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Column, Integer, Table, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from reviewkit.database import sqlite_path
from reviewkit.errors import UsageError
from reviewkit.invite import Invite
from reviewkit.store import METADATA, told, writing

Change = Literal["created", "extended", "revoked"]
State = Literal["open", "expired", "revoked"]
Work = Callable[[AsyncConnection], Awaitable[None]]

CHANGES: Final = Table(
    "invite_changes",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("invite", Text, nullable=False, index=True),
    Column("candidate", Text, nullable=False, index=True),
    Column("change", Text, nullable=False),
    Column("at", Integer, nullable=False),
    Column("claims", Text, nullable=False),
)


@dataclass(frozen=True, slots=True)
class InviteChange:
    """One line of an invite's history."""

    invite: Invite
    """As it stands after the change."""
    change: Change
    at: int
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class KnownInvite:
    """What an invite is now."""

    invite: Invite
    created: int
    revoked_at: int | None = None
    extended_n: int = 0

    def state(self, now: float) -> State:
        """Whether it can be used at this time."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if now >= self.invite.exp else "open"


def fold_invites(changes: Iterable[InviteChange]) -> list[KnownInvite]:
    """Invites as their changes leave them, in the order in which they were created; pure."""
    known: dict[str, KnownInvite] = {}
    for entry in changes:
        before = known.get(entry.invite.id)
        if before is None:
            known[entry.invite.id] = KnownInvite(entry.invite, entry.at)
        elif entry.change == "revoked":
            known[entry.invite.id] = KnownInvite(before.invite, before.created, entry.at, before.extended_n)
        else:
            known[entry.invite.id] = KnownInvite(entry.invite, before.created, before.revoked_at, before.extended_n + 1)
    return list(known.values())


class InviteStore:
    """The invites of one store.

    Args:
        url: As `reviewkit.database.store_url` gives it.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    async def add(self, changes: Sequence[InviteChange]) -> None:
        """Store changes in one transaction.

        Raises:
            DataError: If the store cannot be written.
        """
        rows = [
            {
                "invite": entry.invite.id,
                "candidate": entry.invite.candidate,
                "change": entry.change,
                "at": entry.at,
                "claims": json.dumps(entry.invite.model_dump(mode="json"), sort_keys=True),
            }
            for entry in changes
        ]

        async def work(connection: AsyncConnection) -> None:
            if rows:
                await connection.execute(CHANGES.insert(), rows)

        await self._run(work)

    async def all(self) -> list[KnownInvite]:
        """Every invite.

        Raises:
            DataError: If the store cannot be read.
        """
        found: list[InviteChange] = []

        async def work(connection: AsyncConnection) -> None:
            for row in await connection.execute(select(CHANGES).order_by(CHANGES.c.id)):
                found.append(InviteChange(Invite.model_validate_json(row.claims), row.change, row.at))  # noqa: PERF401

        await self._run(work)
        return fold_invites(found)

    async def get(self, invite: str) -> KnownInvite:
        """The invite with this id.

        Raises:
            UsageError: If there is none.
            DataError: If the store cannot be read.
        """
        found = next((known for known in await self.all() if known.invite.id == invite), None)
        if found is None:
            raise UsageError("No invite has this id.", "See them all: reviewkit invite list")
        return found

    async def purge(self, candidate: str) -> int:
        """Delete every trace of a candidate's invites; the number of changes deleted."""
        gone = 0

        async def work(connection: AsyncConnection) -> None:
            nonlocal gone
            gone = (await connection.execute(delete(CHANGES).where(CHANGES.c.candidate == candidate))).rowcount

        await self._run(work)
        return gone

    async def _run(self, work: Work) -> None:
        path = sqlite_path(self.url)
        if path is not None:
            with told(self.url):
                path.parent.mkdir(parents=True, exist_ok=True)
        async with writing(self.url) as connection:
            await work(connection)

