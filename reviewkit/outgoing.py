"""What this server sends on for an invite: token, place and receipt, one file per record in the state folder, mode 0600.

The token is never in the notebook: a completed one goes from hand to hand. How far the record was sent is not kept here;
the intake is asked, so that nothing here can claim more than is stored there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints, ValidationError

from reviewkit.durable import replace_file
from reviewkit.errors import GrantError
from reviewkit.fieldtypes import Hash, RecordId
from reviewkit.grants import state_folder

FOLDER: Final = "invites"
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")


class HandIn(BaseModel):
    """One completed notebook on its way, or handed in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: Annotated[StrictInt, Field(ge=1)]
    """Number of the `workbook.submitted` event that it was made for."""
    sha256: Hash
    receipt: Annotated[str, StringConstraints(max_length=80)] = ""
    """Of the intake; empty until it has confirmed."""
    received_at: Annotated[str, StringConstraints(max_length=40)] = ""


class Outgoing(BaseModel):
    """What belongs to one record that is sent on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Annotated[str, StringConstraints(max_length=2048)] = Field(repr=False)
    intake: Annotated[str, StringConstraints(max_length=200)]
    there: RecordId
    """Name of the record at the intake; another than its own where that one is taken by other events."""
    hand_in: HandIn | None = None


class Outgoings:
    """The files of one state folder.

    Args:
        folder: The state folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = (folder or state_folder()) / FOLDER

    def get(self, record: str) -> Outgoing | None:
        """What is kept for a record, or None.

        Raises:
            GrantError: If it is there but cannot be read.
        """
        try:
            return Outgoing.model_validate_json(self._file(record).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            raise GrantError("What is known of this invite cannot be read", "Open its link again.") from None

    def put(self, record: str, outgoing: Outgoing) -> None:
        """Keep it durably, in the place of what was there.

        Raises:
            GrantError: If it could not be stored.
        """
        self._write(self._file(record), outgoing.model_dump_json().encode())

    def records(self) -> list[str]:
        """Records that something is kept for, in order."""
        try:
            return sorted(path.stem for path in self._folder.glob("*.json") if _NAME.fullmatch(path.stem))
        except OSError:
            return []

    def stage(self, record: str, seq: int, body: bytes) -> None:
        """Keep the bytes of a hand-in, so that every try sends the same ones.

        Raises:
            GrantError: If they could not be stored.
        """
        self._write(self._body(record, seq), body)

    def staged(self, record: str, seq: int) -> bytes | None:
        """The bytes kept for a hand-in, or None."""
        try:
            return self._body(record, seq).read_bytes()
        except OSError:
            return None

    def unstage(self, record: str, seq: int) -> None:
        """Forget the bytes of a hand-in that was confirmed."""
        self._body(record, seq).unlink(missing_ok=True)

    def _file(self, record: str) -> Path:
        return self._folder / f"{record}.json"

    def _body(self, record: str, seq: int) -> Path:
        return self._folder / f"{record}.{seq}.ipynb"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, content)
        except OSError as error:
            fact = f"What is sent on for this invite could not be stored ({error.strerror})"
            raise GrantError(fact, "Free some space, then open the link again.") from error
