"""Rows of the intake: what one request inserts or deletes, as plain functions of a connection in a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from reviewkit.errors import IntakeError
from reviewkit.event import Event, Head
from reviewkit.intake.acceptance import Accepted, accept
from reviewkit.intake.limits import INVITE_BYTES_MAX, RECORDS_MAX
from reviewkit.intake.receipts import Entry
from reviewkit.intake.tables import CHANGES, EVENTS, INVITES, SUBMISSIONS
from reviewkit.invite import Invite


@dataclass(frozen=True, slots=True)
class Bearer:
    """A verified invite and the hash of the token that proved it."""

    invite: Invite
    token_sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a completed notebook is stored."""

    receipt: str
    sha256: str
    received_at: str
    size: int
    is_new: bool = True
    """False: the same submission was received before; this is its receipt."""


def known_submission(connection: Connection, invite: str, key: str, sha256: str) -> Receipt | None:
    """Receipt of a submission that is stored under this key, if any.

    Raises:
        IntakeError: 409 `conflict` when it has other bytes.
    """
    columns = (SUBMISSIONS.c.receipt, SUBMISSIONS.c.sha256, SUBMISSIONS.c.received_at, SUBMISSIONS.c.size)
    where = (SUBMISSIONS.c.invite == invite, SUBMISSIONS.c.idempotency_key == key)
    row = connection.execute(select(*columns).where(*where)).first()
    if row is None:
        return None
    if row.sha256 != sha256:
        fact = "This key belongs to another submission of yours"
        raise IntakeError("conflict", fact, "Send it again under a key of its own.", 409)
    return Receipt(row.receipt, row.sha256, row.received_at, row.size, is_new=False)


def insert_submission(
    connection: Connection, entries: list[Entry], bearer: Bearer, key: str, body: bytes, made: Receipt
) -> Receipt:
    """Insert a completed notebook with the receipt made for it, or give back the receipt that it has.

    Raises:
        IntakeError: 409 `conflict`, 429 `quota`.
    """
    invite = bearer.invite
    known = known_submission(connection, invite.id, key, made.sha256)
    if known is not None:
        return known
    charge(connection, bearer, made.size, made.received_at)
    values = {
        "candidate": invite.candidate, "invite": invite.id, "slug": invite.slug, "version": invite.version,
        "idempotency_key": key, "sha256": made.sha256, "receipt": made.receipt, "received_at": made.received_at,
        "size": made.size, "body": body,
    }  # fmt: skip
    connection.execute(SUBMISSIONS.insert().values(**values))
    entries.append({"kind": "submission", "receipt": made.receipt, "invite": invite.id, "sha256": made.sha256})
    return made


def insert_events(
    connection: Connection, entries: list[Entry], bearer: Bearer, record: str, batch: Sequence[Event], at: str
) -> Accepted:
    """Insert those events of a batch that are new.

    Raises:
        IntakeError: As `accept`; 429 `quota`.
    """
    invite = bearer.invite.id
    head = head_in(connection, invite, record)
    stored = _hashes(connection, invite, record, [event.seq for event in batch if event.seq <= head.seq])
    accepted = accept(head, stored, batch)
    if not accepted.new:
        return accepted
    if not head.seq:
        _one_more_record(connection, invite)
    lines = [event.line().rstrip(b"\n") for event in accepted.new]
    charge(connection, bearer, sum(map(len, lines)), at)
    values = [
        {"invite": invite, "record": record, "seq": e.seq, "hash": e.hash, "received_at": at, "line": line}
        for e, line in zip(accepted.new, lines, strict=True)
    ]
    connection.execute(EVENTS.insert(), values)
    seq, hash_ = accepted.head
    entries.append({"kind": "events", "invite": invite, "record": record, "seq": seq, "hash": hash_})
    return accepted


def insert_change(connection: Connection, entries: list[Entry], invite: str, change: str, exp: int, at: str) -> None:
    """Note that an invite was withdrawn or prolonged."""
    result = connection.execute(CHANGES.insert().values(invite=invite, change=change, exp=exp, at=at))
    key: Any = result.inserted_primary_key
    entries.append({"kind": "change", "id": key[0]})


def delete_candidate(connection: Connection, entries: list[Entry], candidate: str, at: str) -> dict[str, int]:
    """Delete a candidate's rows and withdraw the invites.

    Returns:
        How many invites, events, submissions and bytes are gone.
    """
    gone = {"invites": 0, "events": 0, "submissions": 0, "bytes": 0}
    query = select(INVITES.c.invite, INVITES.c.bytes_stored).where(INVITES.c.candidate == candidate)
    for invite, bytes_n in connection.execute(query).all():
        for table, name in ((EVENTS, "events"), (SUBMISSIONS, "submissions"), (INVITES, "invites")):
            gone[name] += connection.execute(table.delete().where(table.c.invite == invite)).rowcount
        gone["bytes"] += bytes_n
        entries.append({"kind": "purged", "invite": invite})
        insert_change(connection, entries, invite, "revoked", 0, at)
    return gone


def charge(connection: Connection, bearer: Bearer, bytes_n: int, at: str) -> None:
    """Count bytes against the invite's share of the disk; its row is made by the first.

    Raises:
        IntakeError: 429 `quota`.
    """
    invite = bearer.invite
    row = connection.execute(select(INVITES.c.bytes_stored).where(INVITES.c.invite == invite.id)).first()
    total = bytes_n + (row[0] if row else 0)
    if total > INVITE_BYTES_MAX:
        fact = f"This invite holds {INVITE_BYTES_MAX // 1_000_000} MB already, so nothing was accepted"
        raise IntakeError("quota", fact, "Tell the people who invited you.", 429)
    values: dict[str, Any] = {
        "bytes_stored": total, "last_at": at, "token_sha256": bearer.token_sha256, "exp": invite.exp,
    }  # fmt: skip
    if row:
        connection.execute(INVITES.update().where(INVITES.c.invite == invite.id).values(**values))
        return
    values |= {"invite": invite.id, "candidate": invite.candidate, "slug": invite.slug, "version": invite.version}
    connection.execute(INVITES.insert().values(first_at=at, **values))


def head_in(connection: Connection, invite: str, record: str) -> Head:
    """End of a stored record."""
    where = (EVENTS.c.invite == invite, EVENTS.c.record == record)
    query = select(EVENTS.c.seq, EVENTS.c.hash).where(*where).order_by(EVENTS.c.seq.desc()).limit(1)
    row = connection.execute(query).first()
    return Head(row.seq, row.hash) if row else Head()


def _hashes(connection: Connection, invite: str, record: str, numbers: list[int]) -> dict[int, str]:
    if not numbers:
        return {}
    where = (
        EVENTS.c.invite == invite, EVENTS.c.record == record,
        EVENTS.c.seq >= min(numbers), EVENTS.c.seq <= max(numbers),
    )  # fmt: skip
    wanted = set(numbers)
    found = connection.execute(select(EVENTS.c.seq, EVENTS.c.hash).where(*where))
    return {row.seq: row.hash for row in found if row.seq in wanted}


def _one_more_record(connection: Connection, invite: str) -> None:
    count = select(func.count(EVENTS.c.record.distinct())).where(EVENTS.c.invite == invite)
    if connection.execute(count).scalar_one() >= RECORDS_MAX:
        raise IntakeError("quota", f"This invite has {RECORDS_MAX} records already", "Go on in one of them.", 429)
