"""Grants: which notebooks this machine made itself, and so may record, trust and run.

Kept in the state folder, outside every folder that Jupyter shows; nothing in a notebook can grant anything.
Imported by kernels: standard library and pydantic only. Format: docs/record.md, section 3.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from reviewkit.durable import lock_file, replace_file
from reviewkit.errors import DataError, GrantError, UsageError
from reviewkit.event import first_fault
from reviewkit.fieldtypes import CANDIDATE_PATTERN, CandidateId, Hash, RecordId, Slug, Version
from reviewkit.record import SCHEMA, notebook_metadata
from reviewkit.terms import Terms

STATE_VARIABLE: Final = "REVIEWKIT_STATE"
SESSION_VARIABLE: Final = "JPY_SESSION_NAME"
PARENT_VARIABLE: Final = "REVIEWKIT_PARENT"
"""Process id with which a served workbook's server ends, also when that process is killed and cannot stop it."""
_FILE: Final = "grants.json"
_TIME_BOX: Final = re.compile(r"(The time box is )\d+ minutes")
_CANDIDATE: Final = re.compile(CANDIDATE_PATTERN)


class Grant(BaseModel):
    """What the server may do with one notebook that it made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: RecordId
    slug: Slug
    version: Version
    candidate: CandidateId = ""
    """From the invite, never a name."""
    preview: StrictBool = False
    """True: forms work, nothing is recorded."""
    terms: Terms | None = None
    """What the candidate agrees to before anything is recorded; None without an invite."""
    files: tuple[str, ...] = ()
    """Order in which the change shows its files, drawn from the invite's seed; empty: as the scenario has it."""
    cells: dict[str, Hash] = Field(default_factory=dict)
    """Id of each code cell -> SHA-256 of its source as it was made."""


class Granted(NamedTuple):
    """A notebook and its grant."""

    notebook: Path
    """Absolute, without symbolic links."""
    grant: Grant


_GRANTS = TypeAdapter(dict[str, Grant])


def state_folder() -> Path:
    """Folder of the grants: `REVIEWKIT_STATE`, or `reviewkit` in Jupyter's data folder; not made here."""
    chosen = os.environ.get(STATE_VARIABLE)
    if chosen:
        return Path(chosen)
    from jupyter_core.paths import jupyter_data_dir  # here, because a kernel with the variable set needs none of it

    return Path(jupyter_data_dir()) / "reviewkit"


