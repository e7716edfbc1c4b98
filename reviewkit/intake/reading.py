"""What the intake answers from: records, receipts and lists, as plain functions of a reading connection."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from sqlalchemy import Column, func, select
from sqlalchemy.engine import Connection

from reviewkit.intake.rows import head_in
from reviewkit.intake.tables import EVENTS, INVITES, SUBMISSIONS

PAGE_BYTES: Final = 2_000_000
PAGE_ROWS: Final = 500
STREAM_ROWS: Final = 100
Facts = dict[str, Any]

_SUBMISSION: Final = (
    SUBMISSIONS.c.id, SUBMISSIONS.c.candidate, SUBMISSIONS.c.invite, SUBMISSIONS.c.slug, SUBMISSIONS.c.version,
    SUBMISSIONS.c.idempotency_key, SUBMISSIONS.c.sha256, SUBMISSIONS.c.receipt, SUBMISSIONS.c.received_at, SUBMISSIONS.c.size,
)  # fmt: skip


def record_page(connection: Connection, invite: str, record: str, after: int) -> Facts | None:
    """Events of a record after a number, as many as fit one answer; None when nothing of it is stored."""
    head = head_in(connection, invite, record)
    if not head.seq:
        return None
    where = (EVENTS.c.invite == invite, EVENTS.c.record == record, EVENTS.c.seq > after)
    query = select(EVENTS.c.line).where(*where).order_by(EVENTS.c.seq).limit(PAGE_ROWS)
    events: list[Facts] = []
    size = 0
    for row in connection.execute(query):
        size += len(row.line)
        if events and size > PAGE_BYTES:
            break
        events.append(json.loads(row.line))
    last = events[-1]["seq"] if events else max(after, head.seq)
    return {"record": record, "count": head.seq, "head": head.hash, "events": events, "more": last < head.seq}


def records_of(connection: Connection, invite: str) -> list[Facts]:
    """Every record of an invite with the end of its chain."""
    last = (
        select(EVENTS.c.record, func.max(EVENTS.c.seq).label("n"))
        .where(EVENTS.c.invite == invite)
        .group_by(EVENTS.c.record)
        .subquery()
    )
    where = (EVENTS.c.invite == invite, EVENTS.c.record == last.c.record, EVENTS.c.seq == last.c.n)
    rows = connection.execute(
        select(EVENTS.c.record, EVENTS.c.seq, EVENTS.c.hash).where(*where).order_by(EVENTS.c.record)
    )
    return [{"record": row.record, "count": row.seq, "head": row.hash} for row in rows]


def submission_facts(row: Any) -> Facts:
    """A stored submission without its body."""
    return dict(row._mapping)


def receipt_facts(connection: Connection, receipt: str, invite: str | None) -> Facts | None:
    """What a receipt proves; None when there is none, or when it is of another invite than the one given."""
    query = select(*_SUBMISSION).where(SUBMISSIONS.c.receipt == receipt)
    if invite is not None:
        query = query.where(SUBMISSIONS.c.invite == invite)
    row = connection.execute(query).first()
    return submission_facts(row) if row else None


def submissions_page(connection: Connection, invite: str | None, after: int) -> list[Facts]:
    """Submissions after an id, oldest first."""
    query = select(*_SUBMISSION).where(SUBMISSIONS.c.id > after).order_by(SUBMISSIONS.c.id).limit(PAGE_ROWS)
    if invite is not None:
        query = query.where(SUBMISSIONS.c.invite == invite)
    return [submission_facts(row) for row in connection.execute(query)]


def submission_body(connection: Connection, receipt: str) -> bytes | None:
    """The completed notebook of a receipt."""
    body: bytes | None = connection.execute(
        select(SUBMISSIONS.c.body).where(SUBMISSIONS.c.receipt == receipt)
    ).scalar_one_or_none()
    return body


def invite_states(connection: Connection) -> list[Facts]:
    """Each invite that something was received with, oldest first: how much, and when last."""
    events, handed_in = _counts(connection, EVENTS.c.invite), _counts(connection, SUBMISSIONS.c.invite)
    columns = (
        INVITES.c.invite,
        INVITES.c.candidate,
        INVITES.c.slug,
        INVITES.c.version,
        INVITES.c.exp,
        INVITES.c.first_at,
        INVITES.c.last_at,
    )
    rows = connection.execute(select(*columns).order_by(INVITES.c.first_at, INVITES.c.invite))
    return [
        {**row._mapping, "events": events.get(row.invite, 0), "submissions": handed_in.get(row.invite, 0)}
        for row in rows
    ]


def _counts(connection: Connection, column: Column[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(column, func.count()).group_by(column))}


def happenings(
    connection: Connection, after_event: int, after_submission: int, invite: str | None = None
) -> list[tuple[int, int, str, Facts]]:
    """What came after two ids, of all invites or of one: new ids of both kinds, `event` or `submission`, and the facts."""
    found: list[tuple[int, int, str, Facts]] = []
    query = select(EVENTS).where(EVENTS.c.id > after_event).order_by(EVENTS.c.id).limit(STREAM_ROWS)
    if invite is not None:
        query = query.where(EVENTS.c.invite == invite)
    at = after_event
    for row in connection.execute(query):
        at = row.id
        facts = {
            "invite": row.invite,
            "record": row.record,
            "received_at": row.received_at,
            "event": json.loads(row.line),
        }
        found.append((at, after_submission, "event", facts))
    newer = (
        select(*_SUBMISSION).where(SUBMISSIONS.c.id > after_submission).order_by(SUBMISSIONS.c.id).limit(STREAM_ROWS)
    )
    if invite is not None:
        newer = newer.where(SUBMISSIONS.c.invite == invite)
    return found + [(at, row.id, "submission", submission_facts(row)) for row in connection.execute(newer)]


def sha256_of(body: bytes) -> str:
    """SHA-256 (hex) of a body."""
    return hashlib.sha256(body).hexdigest()
