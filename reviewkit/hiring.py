"""The hiring decision: a person's, never computed. Kept like raters' decisions: a later word is one more row."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from reviewkit.ledger import Ledger
from reviewkit.scorecard import Frozen, Ident


class HiringDecision(Frozen):
    """What a person, or a panel in the person's name, decided about a candidate."""

    decision: str = Field(min_length=1, max_length=400)
    """In the team's own words; reviewkit reads nothing into it."""
    author: Ident
    time: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
    """UTC, ISO 8601 with Z."""
    reason: str = Field(min_length=1, max_length=4000)


_LEDGER: Final = Ledger("hiring_decisions", HiringDecision)


async def add(url: str, sha256: str, decision: HiringDecision) -> None:
    """Append a decision about one submission; see `Ledger.add`."""
    await _LEDGER.add(url, sha256, [decision])


async def of(url: str, sha256: str) -> tuple[HiringDecision, ...]:
    """Decisions about one submission, the latest last."""
    return (await _LEDGER.read(url, sha256)).get(sha256, ())


async def everything(url: str) -> dict[str, tuple[HiringDecision, ...]]:
    """All hiring decisions of a store by the submission's hash."""
    return await _LEDGER.read(url)
