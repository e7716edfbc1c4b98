"""Read one candidate's notebook as hostile data: sizes, encoding and JSON guarded, only our own metadata looked at.

Never executed, converted, or given to a notebook library. One file gives one result: a `Submission`, or one
`SubmissionError` with a reason code. A record that was tampered with is read all the same, and flagged.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ConfigDict, ValidationError

from reviewkit import recordmarks
from reviewkit.durable import read_exactly
from reviewkit.errors import EventError, SubmissionError, printable
from reviewkit.event import Event, Problem, first_fault
from reviewkit.fieldtypes import CandidateId, RecordId, Slug, Version
from reviewkit.record import SCHEMA, State, fold, verify_chain

SIZE_MAX: Final = 30_000_000
"""Bytes of a file."""
DEPTH_MAX: Final = 60
TOKENS_MAX: Final = 2_000_000
"""Strings, brackets, commas and colons of a file together; some 150 MB of memory when parsed."""
NUMBER_MAX: Final = 64
"""Characters of a number; the longest that any notebook needs is 25."""
EVENTS_MAX: Final = 50_000
FLAGS_MAX: Final = 50
"""Flags of one submission; what exceeds them is counted in one more."""
NOTEBOOK_FORMAT: Final = 4

_AGAIN: Final = "Ask the candidate for the file again."
_SAVE_AGAIN: Final = "Ask the candidate to open the workbook, save it and send it again."
REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "empty": ("the file is empty", _AGAIN),
    "not_a_file": ("there is no regular file of this name", "Put the notebook itself here, not a link or a folder."),
    "unreadable": ("the file cannot be read, or changed while it was read", "Check its permissions and try again."),
    "too_large": (
        f"the file is larger than {SIZE_MAX // 1_000_000} MB",
        "Ask the candidate to clear outputs and save.",
    ),
    "not_utf8": ("the file is not UTF-8 text", _AGAIN),
    "not_json": ("the file is not JSON that a notebook can hold", _AGAIN),
    "not_a_notebook": ("the JSON is not a notebook of format 4", _AGAIN),
    "foreign": ("the notebook was not made by reviewkit", "Ask for the workbook that the candidate worked in."),
    "older_schema": ("the record has an older form than this version reads", "Read it with the version that made it."),
    "newer_schema": ("the record has a newer form than this version reads", "Update reviewkit and try again."),
    "record_missing": ("the notebook holds no record of any work", _SAVE_AGAIN),
    "too_much": ("the record holds more than a person can write", "Ask the candidate what happened, or score by hand."),
    "record_invalid": ("the record is not one that a workbook writes", "Ask for the file again, or score by hand."),
}
"""Reason code -> what is wrong, what a person should do."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A candidate's notebook as far as it is trusted: an identity, and events that have the right shape."""

    path: Path
    sha256: str
    """Of the original bytes, hex."""
    slug: str
    """As the notebook says; the invite decides where there is one."""
    version: str
    candidate: str
    """As the notebook says; an opaque id, or empty for practice."""
    record_id: str
    events: tuple[Event, ...]
    """In the order found; those of a wrong shape are left out and flagged."""
    state: State
    flags: tuple[Problem, ...]
    """What a person should know, one sentence each; never a reason to refuse, and never holding candidate text."""

    @property
    def is_tampered(self) -> bool:
        """Whether the record was changed outside the workbook."""
        return any(flag.is_tampering for flag in self.flags)


def belonging_to(submission: Submission, owners: Collection[str]) -> Submission:
    """A submission under the candidate of the invite that it was handed in with; pure.

    Args:
        submission: As its file was read, which may name nobody or somebody else.
        owners: Candidates of the invites that brought these bytes, as an intake verified them; empty: the file alone is known.

    Returns:
        The submission, flagged where its file says something else. Bytes that several candidates handed in belong to none.
    """
    if not owners:
        return submission
    if len(owners) > 1:
        flag = Problem("several_invites", "This very file was handed in with the invites of several candidates.")
        return replace(submission, candidate="", flags=(*submission.flags, flag))
    (owner,) = owners
    if submission.candidate == owner:
        return submission
    flag = (
        Problem("candidate_differs", "The notebook names another candidate than the invite that it was handed in with.")
        if submission.candidate
        else Problem("candidate_missing", "The notebook names no candidate; who it is, is known from the invite.")
    )
    return replace(submission, candidate=owner, flags=(*submission.flags, flag))


