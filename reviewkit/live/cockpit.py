"""A live session at its edge: follows the intake in a thread, reads the key, keeps the interviewer's entries in the store."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from reviewkit import decisions as decided
from reviewkit.assess import match_state
from reviewkit.bank import Bank, Entry
from reviewkit.blocking import finished
from reviewkit.errors import IntakeError, ReviewkitError, UsageError
from reviewkit.invite import Invite
from reviewkit.live import notes
from reviewkit.live.board import Board, board, clock
from reviewkit.live.follow import Connected, Lost, follow
from reviewkit.live.guide import DefectGuide, read_guide
from reviewkit.live.notes import Note, NoteKind
from reviewkit.live.session import Message, Session
from reviewkit.live.sidebyside import Beside, side_by_side
from reviewkit.live.stages import Stage, stage_html
from reviewkit.matching import Matching
from reviewkit.outfolder import OutFolder
from reviewkit.ratingdesk import now as timestamp
from reviewkit.refresh import refresh
from reviewkit.rubric import Rubric
from reviewkit.scenario import Scenario

SETTLE_SECONDS = 0.15
"""Events that come at once, as after a time without network, are looked at together."""
TORN_SECONDS = 5.0
"""Before a session with a hole is read again: one that stays torn must not keep the intake busy."""
_Arrival = Message | Connected | Lost | Exception


@dataclass(frozen=True, slots=True)
class Link:
    """How the stream is."""

    is_up: bool = False
    words: str = "Connecting to the intake…"


class Cockpit:
    """One interviewer's view of one session.

    Args:
        bank: With rubrics.
        invite: Whose session.
        out: Output folder of `reviewkit score`, with the store.
        rater: Opaque id of the interviewer.
        quiet_minutes: Focus time where it is to be longer than the one that the invite promises.

    Raises:
        UsageError: If the bank has not this scenario, or no rubric of it, or the invite has no intake.
        ContentError: If scenario or rubric cannot be read.
    """

    def __init__(self, bank: Bank, invite: Invite, out: OutFolder, rater: str, *, quiet_minutes: int = 0) -> None:
        if not rater.strip():
            raise UsageError("Say who interviews.", "Name yourself with --rater; any id will do.")
        if not invite.intake:
            raise UsageError(f"Invite {invite.id} names no intake, so nothing of it can be followed.", "Make one with --intake.")
        self.bank, self.invite, self.out, self.rater = bank, invite, out, rater.strip()
        self.entry: Entry = bank.entry(invite.slug)
        self.scenario: Scenario = self.entry.scenario
        self.rubric: Rubric = self.entry.rubric
        assert self.entry.rubric_folder is not None  # noqa: S101 - its rubric was read
        guide = self.entry.rubric_folder / "guide.md"
        self.guide: Mapping[str, DefectGuide] = read_guide(guide.read_text("utf-8")) if guide.is_file() else {}
        self.quiet_minutes = max(quiet_minutes, invite.focus)
        self.session, self.link = Session(invite.id), Link()
        self._storing = threading.Lock()
        self.entries: list[Note] = []
        self._of_others: tuple[Note, ...] = ()
        self.look_at_others()
        self._matching: Matching | None = None
        self._lock = threading.Lock()
        self._stop: Callable[[], None] = lambda: None

    def look_at_others(self) -> None:
        """Read again what the store holds of this session; may be called from any thread.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: If the store cannot be read.
        """
        with self._storing:
            held = finished(notes.LEDGER.read(self.out.store_url, self.invite.id)).get(self.invite.id, ())
            self.entries = [note for note in held if note.author == self.rater]
            self._of_others = tuple(note for note in held if note.author != self.rater)

    # --- what is seen -------------------------------------------------------------------------------------------------
    def board(self, at: datetime | None = None) -> Board:
        """The screen at a time; now when none is given."""
        with self._lock:
            session, matching = self.session, self._matching
        time = clock(session, self.invite.minutes, self.quiet_minutes, at or datetime.now(UTC))
        return board(session, self.scenario, self.rubric, matching, time)

    def stage(self, stage: Stage, at: datetime | None = None) -> str:
        """What a stage of the interview shows now, as HTML; empty during focus time and before anything came."""
        with self._lock:
            session = self.session
        if clock(session, self.invite.minutes, self.quiet_minutes, at or datetime.now(UTC)).quiet_left or not session.events:
            return ""
        return stage_html(stage, self.scenario, self.rubric, session.state, session.events)

    @property
    def standing(self) -> notes.Standing:
        """What this interviewer has said so far."""
        return notes.standing(self.entries)

    @property
    def beside(self) -> tuple[Beside, ...]:
        """Marks and gates beside those of other interviewers, who are shown only where this one has judged."""
        return side_by_side([*self._of_others, *self.entries], self.rater)

    def take(self, messages: list[Message]) -> None:
        """Take what the stream brought, and match it with the key."""
        with self._lock:
            session = self.session
        before = session.events
        for message in messages:
            session = session.take(message)
        matching = self._matching
        if session.events != before or matching is None:
            matching = match_state(session.state, self.entry)
        with self._lock:
            self.session, self._matching = session, matching

    # --- following ----------------------------------------------------------------------------------------------------
    def start(self, token: str, changed: Callable[[], None]) -> threading.Thread:
        """Follow the intake in a thread until `stop`.

        Args:
            token: Of the hiring side.
            changed: Called in that thread whenever the board or the link may look otherwise.
        """
        thread = threading.Thread(target=lambda: asyncio.run(self._run(token, changed)), name="reviewkit-cockpit", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End following; may be called twice and from any thread."""
        self._stop()

    async def _run(self, token: str, changed: Callable[[], None]) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs is a task

        def stop() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                loop.call_soon_threadsafe(task.cancel)

        self._stop = stop
        try:
            while await self._follow(token, changed):
                pass
        except asyncio.CancelledError:
            self.link = Link(False, "Not followed any more.")
        except IntakeError as error:
            self.link = Link(False, str(error))
        except Exception as error:  # whatever it is, the screen must not go on saying that it follows
            self.link = Link(False, f"Following ended with {type(error).__name__}. Run the cell again; nothing is lost.")
        changed()

    async def _follow(self, token: str, changed: Callable[[], None]) -> bool:
        """Follow until the session turns out torn; then it is read from its beginning."""
        arrived: asyncio.Queue[_Arrival] = asyncio.Queue()
        reading = asyncio.create_task(self._read(token, arrived))
        try:
            while not self.session.is_torn:
                batch = [await arrived.get()]
                if isinstance(batch[0], Message):
                    await asyncio.sleep(SETTLE_SECONDS)
                while not arrived.empty():
                    batch.append(arrived.get_nowait())
                await asyncio.to_thread(self._digest, batch)
                changed()
        finally:
            reading.cancel()
        self.link = Link(False, "An event is missing; the session is read again from its beginning.")
        changed()
        await asyncio.sleep(TORN_SECONDS)
        self.session = Session(self.invite.id)
        return True

    async def _read(self, token: str, arrived: asyncio.Queue[_Arrival]) -> None:
        try:
            async for item in follow(self.invite.intake, token, self.invite.id, self.session.last_id):
                arrived.put_nowait(item)
        except Exception as error:  # raised where it is taken, so that a reader that died is noticed
            arrived.put_nowait(error)

    def _digest(self, batch: list[_Arrival]) -> None:
        for item in batch:
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Connected):
                self.link = Link(True, "Following the intake.")
            elif isinstance(item, Lost):
                self.link = Link(False, f"{item.why}. Trying again; nothing is lost.")
        messages = [item for item in batch if isinstance(item, Message)]
        if messages or self._matching is None:
            self.take(messages)

    # --- what the interviewer says ------------------------------------------------------------------------------------
    def say(self, kind: NoteKind, text: str = "", item: str | None = None, outcome: str | None = None) -> Note:
        """Store an entry before it is shown.

        Raises:
            ValueError: If it is no whole entry, or names something that the key has not.
            DataError: If the store cannot be written.
        """
        known = {
            NoteKind.HINT: {defect.id for defect in self.rubric.defects},
            NoteKind.MARK: {dimension.value for dimension in self.rubric.levels},
            NoteKind.GATE: {gate.id for gate in self.rubric.gates},
        }
        if item is not None and item not in known.get(kind, ()):
            raise ValueError(f"the key has no {item!r}")
        note = Note(
            candidate=self.invite.candidate, author=self.rater, time=timestamp(), kind=kind, item=item, outcome=outcome, text=text.strip(),
        )  # fmt: skip
        with self._storing:  # one that reads just now must not bring back what was before
            finished(notes.LEDGER.add(self.out.store_url, self.invite.id, [note]))
            self.entries.append(note)
        with contextlib.suppress(SQLAlchemyError):  # the entry is kept; others are looked at again by and by
            self.look_at_others()
        return note

    def hand_over(self) -> str:
        """Put hints, marks and gates into the scorecard of what was handed in; what was done, in a sentence.

        Raises:
            UsageError: If nothing of the candidate is scored yet.
            ReviewkitError: As scoring again.
        """
        sha256 = self._submission()
        stored = finished(decided.of(self.out.store_url, sha256))
        new = notes.decisions(self.entries, stored)
        finished(decided.add(self.out.store_url, sha256, new))
        rows = refresh(self.out, self.bank, [sha256])
        total = next((f"{row.total:.1f} of {row.over:g}" for row in rows if row.total is not None and row.over), "unscored")
        return f"{len(new)} decisions handed over; the result is now {total}. Report: {self.out.root / rows[0].report}"

    def _submission(self) -> str:
        try:
            scored = self.out.scored()
        except ReviewkitError:
            scored = {}
        handed_in = [sha256 for sha256 in self.session.submissions if sha256 in scored]
        own = [sha for sha, row in scored.items() if (row.candidate, row.scenario) == (self.invite.candidate, self.invite.slug)]
        if not handed_in and len(own) != 1:
            raise UsageError(
                f"No submission of {self.invite.candidate} is scored yet; your entries are kept.",
                "Score what was submitted (hiring desk, or reviewkit score) and hand over again.",
            )
        return (handed_in or own)[-1]
