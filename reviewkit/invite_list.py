"""A list of people to invite, from a CSV file that anybody may have written: each bad line is one sentence."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.errors import UsageError, printable

SIZE_MAX: Final = 1_000_000
LINES_MAX: Final = 5_000
COLUMNS: Final = ("candidate", "scenario", "minutes", "days", "seed")
_CANDIDATE: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,80}")
_SLUG: Final = re.compile(r"[a-z0-9-]{1,60}")
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {"minutes": (1, 600), "days": (1, 365), "seed": (0, 2**31 - 1)}


@dataclass(frozen=True, slots=True)
class Person:
    """One good line; None where the line says nothing."""

    line: int
    candidate: str
    scenario: str | None = None
    minutes: int | None = None
    days: int | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class People:
    """What a file holds."""

    people: tuple[Person, ...]
    faults: tuple[str, ...]
    """One sentence for each line that cannot be used."""


def read_people(path: Path) -> People:
    """Read a list of people.

    Raises:
        UsageError: If the file as a whole cannot be used.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(SIZE_MAX + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).", "Name a CSV file.") from None
    return parse_people(data, path.name)


def parse_people(data: bytes, name: str) -> People:
    """People of the bytes of a CSV file; pure.

    Args:
        data: UTF-8, with a first line that names columns of `COLUMNS`; `candidate` is required.
        name: Of the file, for messages.

    Raises:
        UsageError: If the file as a whole cannot be used.
    """
    shown = printable(name)
    if len(data) > SIZE_MAX:
        raise UsageError(f"{shown}: is larger than 1 MB.", "Split the list.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{shown}: is not UTF-8 text.", "Save it as CSV UTF-8.") from None
    if "\0" in text:
        raise UsageError(f"{shown}: is not a CSV file.", "Save it as CSV UTF-8.")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    people: list[Person] = []
    faults: list[str] = []
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        _check_header(header, shown)
        first_seen: dict[tuple[str, str], int] = {}
        for cells in reader:
            line = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if len(people) + len(faults) >= LINES_MAX:
                faults.append(f"{shown}: line {line} and all after it were left out. Split the list: at most {LINES_MAX} lines.")
                break
            person = _person(header, cells, line)
            if isinstance(person, Person):
                before = first_seen.setdefault((person.candidate, person.scenario or ""), line)
                person = person if before == line else f"the candidate stands on line {before} already"
            if isinstance(person, Person):
                people.append(person)
            else:
                faults.append(f"{shown}: line {line}: {person}. Correct it and run the list again.")
    except csv.Error as error:
        faults.append(f"{shown}: line {reader.line_num} and all after it cannot be read ({error}). Save it as CSV UTF-8.")
    return People(tuple(people), tuple(faults))


def _check_header(header: list[str], name: str) -> None:
    if "candidate" not in header or len(set(header)) != len(header) or set(header) - set(COLUMNS):
        wanted = ", ".join(COLUMNS)
        raise UsageError(f"{name}: its first line does not name the columns.", f"Use candidate and any of: {wanted}.")


def _person(header: list[str], cells: list[str], line: int) -> Person | str:
    """The person of a line, or what is wrong with it; nothing of the line is repeated."""
    if len(cells) != len(header):
        return f"has {len(cells)} cells instead of {len(header)}"
    given = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
    if not _CANDIDATE.fullmatch(given["candidate"]):
        return "the candidate's id is not 1 to 80 letters, digits and _ . @ + -; no names"
    scenario = given.get("scenario") or None
    if scenario is not None and not _SLUG.fullmatch(scenario):
        return "the scenario is not the name of one"
    numbers: dict[str, int | None] = {}
    for column, (low, high) in _BOUNDS.items():
        cell = given.get(column, "")
        if cell and not (cell.isascii() and cell.isdecimal() and len(cell) < 12 and low <= int(cell) <= high):
            return f"{column} is not a number from {low} to {high}"
        numbers[column] = int(cell) if cell else None
    return Person(line, given["candidate"], scenario, **numbers)
