"""Public check of the mend."""

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("takes", "Units are taken")
async def takes(stage: Stage, rng: Random) -> Verdict:
    """One order."""
    async with stage.open(stage.kit.warehouse()) as job:
        shelves = stage.kit.Shelves(job)
        await shelves.fill("bolt", 10)
        taken = await shelves.take("bolt", 3)
        return verdict(taken is True and shelves.left("bolt") == 7, "7 left", f"{taken}")
