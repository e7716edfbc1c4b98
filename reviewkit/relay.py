"""Two guests for one run of a candidate's check: one holds the check and its world, the other the code it is about.

The parent only passes calls and requests on, as plain values. The check never shares a process with the code, so it
cannot read it; the code's requests are answered by the check's world, as they were in the candidate's own kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from reviewkit.errors import printable
from reviewkit.guest import check
from reviewkit.guest.plain import NotPlainError
from reviewkit.harness.job import Job, Launcher, Load, LoadError
from reviewkit.harness.world import World
from reviewkit.sandbox import SandboxError

CHECK_SECONDS: Final = 60.0
"""Wall time of one run of a check, as in the candidate's workbook."""
PATIENCE_SECONDS: Final = 5.0
"""How much longer the parent waits for the outcome."""
MOST_JOBS: Final = 20
"""Times that a check may open the code."""
LONGEST_CALL: Final = 60.0
SLACK: Final = 3.0
"""How much longer than a check asked for a call may take: each request crosses two guests."""
IDLE: Final = 0.3
"""Share of the wall time below which guests did not use their processor: the machine was busy with others, or they slept."""
MAX_TEXT: Final = 300
_PLACES = re.compile(
    r"(?<![\w/.])/(?:tmp|tree|stage|usr|home|root|var|opt|lib|lib64|proc|dev|nix|private)(?:/[^\s'\":,;)\]}>]*)?"
)
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")

Ended = Literal["fails", "passes", "error", "not_run"]


@dataclass(frozen=True)
class Ran:
    """One run of a check."""

    outcome: Ended
    """`not_run` is a fault of ours; the others are the check's own."""
    seen: str
    out_of_time: bool = False
    """It gave no outcome in time."""
    idle: bool = False
    """Out of time although the guests hardly used a processor: worth one more run."""


async def run_check(launcher: Launcher, scenario: Path, code: Load, source: str, seed: int) -> Ran:
    """Run a check once.

    Args:
        launcher: The sandbox.
        scenario: Folder of the scenario, which the check's guest may read; the code under test is not in there.
        code: What the check is about.
        source: The body of the check.
        seed: Of `random` in the check's guest.
    """
    desk = Desk(launcher, code)
    holder = Load(scenario, (), code.packages, Path(check.__file__))
    try:
        desk.guest = await launcher.launch(holder, desk)
    except (SandboxError, LoadError, OSError) as error:
        return Ran("not_run", shown(str(error)))
    begun = time.monotonic()
    try:
        arguments = {"source": source, "seconds": CHECK_SECONDS, "seed": seed}
        reply = await desk.guest.ask("call", {"name": "run", "kwargs": arguments}, CHECK_SECONDS + PATIENCE_SECONDS)
    except NotPlainError as error:
        return Ran("error", shown(str(error)))
    finally:
        await desk.close()
    ran = _read(reply, desk)
    return replace(ran, idle=ran.out_of_time and desk.cpu < IDLE * (time.monotonic() - begun))


def _read(reply: dict[str, Any], desk: Desk) -> Ran:
    """What a run came to; everything in the reply is the guest's word, and must have the one form that is asked for."""
    if desk.fault:
        return Ran("not_run", shown(desk.fault))
    if desk.lacks:
        return Ran("not_run", shown(f"level wasi has no {', '.join(desk.lacks)}, which check or code uses; score on Linux"))
    ending = getattr(desk.guest, "ending_text", "")
    if ending or "error" in reply:
        late = reply.get("error") == "TimeLimit"  # also what is said of a guest that used up its processor time
        return Ran("error", shown(ending or f"{reply['error']}: {reply['message']}"), late)
    value = reply.get("value")
    if type(value) is not dict or value.keys() != {"outcome", "seen"} or type(value["seen"]) is not str:
        return Ran("error", "an answer of unknown form")
    outcome, seen = value["outcome"], shown(value["seen"])
    if outcome == "fails":
        return Ran("fails", seen)
    if outcome == "passes":
        return Ran("passes", seen)
    return Ran("error", seen, seen.startswith("TimeoutError"))


