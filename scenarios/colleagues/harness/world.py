"""The world outside the page: the server that knows everybody, and a hand on its answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from reviewkit.harness import REFUSE, Calls, HttpCall, Reply, World

MOST = 50
"""People in one answer."""
TEAMS = ("dispatch", "depot", "night", "office")


def person(name: Any, number: int = 1, **facts: Any) -> dict[str, Any]:
    """A record as the server sends it."""
    return {
        "id": f"p-{number}", "name": name, "title": "Dispatcher", "team": "dispatch", "phone": f"+46 8 {number:04}",
        "manager": {"id": "p-900", "name": "Ewa Boss"}, **facts,
    }  # fmt: skip


def crowd(names: list[str], **facts: Any) -> list[dict[str, Any]]:
    """Several records, numbered from 1."""
    return [person(name, number, **facts) for number, name in enumerate(names, 1)]


@dataclass
class Site:
    """A world with the server in it."""

    world: World
    people: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """What is found, by what is asked for; nobody for anything else."""
    failures: list[Any] = field(default_factory=list)
    """What the next requests get instead of an answer: statuses, or REFUSE."""
    held: bool = False
    """Answers wait until they are let go."""
    asked: list[str] = field(default_factory=list)
    """What was asked for, in order."""
    teams: list[str] = field(default_factory=list)
    """The team of each question."""
    gates: list[asyncio.Event] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    """Questions, by their number from 0, that have no answer yet."""

    async def let(self, job: Calls, number: int) -> None:
        """Let an answer go, by the number of its question from 0, and the page take it in."""
        if number < len(self.gates):
            self.open.discard(number)
            self.gates[number].set()
        await job.call("settle", open=len(self.open))

    def start_over(self, held: bool = False, **people: list[dict[str, Any]]) -> None:
        """Forget what was asked; questions from before stay without an answer."""
        self.people, self.failures, self.held, self.open = people, [], held, set()
        self.asked, self.teams, self.gates = [], [], []


def site(held: bool = False, **people: list[dict[str, Any]]) -> Site:
    """A server that finds these people for these words."""
    world = World()
    made = Site(world, people, held=held)

    async def answer(call: HttpCall) -> Any:
        word, team = call.query.get("q", ""), call.query.get("team", "")
        gate = asyncio.Event()
        failure, number, open_ = made.failures.pop(0) if made.failures else None, len(made.gates), made.open
        found = [p for p in made.people.get(word, []) if team == "" or (p or {}).get("team") == team]
        made.asked.append(word)
        made.teams.append(team)
        made.gates.append(gate)
        if made.held:
            open_.add(number)
            try:
                await gate.wait()
            finally:  # a page that has lost interest is gone, too
                open_.discard(number)
        if failure is REFUSE:
            return REFUSE
        if failure is not None:
            return Reply(failure, json={"error": "directory"})
        return Reply(200, json={"people": found[:MOST], "total": len(found)})

    world.http("app", answer)
    return made


async def type_(job: Calls, made: Site, text: str, *, wait: int = 300) -> None:
    """Put a text into the field and let so many milliseconds pass."""
    await job.call("type", text=text)
    await job.call("wait", ms=wait)
    await settle(job, made)


async def settle(job: Calls, made: Site) -> None:
    """Let the page take in every answer that was given."""
    await job.call("settle", open=-1 if made.held else 0)


async def page(job: Calls) -> dict[str, Any]:
    """What the page shows."""
    answer = await job.call("page")
    return answer.value if answer.ok else {"people": [], "details": [], "blank": True, "error": answer.message}
