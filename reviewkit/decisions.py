"""Raters' decisions in the store: a table that only grows. The first word of a rater stays; a later one is one more row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewkit.ledger import Ledger
from reviewkit.scorecard import Decision

DECISIONS: Final = Ledger("decisions", Decision)
"""`sha256` names the submission, `sequence` the order in which decisions were stored; the rest are a `Decision`'s fields."""


async def add(url: str, sha256: str, decisions: Sequence[Decision]) -> None:
    """Append decisions about one submission, all or none; concurrent writers wait for each other and all are kept.

    Args:
        url: SQLAlchemy URL of an async driver.
        sha256: The submission's hash.
        decisions: In the order in which they were taken.

    Raises:
        DataError: If the store cannot be used, or another writer holds it for longer than `store.BUSY_SECONDS`.
    """
    await DECISIONS.add(url, sha256, decisions)


async def of(url: str, sha256: str) -> tuple[Decision, ...]:
    """Decisions about one submission in the order in which they were stored; none when there is no store yet."""
    return (await DECISIONS.read(url, sha256)).get(sha256, ())


async def everything(url: str) -> dict[str, tuple[Decision, ...]]:
    """All decisions of a store by the submission's hash, each in the order in which they were stored."""
    return await DECISIONS.read(url)
