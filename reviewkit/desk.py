"""The hiring desk's facts, from values: which scenarios suit an interview, and where each candidate stands. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from reviewkit.bank import Entry
from reviewkit.invite_store import KnownInvite
from reviewkit.row import Row
from reviewkit.words import Domain, Level


class Standing(StrEnum):
    """How far a candidate is."""

    INVITED = "invited"
    OPENED = "opened"
    WORKING = "working"
    SUBMITTED = "submitted"
    SCORED = "scored"
    EXPIRED = "expired"
    """Its time was over before anything was handed in."""
    WITHDRAWN = "withdrawn"


class Source(StrEnum):
    """Where news of a candidate come from."""

    INTAKE = "intake"
    FILE = "file"
    """The invite names no intake: nothing is known before a file is scored."""
    SILENT = "silent"
    """The invite's intake could not be asked."""


@dataclass(frozen=True)
class Choice:
    """A scenario as a hirer chooses among them."""

    slug: str
    title: str
    stack: str
    minutes: int
    practice: bool
    domains: frozenset[Domain] = frozenset()
    levels: frozenset[Level] = frozenset()
    """Of its defects; empty without a rubric."""
    summary: str = ""
    assesses: tuple[str, ...] = ()
    ideal_for: str = ""


@dataclass(frozen=True)
class Received:
    """What the intake holds of one invite."""

    events_n: int = 0
    last_at: str = ""
    """When something came last; ISO 8601."""
    submissions: tuple[str, ...] = ()
    """SHA-256 of what was handed in, oldest first."""


@dataclass(frozen=True)
class Place:
    """One invite and how far its candidate is."""

    invite: str
    candidate: str
    slug: str
    minutes: int
    exp: int
    standing: Standing
    last_at: str = ""
    row: Row | None = field(default=None)
    """Of the newest submission that was scored."""
    source: Source = Source.INTAKE


def choice_of(entry: Entry) -> Choice:
    """A scenario with what its rubric says of its use; never of its defects.

    Raises:
        ContentError: If scenario or rubric cannot be read.
    """
    scenario = entry.scenario
    bare = Choice(entry.slug, scenario.title, scenario.stack, scenario.minutes, scenario.kind == "practice")
    if entry.rubric_folder is None:
        return bare
    rubric = entry.rubric
    return Choice(
        bare.slug, bare.title, bare.stack, bare.minutes, bare.practice, frozenset(rubric.domains),
        frozenset(defect.level for defect in rubric.defects), " ".join(rubric.summary.split()), rubric.assesses, rubric.ideal_for,
    )  # fmt: skip


def suitable(
    choices: Iterable[Choice], domains: Collection[Domain] = (), level: Level | None = None, minutes: int | None = None
) -> list[Choice]:
    """Scenarios that suit, those that assess most of what is asked for first.

    Args:
        choices: All scenarios.
        domains: At least one of these is assessed; empty for any.
        level: It has defects of this level; None for any.
        minutes: Longest time box; None for any.
    """
    found = [
        choice
        for choice in choices
        if (not domains or choice.domains & set(domains))
        and (level is None or level in choice.levels)
        and (minutes is None or choice.minutes <= minutes)
    ]
    return sorted(found, key=lambda choice: (-len(choice.domains & set(domains)), choice.practice, choice.slug))


def places(
    invites: Sequence[KnownInvite],
    received: Mapping[str, Received],
    rows: Sequence[Row],
    asked: Collection[str],
    now: float,
) -> list[Place]:
    """Where every candidate stands, the newest invite first.

    Args:
        invites: All of the store.
        received: Invite id -> what an intake holds of it.
        rows: What was scored into the output folder.
        asked: Addresses of intakes that answered.
        now: Seconds since 1970.
    """
    scored = [row for row in rows if row.scorecard and not row.unscored]
    found = [
        _place(known, received.get(known.invite.id, Received()), scored, asked, now) for known in reversed(invites)
    ]
    return sorted(found, key=lambda place: place.standing in (Standing.EXPIRED, Standing.WITHDRAWN))


def _place(known: KnownInvite, came: Received, scored: Sequence[Row], asked: Collection[str], now: float) -> Place:
    invite = known.invite
    source = Source.FILE if not invite.intake else Source.INTAKE if invite.intake in asked else Source.SILENT
    if came.submissions:
        row = next((row for row in scored if row.sha256 == came.submissions[-1]), None)
    else:  # handed in as a file
        own = [row for row in scored if (row.candidate, row.scenario) == (invite.candidate, invite.slug)]
        row = max(own, key=lambda row: row.received, default=None)
    return Place(
        invite.id, invite.candidate, invite.slug, invite.minutes, invite.exp, _standing(known, came, row, now), came.last_at, row, source,
    )  # fmt: skip


def _standing(known: KnownInvite, came: Received, row: Row | None, now: float) -> Standing:
    if row is not None:
        return Standing.SCORED
    if came.submissions:
        return Standing.SUBMITTED
    state = known.state(now)
    if state == "revoked":
        return Standing.WITHDRAWN
    if state == "expired":
        return Standing.EXPIRED
    if came.events_n > 1:
        return Standing.WORKING
    # The first event of a record is the opening itself.
    return Standing.OPENED if came.events_n or came.last_at else Standing.INVITED
