"""Whether a body is a completed workbook of an invite: here, or in a process of its own for large ones.

As a program: `python -m reviewkit.intake.checking SLUG CANDIDATE < notebook` prints `{}`, or reason and sentence.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Final

from reviewkit.errors import IntakeError, SubmissionError
from reviewkit.invite import Invite
from reviewkit.submission import parse_submission

SECONDS: Final = 20.0
"""For the process, start included."""
MEMORY_MAX: Final = 1_000_000_000
_AGAIN: Final = "Nothing was accepted. Save the workbook and hand it in again."


def check_notebook(body: bytes, invite: Invite) -> None:
    """Refuse a body that is no completed workbook of this invite; pure. The invite decides, never the body.

    Raises:
        IntakeError: 422 `unreadable` or `other_invite`.
    """
    _check(body, invite.slug, invite.candidate)


def _check(body: bytes, slug: str, candidate: str) -> None:
    try:
        submission = parse_submission(body, Path("submission.ipynb"))
    except SubmissionError as error:
        raise IntakeError("unreadable", f"This is no completed workbook: {error.fact}", _AGAIN, 422) from None
    if submission.slug != slug or submission.candidate not in ("", candidate):
        fact = "This workbook belongs to another invite"
        raise IntakeError("other_invite", fact, "Hand in the one that was opened with this invite.", 422)


async def check_in_process(file: SpooledTemporaryFile[bytes], invite: Invite) -> None:
    """Do the same in another process, which may need much memory and holds nobody up.

    Args:
        file: The body, on disk by now; read from its beginning.
        invite: As for `check_notebook`.

    Raises:
        IntakeError: As `check_notebook`; 503 `busy` when it took too long.
    """
    file.seek(0)
    command = (sys.executable, "-I", "-m", "reviewkit.intake.checking", invite.slug, invite.candidate)
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdin=file.fileno(), stdout=pipe, stderr=nothing)
    try:
        async with asyncio.timeout(SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise IntakeError(
            "busy", "The intake had no time to read this", "Nothing was accepted. Please retry.", 503
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise IntakeError("unreadable", "This is no completed workbook: reading it takes too much memory", _AGAIN, 422)
    found = json.loads(said)
    if found:
        raise IntakeError(found["reason"], found["fact"], found["next_step"], 422)


def main() -> None:
    """Check what comes in."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    try:
        _check(sys.stdin.buffer.read(), sys.argv[1], sys.argv[2])
    except IntakeError as error:
        print(json.dumps({"reason": error.reason, "fact": error.fact, "next_step": error.next_step}))
    else:
        print("{}")


if __name__ == "__main__":
    main()