class Grants:
    """The grants of one state folder. Every call reads the file: several servers and kernels share it.

    Args:
        folder: The state folder; made by the first `put`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or state_folder()

    def put(self, notebook: Path, grant: Grant) -> None:
        """Store the grant of a notebook, replacing the one it had.

        Raises:
            GrantError: If it could not be stored; the other grants are untouched.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with lock_file(self.folder / "grants.lock"):
                content = {key: value.model_dump(mode="json") for key, value in self._read().items()}
                content[_key(notebook)] = grant.model_dump(mode="json")
                replace_file(self.folder / _FILE, json.dumps(content, indent=1, sort_keys=True).encode())
        except OSError as error:
            fact = f"The grant of this workbook could not be stored ({error.strerror or 'locked'})"
            step = f"Make the folder named by {STATE_VARIABLE} writable and open the workbook again."
            raise GrantError(fact, step) from error

    def of(self, notebook: Path) -> Grant | None:
        """Grant of the notebook at this path, or None.

        Raises:
            GrantError: If the grants are there but cannot be read.
        """
        return self._read().get(_key(notebook))

    def granted(self, notebook: Path) -> Granted | None:
        """The notebook at this path under its one name, with its grant, or None.

        Raises:
            GrantError: If the grants are there but cannot be read.
        """
        grant = self.of(notebook)
        return Granted(Path(_key(notebook)), grant) if grant else None

    def of_record(self, record: str) -> Granted | None:
        """Notebook and grant that a record belongs to, or None.

        Raises:
            GrantError: If the grants are there but cannot be read.
        """
        for name, grant in self._read().items():
            if grant.record == record:
                return Granted(Path(name), grant)
        return None

    def _read(self) -> dict[str, Grant]:
        try:
            return _GRANTS.validate_json((self.folder / _FILE).read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            fact = f"The grants could not be read ({error.strerror})"
            raise GrantError(fact, f"Make the folder named by {STATE_VARIABLE} readable.") from error
        except ValidationError as error:
            step = f"Move {_FILE} out of the folder named by {STATE_VARIABLE} and open the workbook again."
            raise GrantError("The grants are damaged", step) from error


def find_session_grant(session_name: str | None = None) -> Granted | None:
    """The notebook that this kernel belongs to and its grant, or None.

    Args:
        session_name: Path of the notebook; by default what the server put into `JPY_SESSION_NAME`.

    Raises:
        GrantError: If the grants are there but cannot be read.
    """
    name = os.environ.get(SESSION_VARIABLE, "") if session_name is None else session_name
    if not Path(name).is_absolute():
        return None  # a console, a test runner, or a server that names sessions otherwise
    return Grants().granted(Path(name))


def issue(
    workbook: Path,
    folder: Path,
    *,
    candidate: str = "",
    preview: bool = False,
    record: str = "",
    terms: Terms | None = None,
    seed: int | None = None,
    grants: Grants | None = None,
) -> Granted:
    """Write a fresh copy of a blank workbook with a record of its own, and grant it.

    Args:
        workbook: A blank workbook that reviewkit built.
        folder: Existing folder for the copy, which is named after the scenario and the record.
        candidate: Opaque id; empty for practice.
        preview: True records nothing.
        record: Id of the record, which then names the copy; by default a fresh one.
        terms: What the candidate agrees to first.
        seed: Draws the order of the change's files; None leaves it.
        grants: Where to store the grant; by default the state folder.

    Raises:
        UsageError: If `candidate` is not such an id.
        DataError: If `workbook` is not a blank workbook.
        GrantError: If the copy or its grant could not be stored.
    """
    if not _CANDIDATE.fullmatch(candidate):
        raise UsageError(
            "A candidate's id holds at most 80 letters, digits and _ . @ + -", "Use one such as c-17; no names."
        )
    notebook, grant = _read_blank(workbook, candidate, preview, record or secrets.token_hex(8), seed)
    grant = grant.model_copy(update={"terms": terms})
    if terms is not None:
        _set_time_box(notebook, terms.minutes)
    path = Path(_key(folder / f"{grant.slug}-{record or grant.record[:6]}.ipynb"))
    try:
        replace_file(path, json.dumps(notebook, indent=1, ensure_ascii=False).encode() + b"\n")
    except OSError as error:
        fact = f"A fresh copy of the workbook could not be written ({error.strerror})"
        raise GrantError(fact, "Free some space or choose another folder, then open it again.") from error
    (grants or Grants()).put(path, grant)
    return Granted(path, grant)


def cell_hashes(notebook: Mapping[str, Any]) -> dict[str, str]:
    """Id of each code cell of a parsed notebook -> SHA-256 (hex) of its source."""
    return {
        cell["id"]: hashlib.sha256("".join(cell["source"]).encode()).hexdigest()
        for cell in notebook["cells"]
        if cell.get("cell_type") == "code" and "id" in cell
    }


def _set_time_box(notebook: dict[str, Any], minutes: int) -> None:
    """Let the first screen's text name the time box of the invite, which may differ from the scenario's."""
    for cell in notebook["cells"][:1]:
        if cell.get("cell_type") == "markdown":
            cell["source"] = _TIME_BOX.sub(rf"\g<1>{minutes} minutes", "".join(cell["source"]))


def grant_of(workbook: Path, *, candidate: str, record: str, terms: Terms | None, seed: int) -> Grant:
    """The grant that a copy of a blank workbook gets, for a copy that is there already.

    Raises:
        DataError: If `workbook` is not a blank workbook.
    """
    return _read_blank(workbook, candidate, False, record, seed)[1].model_copy(update={"terms": terms})


def _read_blank(
    workbook: Path, candidate: str, preview: bool, record: str, seed: int | None
) -> tuple[dict[str, Any], Grant]:
    """A workbook that nobody has worked on, stamped with a record of its own, and the grant for it."""
    from reviewkit.fileorder import draw

    rebuild = "Build it again with: reviewkit build"
    try:
        notebook = json.loads(workbook.read_bytes())
        own = notebook["metadata"]["reviewkit"]
        grant = Grant(
            record=record,
            slug=own["slug"],
            version=own["version"],
            candidate=candidate,
            preview=preview,
            files=() if seed is None else draw(notebook, seed),
            cells=cell_hashes(notebook),
        )
        schema, worked_on = own["schema"], bool(own.get("record"))
    except OSError as error:
        raise DataError(str(workbook), f"the workbook cannot be read ({error.strerror})", rebuild) from error
    except ValidationError as error:
        raise DataError(str(workbook), f"the workbook cannot be granted ({first_fault(error)})", rebuild) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(str(workbook), "is not a workbook that reviewkit built", rebuild) from error
    if schema != SCHEMA:
        raise DataError(str(workbook), "is a workbook of another version of reviewkit", rebuild)
    if worked_on:
        raise DataError(str(workbook), "already belongs to somebody's record", "Open a blank workbook instead.")
    notebook["metadata"]["reviewkit"] = notebook_metadata(grant.slug, grant.version, grant.record, candidate)
    return notebook, grant


def _key(notebook: Path) -> str:
    """A notebook's absolute path without symbolic links: one name for one file."""
    return os.path.realpath(notebook)
