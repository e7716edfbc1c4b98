"""Making, prolonging and withdrawing invites: claims from a bank and options, signed with the hiring side's key."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reviewkit.bank import Bank
from reviewkit.errors import DataError, UsageError
from reviewkit.event import first_fault
from reviewkit.invite import Invite, intake_address, sign
from reviewkit.invite_store import InviteChange, KnownInvite
from reviewkit.invite_terms import Terms
from reviewkit.keyring import SigningKeyPair, key_of
from reviewkit.policy import CURRENT

DAY: Final = 86_400


def make(bank: Bank, slug: str, candidate: str, terms: Terms, key: SigningKeyPair, now: int) -> Invite:
    """A new invite, not stored yet.

    Raises:
        UnknownScenarioError: If the bank has no such scenario.
        UsageError: If a term cannot be put into an invite.
    """
    scenario = bank.entry(slug).scenario
    try:
        return Invite(
            id=secrets.token_hex(8),
            kid=key.kid,
            candidate=candidate,
            slug=slug,
            version=scenario.version,
            seed=secrets.randbelow(2**31) if terms.seed is None else terms.seed,
            minutes=scenario.minutes if terms.minutes is None else terms.minutes,
            focus_minutes=terms.focus_minutes,
            stages=dict(terms.stages) or None,
            intake=intake_address(terms.intake) if terms.intake else "",
            policy=terms.policy,
            policy_text=CURRENT[terms.policy],
            retention_days=terms.retention_days,
            iat=now,
            exp=now + terms.days * DAY,
        )
    except ValidationError as error:
        field = str((*error.errors()[0]["loc"], "stages")[0])  # one that is about several fields names none
        if field == "candidate":
            fact = "A candidate's id holds 1 to 80 letters, digits and _ . @ + -"
            raise UsageError(f"{fact}.", "Use an opaque id such as c-17; no names.") from None
        step = "See: reviewkit invite create --help"
        raise UsageError(f"This cannot be an invite ({field}: {first_fault(error)}).", step) from None
    except ValueError as error:
        raise UsageError(f"The intake's address cannot be used: {error}.", "Give it with --intake.") from None


def extend(known: KnownInvite, days: int, now: int) -> InviteChange:
    """The change that makes an invite valid for so many days from now, with the same record.

    Raises:
        UsageError: If it was revoked, or is valid longer already.
    """
    if known.revoked_at is not None:
        raise UsageError("This invite was revoked.", "Make a new one: reviewkit invite create")
    until = now + days * DAY
    if until <= known.invite.exp:
        raise UsageError("This invite is valid longer than that already.", "Give more --days, counted from now.")
    return InviteChange(known.invite.model_copy(update={"exp": until}), "extended", now)


def revoke(known: KnownInvite, now: int) -> InviteChange:
    """The change that withdraws an invite for good.

    Raises:
        UsageError: If it was revoked before.
    """
    if known.revoked_at is not None:
        raise UsageError("This invite was revoked before.", "See: reviewkit invite list")
    return InviteChange(known.invite, "revoked", now)


def token(invite: Invite, folder: Path) -> str:
    """Token of a stored invite, signed again.

    Raises:
        DataError: If its key is not in the folder.
    """
    key = key_of(invite.kid, folder)
    if key is None:
        raise DataError(str(folder), "the key that signed this invite is not here", "Name its folder with REVIEWKIT_KEYS.")
    return sign(invite, key.private)
