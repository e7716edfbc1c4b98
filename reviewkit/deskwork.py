"""What the hiring desk does: reads bank, store, output folder and intakes; makes invites; scores what was handed in.

Every method may be called inside a kernel's event loop. The same code as `reviewkit invite create` and `reviewkit score`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from reviewkit import desk
from reviewkit.bank import Bank
from reviewkit.batch import Order, prepare, publish
from reviewkit.batchrun import score_all
from reviewkit.blocking import finished
from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.intake.client import HIRING_VARIABLE, IntakeClient
from reviewkit.intake.fetch import fetch
from reviewkit.invite import Invite
from reviewkit.invite_changes import extended, withdrawn
from reviewkit.invite_links import Link, Places, links
from reviewkit.invite_store import InviteChange, InviteStore, KnownInvite
from reviewkit.invite_terms import Terms
from reviewkit.inviting import make, token
from reviewkit.keyring import keys_folder, signing_key
from reviewkit.outfolder import OutFolder
from reviewkit.row import Row

_PATIENCE: Final = 10.0
"""Seconds for an intake that does not answer; the table is shown without it then."""


@dataclass(frozen=True)
class Look:
    """Where candidates stand, and what could not be found out."""

    places: tuple[desk.Place, ...]
    notes: tuple[str, ...]
    """One sentence for each intake that could not be asked."""


@dataclass(frozen=True)
class Made:
    """A new invite and its links."""

    invite: Invite
    links: tuple[Link, ...]


class DeskWork:
    """A desk over one bank, one store and one output folder.

    Args:
        bank: With rubrics, to score.
        out: Output folder of `reviewkit score`; made when first needed.
        store: SQLAlchemy URL of the invites' store.
        where: Where candidates open workbooks.
    """

    def __init__(self, bank: Bank, out: Path, store: str, where: Places) -> None:
        self.bank, self.out, self.where = bank, OutFolder(out), where
        self._store = InviteStore(store)
        self.choices = [desk.choice_of(entry) for entry in bank]

    def invite(self, slug: str, candidate: str, terms: Terms) -> Made:
        """Make an invite, store it, and give its links.

        Raises:
            UsageError: If the candidate's id, a term or an address cannot be used; nothing is stored then.
            DataError: If the store or the signing key cannot be used.
        """
        links("rk1.x.y", self.where)  # a wrong address is said before anything is stored
        now = int(time.time())
        invite = make(self.bank, slug, candidate, terms, signing_key(keys_folder()), now)
        finished(self._store.add([InviteChange(invite, "created", now)]))
        return Made(invite, self.links(invite))

    def extend(self, invite: str, days: int) -> Made:
        """Make an invite valid for so many days from now, and give its new links.

        Raises:
            UsageError: If it was withdrawn or is valid longer already, or its intake cannot be told for want of a token.
            IntakeError: If its intake cannot be told; the change is stored then.
            DataError: If the store or its signing key cannot be used.
        """
        change = finished(extended(self._store, invite, days, int(time.time())))
        return Made(change.invite, self.links(change.invite))

    def withdraw(self, invite: str) -> Invite:
        """Withdraw an invite for good.

        Raises:
            UsageError: If it was withdrawn before, or its intake cannot be told for want of a token.
            IntakeError: If its intake cannot be told; the change is stored then.
            DataError: If the store cannot be used.
        """
        return finished(withdrawn(self._store, invite, int(time.time()))).invite

    def links(self, invite: Invite) -> tuple[Link, ...]:
        """Links of a stored invite.

        Raises:
            DataError: If its signing key is not here.
        """
        return tuple(links(token(invite, keys_folder()), self.where))

    def look(self) -> Look:
        """Ask the store, the output folder, and every intake that an invite names.

        Raises:
            DataError: If the store cannot be read.
        """
        known = finished(self._store.all())
        received, asked, notes = self._received(known)
        return Look(tuple(desk.places(known, received, self._rows(), asked, time.time())), tuple(notes))

    def score(self, tell: Callable[[Row], None]) -> list[Row]:
        """Fetch what was handed in and not scored yet, and score it into the output folder.

        Args:
            tell: Called with each row as it is done.

        Raises:
            UsageError: If there are no rubrics, the folder cannot be written, or no token for an intake is set.
            IntakeError: If an intake cannot be reached or refuses.
        """
        if self.bank.rubrics is None:
            raise UsageError("The bank has no rubrics, so nothing can be scored.", "Name their folder with --rubrics.")
        prepare(self.out.root)
        candidates: dict[Path, str] = {}
        for address in self._addresses(finished(self._store.all())):
            candidates |= finished(self._fetch(address))
        known = {row.sha256 for row in self._rows()}
        paths = [path for path in candidates if _sha256(path) not in known]
        order = Order(self.out.root, self.bank.root, self.bank.rubrics)
        rows = score_all(paths, order, lambda done: tell(done.row)) if paths else []
        rows = [replace(row, candidate=candidates[path]) for path, row in zip(paths, rows, strict=True)]
        return publish(rows, self.out.root) if rows else []

    def _rows(self) -> list[Row]:
        return list(self.out.cohort()) if self.out.root.is_dir() else []

    def _addresses(self, known: list[KnownInvite]) -> list[str]:
        return sorted({entry.invite.intake for entry in known if entry.invite.intake})

    def _received(self, known: list[KnownInvite]) -> tuple[dict[str, desk.Received], set[str], list[str]]:
        received: dict[str, desk.Received] = {}
        asked: set[str] = set()
        notes: list[str] = []
        for address in self._addresses(known):
            try:
                received |= finished(_ask(address))
                asked.add(address)
            except ReviewkitError as error:
                notes.append(f"{address}: {error}")
        return received, asked, notes

    async def _fetch(self, address: str) -> dict[Path, str]:
        async with IntakeClient(address, _token(), patience=_PATIENCE) as client:
            return (await fetch(client, self.out.root)).candidates


async def _ask(address: str) -> dict[str, desk.Received]:
    """Invite id -> what an intake holds of it."""
    async with IntakeClient(address, _token(), patience=_PATIENCE) as client:
        states, handed_in = await client.invites(), await client.submissions()
    by_invite: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(handed_in, key=lambda row: int(row["id"])):
        by_invite.setdefault(str(row["invite"]), []).append(row)
    return {
        str(state["invite"]): desk.Received(
            int(state["events"]),
            str(state["last_at"]),
            tuple(str(row["sha256"]) for row in by_invite.get(str(state["invite"]), ())),
        )
        for state in states
    }


def _token() -> str:
    found = os.environ.get(HIRING_VARIABLE, "")
    if not found:
        step = "Make a token on the intake's machine (reviewkit intake token create NAME) and start the desk again."
        raise UsageError(f"{HIRING_VARIABLE} is not set, so the intake was not asked.", step)
    return found


def _sha256(path: Path) -> str:
    from hashlib import sha256

    return sha256(path.read_bytes()).hexdigest()
