"""Everything that reviewkit raises on purpose.

A message is one sentence of place and fact, then the next step; the values stay on the error as attributes, so that
it survives pickling into another process.

```text
ReviewkitError                 exit code 1: something is wrong in the data
├── UsageError                 exit code 2: something is wrong in how it was called
├── DataError                  a file that cannot be used
│   └── SubmissionError        a candidate's notebook that cannot be read; `reason_code` says why
├── EventError                 an event that has not the shape of its kind
├── JournalError               an event that could not be stored or read back
├── GrantError                 a grant that could not be stored, found or read
├── InviteError                an invite that permits nothing; `reason` says why
├── IntakeError                the intake could not be opened or reached, or refused; `reason` says why
├── ClusterError                a cluster could not be reached, or cannot score
└── ServeError                 a Jupyter server that could not be started
```
"""

from __future__ import annotations

import unicodedata

_BIDI_OR_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


class ReviewkitError(Exception):
    """Base of all errors raised on purpose; the command line prints it as one line and leaves with `exit_code`."""

    exit_code: int = 1


class UsageError(ReviewkitError):
    """A command or function was called in a way that cannot work.

    Args:
        fact: What is wrong with the call, one sentence.
        next_step: What to call instead, one sentence.
    """

    exit_code = 2

    def __init__(self, fact: str, next_step: str = "") -> None:
        super().__init__(fact, next_step)
        self.fact, self.next_step = fact, next_step

    def __str__(self) -> str:
        return f"{self.fact} {self.next_step}".strip()


class DataError(ReviewkitError):
    """A file cannot be used as it is.

    Args:
        place: The file, with line or key where known.
        fact: What is wrong there, without a full stop.
        next_step: What to do about it, one sentence.
    """

    def __init__(self, place: str, fact: str, next_step: str = "") -> None:
        super().__init__(place, fact, next_step)
        self.place, self.fact, self.next_step = place, fact, next_step

    def __str__(self) -> str:
        return f"{printable(self.place)}: {self.fact}. {self.next_step}".strip()


class SubmissionError(DataError):
    """A candidate's notebook cannot be read; the submission stays a row, `unscored` with this reason.

    Args:
        place: Name of the file.
        reason_code: One of `reviewkit.submission.REASONS`.
        fact: What is wrong, without a full stop; names nothing that the candidate wrote.
        next_step: What a person should do.
    """

    def __init__(self, place: str, reason_code: str, fact: str, next_step: str) -> None:
        super().__init__(place, fact, next_step)
        self.args = (place, reason_code, fact, next_step)
        self.reason_code = reason_code

    @property
    def sentence(self) -> str:
        """The whole message, safe for a terminal: one line, no control characters."""
        return str(self)


class EventError(ReviewkitError):
    """An event has not the shape of its kind.

    Args:
        kind: The kind as given; may be anything that a client sent.
        fact: What is wrong, without a full stop.
    """

    def __init__(self, kind: str, fact: str) -> None:
        super().__init__(kind, fact)
        self.kind, self.fact = kind, fact

    def __str__(self) -> str:
        return f"Event {printable(self.kind)[:60]!r} was not recorded: {self.fact}. Correct it and send it again."


class JournalError(ReviewkitError):
    """An event could not be stored, or a journal not be read; nothing of the event is left in the file.

    Args:
        record: Id of the record.
        reason: `disk_full`, `write_failed`, `locked`, `unreadable`, `stopped` or `preview`.
        fact: What happened, without a full stop and without a path.
        next_step: What to do about it.
    """

    def __init__(self, record: str, reason: str, fact: str, next_step: str) -> None:
        super().__init__(record, reason, fact, next_step)
        self.record, self.reason, self.fact, self.next_step = record, reason, fact, next_step

    def __str__(self) -> str:
        return f"Record {self.record}: {self.fact}. {self.next_step}"


class FactError(ReviewkitError):
    """Something that went wrong, and what to do about it; nothing more is told apart.

    Args:
        fact: What happened, without a full stop.
        next_step: What to do about it.
    """

    def __init__(self, fact: str, next_step: str) -> None:
        super().__init__(fact, next_step)
        self.fact, self.next_step = fact, next_step

    def __str__(self) -> str:
        return f"{self.fact}. {self.next_step}"


class GrantError(FactError):
    """A grant could not be stored, found or read, so a workbook is not recorded."""


class InviteError(ReviewkitError):
    """An invite does not permit anything here and now.

    Args:
        reason: One of `reviewkit.invite.REASONS`.
        fact: What happened, without a full stop; nothing of the token.
        next_step: What to do about it.
    """

    def __init__(self, reason: str, fact: str, next_step: str) -> None:
        super().__init__(reason, fact, next_step)
        self.reason, self.fact, self.next_step = reason, fact, next_step

    def __str__(self) -> str:
        return f"{self.fact}. {self.next_step}"


class IntakeError(ReviewkitError):
    """The intake could not be opened or reached, or did not accept something.

    Args:
        reason: A code, such as `damaged`, `disk_full`, `conflict` or `unreachable`; docs/intake.md lists them.
        fact: What happened, without a full stop.
        next_step: What to do about it.
        status: HTTP status with which the service answers, or answered; 0 where there was none.
    """

    def __init__(self, reason: str, fact: str, next_step: str, status: int = 0) -> None:
        super().__init__(reason, fact, next_step, status)
        self.reason, self.fact, self.next_step, self.status = reason, fact, next_step, status

    def __str__(self) -> str:
        return f"{self.fact}. {self.next_step}"


class ClusterError(FactError):
    """A cluster could not be reached, was lost, or cannot score."""


class ServeError(FactError):
    """A Jupyter server for a workbook could not be started."""


def printable(text: str) -> str:
    """Return `text` as one line that a terminal shows as written: control, bidi and other hidden characters escaped."""
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _BIDI_OR_HIDDEN else c for c in text)
