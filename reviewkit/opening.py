"""Opening an invite: whether it permits anything here, and the candidate's own copy of the workbook.

The copy is made once. Every later visit finds it by the grant of its record, whose id is the invite's, and never writes
over it. The route is `reviewkit.openroute`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.durable import lock_file
from reviewkit.errors import GrantError, InviteError
from reviewkit.grants import Granted, Grants, grant_of, issue
from reviewkit.invite import REASONS, Invite, check, read
from reviewkit.outgoing import Outgoing, Outgoings
from reviewkit.policy import TEXTS
from reviewkit.terms import Terms

STATUS: Final[Mapping[str, int]] = {
    "malformed": 400, "altered": 403, "foreign": 403, "not_yet_valid": 403, "expired": 403, "revoked": 403,
    "no_keys": 503, "no_scenario": 404, "other_version": 409, "occupied": 409, "elsewhere": 409, "not_stored": 507, "failed": 500,
}  # fmt: skip
"""Reason code -> HTTP status of its page."""
_PLACES_MAX: Final = 200


class RefusedError(Exception):
    """An invite is not opened; a page says why.

    Args:
        reason: A key of `STATUS`.
        fact: What happened, one sentence without a full stop; nothing of the token.
        next_step: What to do about it.
        kept: Contents path of the candidate's work with this invite, where there is some.
    """

    def __init__(self, reason: str, fact: str, next_step: str, kept: str = "") -> None:
        super().__init__(reason, fact, next_step, kept)
        self.reason, self.fact, self.next_step, self.kept = reason, fact, next_step, kept

    @property
    def status(self) -> int:
        """HTTP status."""
        return STATUS.get(self.reason, 500)


@dataclass(frozen=True, slots=True)
class Said:
    """What the intake says of an invite."""

    is_revoked: bool = False
    exp: int = 0
    """Until when it is valid there; 0 when that is not known."""
    is_expired: bool = False
    is_offline: bool = False
    """It could not be asked; what the token says holds."""


def terms_of(invite: Invite) -> Terms:
    """What the candidate is asked to agree to.

    Raises:
        RefusedError: `other_version`, if the wording of the policy is not known here.
    """
    wording = TEXTS.get(invite.policy_text)
    if wording is None or wording.code is not invite.policy:
        step = "Ask the people who invited you for a server with a newer reviewkit."
        raise RefusedError("other_version", "This invite was made by another version of reviewkit", step)
    return Terms(
        minutes=invite.minutes,
        policy_text=wording.id,
        policy=wording.text,
        retention_days=invite.retention_days,
        intake=invite.intake,
        focus_minutes=invite.focus,
        stages=invite.stages or {},
    )


def genuine(token: str, keys: Mapping[str, bytes]) -> Invite:
    """The invite of a token that a known key signed, valid now or not.

    Raises:
        RefusedError: `malformed`, `altered` or `foreign`.
    """
    try:
        return read(token, keys)
    except InviteError as error:
        raise RefusedError(error.reason, error.fact, error.next_step) from None


def permit(invite: Invite, now: float, said: Said) -> None:
    """Refuse an invite that is not valid now.

    Args:
        invite: Genuine.
        now: Seconds since 1970.
        said: What the intake says; it knows of withdrawals and extensions.

    Raises:
        RefusedError: `revoked`, `expired` or `not_yet_valid`.
    """
    if said.is_expired:  # its clock decides: it would refuse every event
        raise RefusedError("expired", *REASONS["expired"])
    revoked = [invite.id] if said.is_revoked else []
    try:
        check(invite, now, revoked=revoked, extended={invite.id: said.exp})
    except InviteError as error:
        raise RefusedError(error.reason, error.fact, error.next_step) from None


@dataclass(frozen=True, slots=True)
class Blank:
    """A blank workbook and where its copies go."""

    workbook: Path
    folder: Path


def find_blank(invite: Invite, root: Path, bank: Path | None) -> Blank:
    """The blank workbook of an invite's scenario.

    Args:
        invite: Genuine.
        root: Folder that the server shows.
        bank: `REVIEWKIT_BANK`, where it is set; else the folder itself or one right below it may be the bank, as
            nbgitpuller puts it. The copy then lies in the bank, where its kernel finds the scenario.

    Raises:
        RefusedError: `no_scenario` or `other_version`.
    """
    for place in [bank] if bank is not None else _places(root):
        workbook = place / "notebooks" / f"{invite.slug}.ipynb"
        if not workbook.is_file() or not (place / "scenarios" / invite.slug).is_dir():
            continue
        version = _version(workbook)
        if version != invite.version:
            fact = f"This server has the scenario {invite.slug} in version {version or 'unknown'}, your invite is for {invite.version}"
            raise RefusedError(
                "other_version", fact, "Ask the people who invited you for a link to a server that fits."
            )
        return Blank(workbook, root if bank is not None else place)
    fact = f"This server does not have the scenario {invite.slug} that your invite is for"
    raise RefusedError(
        "no_scenario", fact, "Open the link on the server that it was made for, or ask the people who invited you."
    )


def _places(root: Path) -> Iterable[Path]:
    yield root
    with suppress(OSError):
        yield from sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))[
            :_PLACES_MAX
        ]


def _version(workbook: Path) -> str:
    try:
        return str(json.loads(workbook.read_bytes())["metadata"]["reviewkit"]["version"])[:20]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The candidate's copy."""

    granted: Granted
    is_new: bool
    """It was written just now."""


