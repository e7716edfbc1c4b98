"""Hidden checks: what a check was when the goal was set, a load, some calls and a database."""

import json
from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict

LEFT = "SELECT on_hand FROM drawers WHERE product = ?"


async def _sold(stage: Stage, units: int, counts: list[int], *, meet: bool = False) -> tuple[list[str | None], int, list[dict]]:
    """What came of some sales at the same time, units left, receipts."""
    async with stage.open(stage.kit.shop(bolt=units, nut=7)) as job:
        database = job.world.db()
        if meet:
            gate = job.world.gate(len(counts))
            database.hold(gate, when=lambda sql: sql.startswith("SELECT"))
        answers = await job.gather([("sell", {"product": "bolt", "count": count}) for count in counts])
        receipts = [json.loads(line) for (line,) in database.rows("SELECT line FROM receipts")]
        return [answer.value if answer.ok else answer.error for answer in answers], database.rows(LEFT, "bolt")[0][0], receipts


def _check(name: str, units: int, counts: list[int], sold: int, *, meet: bool = False):
    async def run(stage: Stage, rng: Random) -> Verdict:
        answers, left, receipts = await _sold(stage, units, counts, meet=meet)
        right = left == units - sold and sum(line["count"] for line in receipts) == sold
        right = right and len(receipts) == len([answer for answer in answers if answer is not None])
        return verdict(right, f"{sold} sold", f"{left} left, receipts {receipts}")

    return check(name, name.replace("-", " ").capitalize())(run)


sells = _check("sells", 10, [3], 3)
sells_the_last = _check("sells-the-last", 4, [4], 4)
refuses = _check("refuses", 2, [3], 0)
refuses_none = _check("refuses-none", 5, [0], 0)
refuses_less = _check("refuses-less", 5, [-2], 0)
rush = _check("rush", 2, [1, 1, 1, 1], 2, meet=True)
last_one = _check("last-one", 1, [1, 1], 1, meet=True)


@check("takings", "Takings are exact")
async def takings(stage: Stage, rng: Random) -> Verdict:
    """A sum in cents."""
    cents = [rng.randrange(1, 10_000) for _ in range(20)]
    lines = [json.dumps({"product": "bolt", "count": 1, "sum": f"{cent // 100}.{cent % 100:02}"}) for cent in cents]
    async with stage.open(stage.kit.shop(bolt=1)) as job:
        answer = await job.call("takings", lines=lines)
    total = f"{sum(cents) // 100}.{sum(cents) % 100:02}"
    return verdict(answer.value == total, total, f"{answer.value}")
