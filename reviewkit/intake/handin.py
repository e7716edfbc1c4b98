"""Handing in by file: for a candidate whose network failed, by the hiring side, under the rules of the service."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from reviewkit.durable import read_exactly
from reviewkit.errors import IntakeError, UsageError
from reviewkit.event import timestamp
from reviewkit.intake.access import hash_of
from reviewkit.intake.checking import check_notebook
from reviewkit.intake.client import submission_key
from reviewkit.intake.limits import SUBMISSION_MAX
from reviewkit.intake.rows import Bearer, Receipt
from reviewkit.intake.storage import Storage
from reviewkit.invite import REASONS, Invite


def read_file(path: Path) -> bytes:
    """Bytes of a file that a candidate sent.

    Raises:
        UsageError: If it is no regular file, cannot be read, or is larger than the service takes.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise UsageError(f"{path}: is not a regular file.", "Name the .ipynb itself.")
            if status.st_size > SUBMISSION_MAX:
                raise UsageError(
                    f"{path}: is larger than {SUBMISSION_MAX // 1_000_000} MB.", "Ask for it with outputs cleared."
                )
            return read_exactly(handle, 0, status.st_size)
        finally:
            os.close(handle)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}).", "Name the .ipynb that the candidate sent."
        ) from None


async def hand_in(storage: Storage, invite: Invite, token: str, body: bytes, now: float) -> Receipt:
    """Store a file as a submission of an invite.

    Args:
        storage: Open.
        invite: Genuine; whether it is valid now is checked here.
        token: Its token, where one was given.
        body: The whole file.
        now: Seconds since 1970.

    Raises:
        IntakeError: With the reasons of the service.
    """
    if invite.id in storage.revoked:
        raise IntakeError("revoked", *REASONS["revoked"])
    if now >= max(invite.exp, storage.extended.get(invite.id, 0)):
        raise IntakeError("expired", REASONS["expired"][0], "Extend it first: reviewkit invite extend")
    check_notebook(body, invite)
    return await storage.add_submission(
        Bearer(invite, hash_of(token) if token else ""), submission_key(body), body, timestamp()
    )
