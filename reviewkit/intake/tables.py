"""Tables of the intake's database; the same for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA: Final = 1
"""Version of these tables, kept in `SERVICE`."""
META: Final = MetaData()
_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself in SQLite

SERVICE: Final = Table(
    "intake_service",
    META,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)
"""`id` of this database, `schema`, `secret` of the receipts."""

INVITES: Final = Table(
    "intake_invites",
    META,
    Column("invite", String(40), primary_key=True),
    Column("candidate", String(80), nullable=False, index=True),
    Column("slug", String(60), nullable=False),
    Column("version", String(30), nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("exp", BigInteger, nullable=False),
    Column("first_at", String(24), nullable=False),
    Column("last_at", String(24), nullable=False),
    Column("bytes_stored", BigInteger, nullable=False),
)
"""Invites that something was received with. `bytes_stored` is what they hold of their share of the disk."""

EVENTS: Final = Table(
    "intake_events",
    META,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("invite", String(40), nullable=False),
    Column("record", String(80), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("received_at", String(24), nullable=False),
    Column("line", LargeBinary, nullable=False),
    UniqueConstraint("invite", "record", "seq", name="one_event_per_number"),
    sqlite_autoincrement=True,
)
"""Record events in the order received; `line` is the event's canonical JSON. Ids are never used again."""

SUBMISSIONS: Final = Table(
    "intake_submissions",
    META,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("candidate", String(80), nullable=False, index=True),
    Column("invite", String(40), nullable=False),
    Column("slug", String(60), nullable=False),
    Column("version", String(30), nullable=False),
    Column("idempotency_key", String(80), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("receipt", String(60), nullable=False, unique=True),
    Column("received_at", String(24), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("invite", "idempotency_key", name="one_submission_per_key"),
    sqlite_autoincrement=True,
)
"""Completed notebooks, byte for byte."""

CHANGES: Final = Table(
    "intake_invite_changes",
    META,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("invite", String(40), nullable=False),
    Column("change", String(20), nullable=False),
    Column("exp", BigInteger, nullable=False),
    Column("at", String(24), nullable=False),
    sqlite_autoincrement=True,
)
"""`revoked` and `extended`, as the hiring side said; append-only."""

TOKENS: Final = Table(
    "intake_tokens",
    META,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("name", String(80), nullable=False),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("created_at", String(24), nullable=False),
    Column("revoked_at", String(24), nullable=True),
)
"""Hiring-side tokens by their hash; the token itself is shown once and kept nowhere."""

Index("intake_submissions_of_invite", SUBMISSIONS.c.invite)
