"""Decisions as JSON lines, for other tools and for moving them: one decision a line, with its submission."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from reviewkit.decided import unknown_in
from reviewkit.errors import UsageError
from reviewkit.outfolder import find_submission
from reviewkit.row import Row
from reviewkit.scorecard import Decision, Scorecard

FORMAT = (
    '{"submission", "kind", "finding"?, "defect"?, "item"?, "outcome", "reason", "author"?, "time"?}; '
    "kind is finding unless it is given, author is --rater, time is now"
)


@dataclass(frozen=True)
class ReadLines:
    """What a file of decisions holds."""

    decisions: Mapping[str, tuple[Decision, ...]]
    """By submission, in the order of the file."""
    problems: tuple[str, ...]
    """One sentence for each line that cannot be used."""
    known: int
    """Lines that the store has word for word already."""


def read_lines(
    text: str,
    rows: Sequence[tuple[str, Row]],
    cards: Mapping[str, Scorecard],
    stored: Mapping[str, Sequence[Decision]],
    *,
    rater: str,
    now: str,
) -> ReadLines:
    """Validate a file of decisions; a bad line leaves the others alone.

    Args:
        text: JSON lines.
        rows: (hash, row) of the submissions that are there.
        cards: Their scorecards.
        stored: Decisions so far: a line that is there already is not added again.
        rater: Author of lines that name none; another author is a fault.
        now: Time of lines that name none; a later time is a fault.
    """
    found: dict[str, list[Decision]] = {}
    problems: list[str] = []
    known = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            sha, decision = _decision(line, rows, rater, now)
            fault = next(iter(unknown_in(cards[sha], [decision])), "")
            if fault:
                raise ValueError(fault)
        except ValueError as error:
            problems.append(f"line {number}: {error}. Correct the line and import the file again.")
            continue
        if decision in stored.get(sha, ()) or decision in found.get(sha, ()):
            known += 1
        else:
            found.setdefault(sha, []).append(decision)
    return ReadLines({sha: tuple(said) for sha, said in found.items()}, tuple(problems), known)


def _decision(line: str, rows: Sequence[tuple[str, Row]], rater: str, now: str) -> tuple[str, Decision]:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError(f"it is no JSON object like {FORMAT}")
    asked = data.pop("submission", None)
    if not isinstance(asked, str) or not asked:
        raise ValueError("it names no submission")
    try:
        sha = find_submission(rows, asked)
    except UsageError as error:
        raise ValueError(error.fact.rstrip(".")) from None
    try:
        decision = Decision.model_validate_json(json.dumps({"author": rater, "time": now, **data}))
    except (ValidationError, ValueError) as error:
        raise ValueError(_first(error)) from None
    if decision.author != rater:
        raise ValueError(f"its author is {decision.author!r}, not the rater {rater!r}")
    if decision.time[:19] > now[:19]:
        raise ValueError("its time lies in the future")
    return sha, decision


def _first(error: Exception) -> str:
    """The first fault in words, with its key."""
    if not isinstance(error, ValidationError):
        return "it holds text that is no Unicode"
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    said = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {said}" if where else said


def lines(decisions: Mapping[str, Iterable[Decision]]) -> Iterator[str]:
    """Decisions as lines that `read_lines` takes, by submission, in the order in which they were stored."""
    for sha in sorted(decisions):
        for decision in decisions[sha]:
            plain = {k: v for k, v in decision.model_dump(mode="json").items() if v is not None}
            yield json.dumps({"submission": sha, **plain}, ensure_ascii=True, sort_keys=True)