class _Record(BaseModel):
    """Our own part of the metadata, as far as an unreadable one voids the submission."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    slug: Slug
    version: Version
    id: RecordId
    candidate: CandidateId


def read_submission(path: Path) -> Submission:
    """Read a completed notebook.

    Raises:
        SubmissionError: With one of `REASONS`, when there is nothing to score.
    """
    return parse_submission(read_bytes(path), path)


def parse_submission(data: bytes, path: Path) -> Submission:
    """Read the bytes of a completed notebook; pure.

    Args:
        data: The whole file.
        path: Where it came from; only named, never opened.

    Raises:
        SubmissionError: With one of `REASONS`, when there is nothing to score.
    """
    name = shown_name(path)
    notebook = _parse_json(data, name)
    own = _own_metadata(notebook, name)
    raw = own["record"]
    try:
        record = _Record.model_validate({**raw, "slug": own.get("slug"), "version": own.get("version")})
    except ValidationError as error:
        _refuse(name, "record_invalid", first_fault(error))
    events, unreadable = _read_events(raw["events"])
    if not events:
        _refuse(name, "record_invalid", "events: none is one that a workbook writes")
    state = fold(events)
    if too_much := recordmarks.excess(state):
        _refuse(name, "too_much", too_much)
    flags = (
        *recordmarks.strange_keys(own), *unreadable, *verify_chain(events), *recordmarks.claimed_results(notebook, own),
        *recordmarks.differences(own, events, state), *recordmarks.clock(events),
    )  # fmt: skip
    digest = hashlib.sha256(data).hexdigest()
    return Submission(
        path,
        digest,
        record.slug,
        record.version,
        record.candidate,
        record.id,
        events,
        state,
        _capped(flags),
    )


def _capped(flags: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Each flag once, and not more than a person reads."""
    once = tuple(dict.fromkeys(flags))
    if len(once) <= FLAGS_MAX:
        return once
    # What concerns the whole record comes last and must stay.
    whole = tuple(flag for flag in once if (flag.seq is None and flag.code != "event_invalid") or flag.code == "impossible_clock")
    some = tuple(flag for flag in once if flag not in whole)[:FLAGS_MAX]
    left_n = len(once) - len(whole) - len(some)
    return (*some, Problem("more_flags", f"{left_n} more flags of these kinds are left out."), *whole)


def _refuse(name: str, reason: str, detail: str = "") -> NoReturn:
    fact, next_step = REASONS[reason]
    raise SubmissionError(name, reason, f"{fact} ({detail})" if detail else fact, next_step)


def shown_name(path: Path) -> str:
    """A file's name on one line; the candidate chose it."""
    return printable(os.fsencode(path.name).decode("utf-8", "backslashreplace"))[:200]


def read_bytes(path: Path) -> bytes:
    """The file's bytes, when it is a regular file of a permitted size that does not change meanwhile.

    Raises:
        SubmissionError: `not_a_file`, `unreadable` or `too_large`.
    """
    name = shown_name(path)
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        _refuse(name, "unreadable")
    except (OSError, ValueError):  # missing, a link, a socket, a name that cannot be one
        _refuse(name, "not_a_file")
    try:
        before = os.fstat(file)
        if not stat.S_ISREG(before.st_mode):
            _refuse(name, "not_a_file")
        if before.st_size > SIZE_MAX:
            _refuse(name, "too_large")
        data = read_exactly(file, 0, before.st_size + 1)
        after = os.fstat(file)
    except OSError:
        _refuse(name, "unreadable")
    finally:
        os.close(file)
    if len(data) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        _refuse(name, "unreadable")
    return data


# --- JSON -------------------------------------------------------------------------------------------------------------

_BESIDES_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class _GuardError(ValueError):
    """JSON that is well-formed for the library, but not for us."""


