"""Public check of the mend."""

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("sells", "Units are sold")
async def sells(stage: Stage, rng: Random) -> Verdict:
    """One sale."""
    async with stage.open(stage.kit.shop(bolt=10)) as job:
        answer = await job.call("sell", product="bolt", count=2)
        return verdict(answer.value == "2.50", "2.50", f"{answer.value}")
