"""Changing an invite that is out: stored here first, then told to its intake. What CLI and desk both do.

A change that is stored and was not told can be made again: the store takes nothing twice that says the same.
"""

from __future__ import annotations

import os
from typing import Final

from reviewkit.errors import IntakeError, UsageError
from reviewkit.intake.client import HIRING_VARIABLE, IntakeClient
from reviewkit.invite_store import InviteChange, InviteStore
from reviewkit.inviting import extend, revoke

PATIENCE: Final = 10.0
"""Seconds for an intake that does not answer."""


async def extended(store: InviteStore, invite: str, days: int, now: int) -> InviteChange:
    """Make an invite valid for so many days from now, with the same record.

    Raises:
        UsageError: If there is no such invite, it was revoked, is valid longer already, or the intake cannot be told for want of a token.
        IntakeError: If the intake cannot be reached or refuses; the change is stored then.
        DataError: If the store cannot be used.
    """
    change = extend(await store.get(invite), days, now)
    await store.add([change])
    await _tell(change)
    return change


async def withdrawn(store: InviteStore, invite: str, now: int) -> InviteChange:
    """Withdraw an invite for good; one that was withdrawn before is told to its intake again.

    Raises:
        UsageError: If there is no such invite, it was withdrawn before and has no intake, or the intake cannot be told for want of a token.
        IntakeError: If the intake cannot be reached or refuses; the change is stored then.
        DataError: If the store cannot be used.
    """
    known = await store.get(invite)
    if known.revoked_at is not None and known.invite.intake:
        change = InviteChange(known.invite, "revoked", known.revoked_at)
    else:
        change = revoke(known, now)
        await store.add([change])
    await _tell(change)
    return change


async def _tell(change: InviteChange) -> None:
    invite = change.invite
    if not invite.intake:
        return
    token = os.environ.get(HIRING_VARIABLE, "")
    if not token:
        step = f"Set {HIRING_VARIABLE} and do this again, or tell its operator."
        raise UsageError(f"The change is stored here, but the intake at {invite.intake} was not told.", step)
    try:
        async with IntakeClient(invite.intake, token, patience=PATIENCE) as client:
            await client.change_invite(invite.id, change.change, invite.exp)
    except IntakeError as error:
        fact = f"The change is stored here, but the intake at {invite.intake} was not told ({error.fact})"
        raise IntakeError(error.reason, fact, "Do this again later, or tell its operator.", error.status) from error