def _parse_json(data: bytes, name: str) -> Any:
    """The parsed file, within our own limits; `json` alone has none."""
    if not data:
        _refuse(name, "empty")
    if len(data) > SIZE_MAX:
        _refuse(name, "too_large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _refuse(name, "not_utf8")
    if not text.strip():
        _refuse(name, "empty")
    try:
        _measure(data)
        value = json.loads(
            text, object_pairs_hook=_unique, parse_int=_integer, parse_float=_number, parse_constant=_constant
        )
        if _SURROGATE.search(data):
            _refuse_surrogates(value)
    except _GuardError as error:
        _refuse(name, "not_json", str(error))
    except json.JSONDecodeError as error:
        _refuse(name, "not_json", f"line {error.lineno}")
    except (ValueError, RecursionError):
        _refuse(name, "not_json")
    return value


def _measure(data: bytes) -> None:
    """Refuse too deep or too many values before a parser builds them.

    Escapes go first, so that every quote left begins or ends a string. A backslash outside a string misleads this; the parser stops
    at the same backslash, and what it built before was measured as it is.
    """
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    strings = (data.count(b'"') + 1) // 2
    if strings > TOKENS_MAX:
        raise _GuardError("too many values")
    outside = b"".join(data.split(b'"')[::2])
    if strings + sum(map(outside.count, (b"[", b"]", b"{", b"}", b",", b":"))) > TOKENS_MAX:
        raise _GuardError("too many values")
    depth = 0
    for bracket in outside.translate(None, _BESIDES_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > DEPTH_MAX:
            raise _GuardError(f"nested deeper than {DEPTH_MAX}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _GuardError("an object names a key twice")
    return found


def _integer(text: str) -> int:
    if len(text) > NUMBER_MAX:
        raise _GuardError("a number is too long")
    return int(text)


def _number(text: str) -> float:
    if len(text) > NUMBER_MAX:
        raise _GuardError("a number is too long")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _GuardError("a number is too large")
    return value


def _constant(_text: str) -> NoReturn:
    raise _GuardError("NaN or Infinity instead of a number")


def _refuse_surrogates(value: Any) -> None:
    """Refuse half a character: it has no UTF-8 form, so whatever writes it later would fail."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            try:
                item.encode("utf-8")
            except UnicodeEncodeError:
                raise _GuardError("half a character (a lone surrogate)") from None
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


# --- our metadata -----------------------------------------------------------------------------------------------------


def _own_metadata(notebook: Any, name: str) -> dict[str, Any]:
    """`metadata.reviewkit` of a notebook, of the schema that we read, with a record that holds events."""
    if not isinstance(notebook, dict) or not isinstance(notebook.get("metadata"), dict):
        _refuse(name, "not_a_notebook")
    if _is_not(notebook.get("nbformat"), NOTEBOOK_FORMAT) or not isinstance(notebook.get("cells"), list):
        _refuse(name, "not_a_notebook")
    own = notebook["metadata"].get("reviewkit")
    if not isinstance(own, dict):
        _refuse(name, "foreign")
    schema = own.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int):
        _refuse(name, "record_invalid", "schema: not a number")
    if schema != SCHEMA:
        _refuse(name, "older_schema" if schema < SCHEMA else "newer_schema")
    record = own.get("record")
    if record is None or (isinstance(record, dict) and not record.get("events") and _is_list(record.get("events", []))):
        _refuse(name, "record_missing")
    if not isinstance(record, dict) or not _is_list(record["events"]):
        _refuse(name, "record_invalid", "events: not a list")
    if len(record["events"]) > EVENTS_MAX:
        _refuse(name, "record_invalid", f"events: more than {EVENTS_MAX}")
    return own


def _is_list(value: object) -> bool:
    return isinstance(value, list)


def _is_not(value: object, number: int) -> bool:
    """Whether a value is anything but this whole number; `True` and `4.0` are not numbers of a format."""
    return type(value) is not int or value != number


def _read_events(raw: list[Any]) -> tuple[tuple[Event, ...], tuple[Problem, ...]]:
    """Events of the right shape, and a flag for each that has another."""
    events, flags = [], []
    for position, item in enumerate(raw, start=1):
        try:
            events.append(Event.model_validate(item))
        except ValidationError as error:
            flags.append(_unreadable(position, first_fault(error)))
        except EventError as error:
            flags.append(_unreadable(position, error.fact))
    return tuple(events), tuple(flags)


def _unreadable(position: int, fact: str) -> Problem:
    return Problem(
        "event_invalid", f"Event {position} of the list is not one that a workbook writes ({fact}); ignored."
    )