def shown(text: str) -> str:
    """One line for a report: bounded, without control characters, paths of this machine and addresses of memory."""
    line = " ".join(text[: 4 * MAX_TEXT].split())
    line = printable(_ADDRESS.sub("0x…", _PLACES.sub("<path>", line)))
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


class Desk(World):
    """What the guest with the check reaches: jobs of the code, and nothing else."""

    def __init__(self, launcher: Launcher, code: Load) -> None:
        super().__init__()
        self._launcher, self._code = launcher, code
        self.guest: Job | None = None
        self.fault = ""
        """What failed on our side, if anything did."""
        self._jobs: dict[int, Job] = {}
        self._opened = 0
        self._all: list[Job] = []
        self._waiting: set[asyncio.Task[dict[str, Any]]] = set()

    @property
    def cpu(self) -> float:
        """Processor seconds of all guests that have ended."""
        ends = [getattr(job, "exit", None) for job in (*self._all, self.guest)]
        return float(sum(end.cpu for end in ends if end is not None))

    @property
    def lacks(self) -> list[str]:
        """Parts that check or code asked for and the guests do not have, by their own word."""
        return list(dict.fromkeys(part for job in (*self._all, self.guest) for part in getattr(job, "lacks", ())))

    async def handle(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Answer the check's guest.

        Raises:
            LookupError: For anything but jobs.
        """
        if op != "stage":
            raise LookupError(check.BLIND)
        number, what, rest = payload["job"], payload["what"], payload["payload"]
        if what == "open":
            return await self._open(number)
        job = self._jobs.get(number)
        if job is None:
            return {"error": "GuestClosed", "message": "the job is over"}
        if what == "close":
            del self._jobs[number]
            await job.close()
            return {}
        return await self._call(job, what, rest)

    async def _open(self, number: int) -> dict[str, Any]:
        self._opened += 1
        if self._opened > MOST_JOBS or number in self._jobs:
            return {"error": "LookupError", "message": f"a check opens the change at most {MOST_JOBS} times"}
        try:
            self._jobs[number] = await self._launcher.launch(self._code, _Behind(self, number))
            self._all.append(self._jobs[number])
        except LoadError as error:
            return {"error": error.error, "message": error.message}
        except (SandboxError, OSError) as error:
            self.fault = str(error)
            return {"error": "LoadError", "message": "no guest"}
        return {}

    async def _call(self, job: Job, what: str, rest: dict[str, Any]) -> dict[str, Any]:
        if what == "call":
            name, kwargs = rest.get("name"), rest.get("kwargs")
            if type(name) is not str or type(kwargs) is not dict:
                raise LookupError("a call has a name and arguments")
            payload = {"name": name, "kwargs": kwargs}
        elif what in ("heartbeat", "beats"):
            payload = {}
        else:
            raise LookupError(check.BLIND)
        limit = rest.get("timeout")
        seconds = min(SLACK * limit, LONGEST_CALL) if type(limit) is float and limit > 0 else LONGEST_CALL
        return await job.ask(what, payload, seconds)

    async def ask_world(self, number: int, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Let the check's world answer what the code asked for.

        Raises:
            LookupError: If it cannot.
        """
        assert self.guest is not None  # noqa: S101 - the code is opened by the guest
        arguments = {"job": number, "op": op, "payload": payload}
        task = asyncio.create_task(self.guest.ask("call", {"name": "answer", "kwargs": arguments}, LONGEST_CALL))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        reply = await asyncio.shield(task)  # the code may take its request back; the reply comes all the same
        value = reply.get("value")
        if type(value) is not dict:
            raise LookupError(str(reply.get("message", "no answer")))
        return value

    async def close(self) -> None:  # type: ignore[override] # nothing of a World is in use here
        """End every guest."""
        jobs, self._jobs = list(self._jobs.values()), {}
        for job in (*jobs, *([self.guest] if self.guest else [])):
            await job.close()
        for task in list(self._waiting):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._waiting, return_exceptions=True)


class _Behind(World):
    """The world of the code under test, which is in the guest of the check."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__()
        self._desk, self._number = desk, number

    async def handle(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        return await self._desk.ask_world(self._number, op, payload)
