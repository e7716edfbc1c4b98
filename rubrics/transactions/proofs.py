"""One proof per defect: reports and look-ups that anybody could send, judged by answers, rows and connections."""

from __future__ import annotations

import tomllib

from reviewkit.harness import Answer, Seen, Stage, proof

CENTS = (29, 57, 113, 115, 1001, 1999, 3333, 6411)
"""Amounts whose hundredfold, computed in binary, sits just below or just above a whole number."""
NOT_A_NUMBER = ("NaN", "Infinity", "1e999")
READERS = 40


def status(answer: Answer) -> int:
    """The HTTP status, or 0 when the call itself failed."""
    return int(answer.value["status"]) if answer.ok else 0


@proof("float-cents")
async def float_cents(stage: Stage) -> Seen:
    """Amounts with two decimals come out as other cents."""
    world = stage.kit.counter()
    async with stage.open(world) as job:
        for cents in CENTS:
            await job.call(
                "process", key=f"key-{cents:05}", receipt=f"r-{cents}", amount=f"{cents // 100}.{cents % 100:02}"
            )
        kept = {row[1]: row[3] for row in stage.kit.recorded(world)}
    wrong = [(cents, kept.get(f"key-{cents:05}")) for cents in CENTS if kept.get(f"key-{cents:05}") != cents]
    return Seen(bool(wrong), f"{len(wrong)} of {len(CENTS)} amounts were kept as other cents: {wrong[:3]}")


@proof("nonfinite-amount")
async def nonfinite_amount(stage: Stage) -> Seen:
    """What is no number gets past the model and is answered as the service's own failure."""
    world = stage.kit.counter()
    async with stage.open(world) as job:
        answers = [
            await job.call("process", key=f"key-{n:04}", receipt=f"r-{n}", amount=amount)
            for n, amount in enumerate(NOT_A_NUMBER)
        ]
    refused = sum(400 <= status(answer) < 500 for answer in answers)
    answered = [status(answer) for answer in answers]
    return Seen(refused < len(answers), f"{refused} of {len(answers)} refused; answers {answered}")


@proof("hidden-refusal")
async def hidden_refusal(stage: Stage) -> Seen:
    """The refusal that the endpoint raises itself never reaches the operator."""
    async with stage.open(stage.kit.counter()) as job:
        answer = await job.call("process", merchant="m-9")
    return Seen(status(answer) >= 500, f"an unknown merchant is answered {status(answer)}")


@proof("key-reuse")
async def key_reuse(stage: Stage) -> Seen:
    """Another payment under a known key is settled and not kept."""
    world = stage.kit.counter()
    async with stage.open(world) as job:
        await job.call("process", amount="12.50", receipt="r-1")
        answer = await job.call("process", amount="99.00", receipt="r-2")
        kept = [row[3] for row in stage.kit.recorded(world)]
    shown = status(answer) == 200 and kept == [1250]
    return Seen(shown, f"99.00 under the key of 12.50 is answered {status(answer)}; cents kept: {kept}")


@proof("swallowed-conflict")
async def swallowed_conflict(stage: Stage) -> Seen:
    """A new key with a receipt number that is taken: settled, and nowhere to be found."""
    async with stage.open(stage.kit.counter()) as job:
        await job.call("process", key="key-0001", receipt="r-1")
        answer = await job.call("process", key="key-0002", receipt="r-1")
        found = await job.call("read", key="key-0002")
    shown = status(answer) == 200 and status(found) == 404
    return Seen(shown, f"the report is answered {status(answer)}, looking it up {status(found)}")


@proof("pool-budget")
async def pool_budget(stage: Stage) -> Seen:
    """Connections of one busy process, times the processes that are deployed."""
    deployed = tomllib.loads(stage.tree.read("deploy/service.toml"))
    processes = deployed["service"]["instances"] * deployed["service"]["processes_per_instance"]
    room = deployed["postgresql"]["max_connections"] - deployed["postgresql"]["kept_for_operations"]
    world = stage.kit.counter()
    gate = world.gate(READERS)
    world.db().hold(gate, when=lambda sql: "FROM transactions" in sql)
    async with stage.open(world) as job:
        await job.gather([("read", {"key": f"key-{number:04}"}) for number in range(READERS)])
        held = world.connections_peak
    return Seen(held * processes > room, f"{processes} processes of {held} connections: {held * processes} of {room}")