def find_copy(invite: Invite, grants: Grants) -> Granted | None:
    """The copy that an earlier visit made, if it is still there."""
    found = grants.of_record(invite.id)
    return found if found is not None and found.notebook.is_file() else None


def take_up(invite: Invite, blank: Blank, grants: Grants) -> Opened:
    """The candidate's copy of the workbook: the one that is there, or a fresh one. Safe for visits at the same moment.

    Raises:
        RefusedError: `other_version` or `occupied`.
        DataError: If the blank workbook is damaged.
        GrantError: If copy or grant could not be stored.
    """
    terms = terms_of(invite)
    try:
        grants.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock_file(grants.folder / "opening.lock"):
            return _take_up(invite, blank, grants, terms)
    except (OSError, TimeoutError) as error:
        fact = f"The workbook could not be opened ({getattr(error, 'strerror', None) or 'locked'})"
        raise GrantError(fact, "Free some space, then open the link again.") from error


def _take_up(invite: Invite, blank: Blank, grants: Grants, terms: Terms) -> Opened:
    found = grants.of_record(invite.id)
    if found is not None and (found.grant.slug, found.grant.candidate) != (invite.slug, invite.candidate):
        raise RefusedError(
            "occupied",
            "Another workbook was opened here with this invite's id",
            "Ask the people who invited you for a new link.",
        )
    if found is not None and found.notebook.is_file():
        return Opened(found, is_new=False)
    folder = found.notebook.parent if found is not None and found.notebook.parent.is_dir() else blank.folder
    copy = folder / f"{invite.slug}-{invite.id}.ipynb"
    if copy.exists():  # the grants are gone, such as with another home; the work is not
        if _record_of(copy) != invite.id:
            raise RefusedError(
                "occupied",
                f"A file named {copy.name} is there that does not belong to this invite",
                "Move it away and open the link again.",
            )
        grant = grant_of(blank.workbook, candidate=invite.candidate, record=invite.id, terms=terms, seed=invite.seed)
        granted = Granted(copy.resolve(), grant)
        grants.put(copy, grant)
        return Opened(granted, is_new=False)
    granted = issue(
        blank.workbook, folder, candidate=invite.candidate, record=invite.id, terms=terms, seed=invite.seed, grants=grants
    )
    return Opened(granted, is_new=True)


def _record_of(notebook: Path) -> str:
    try:
        return str(json.loads(notebook.read_bytes())["metadata"]["reviewkit"]["record"]["id"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""


def keep_token(invite: Invite, token: str, kept: Outgoings, keys: Mapping[str, bytes]) -> None:
    """Keep what is needed to send the record on; of two links of one invite the one that is valid longer.

    Raises:
        GrantError: If it could not be stored.
    """
    try:
        before = kept.get(invite.id)
    except GrantError:
        before = None  # damaged: this link has all that it held but a receipt, which the intake gives again
    if before is None:
        kept.put(invite.id, Outgoing(token=token, intake=invite.intake, there=invite.id))
        return
    with suppress(InviteError):
        if read(before.token, keys).exp >= invite.exp:
            return
    kept.put(invite.id, before.model_copy(update={"token": token, "intake": invite.intake}))
