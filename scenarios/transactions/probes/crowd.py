"""Forty look-ups at one process in the same moment, each held at its statement until the crowd is complete."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

READERS = 40


async def run(stage: Stage) -> ProbeResult:
    """Count the connections that one process holds, and the answers."""
    world = stage.kit.counter()
    gate = world.gate(READERS)
    world.db().hold(gate, when=lambda sql: sql.lstrip().upper().startswith("SELECT"))
    async with stage.open(world) as job:
        answers = await job.gather([("read", {"key": f"key-{number:04}"}) for number in range(READERS)])
        held = world.connections_peak
    answered = sum(answer.ok for answer in answers)
    return ProbeResult(
        verdict=f"{answered} of {READERS} look-ups answered; {held} connections held by one process at most",
        plots=[bars("One process", {"look-ups": READERS, "connections": held}, y="count")],
    )
