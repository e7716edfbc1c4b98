"""Ordinary behaviour that a mend keeps."""

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("a-batch-is-posted", "A batch becomes entries and is complete")
async def a_batch_is_posted(stage: Stage, rng: Random) -> Verdict:
    """Import a few lines and read the ledger."""
    sent = {f"T-{n}": f"{rng.randint(1, 99)}.50" for n in range(rng.randint(3, 9))}
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        answer = await job.call("import_batch", batch_id="b-1", partner="north", lines=stage.kit.feed(sent))
    there = stage.kit.references(world.db())
    status = stage.kit.status(world.db(), "b-1")
    return verdict(
        answer.ok and there == sorted(sent) and status == "complete",
        expected=f"{len(sent)} entries, status 'complete'",
        seen=f"{len(there)} entries, status {status!r}{_error(answer.error)}",
    )


@check("long-batch", "A batch of several chunks is posted to its last line")
async def long_batch(stage: Stage, rng: Random) -> Verdict:
    """Import more lines than one chunk holds."""
    count = rng.randint(410, 450)
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        feed = stage.kit.feed({f"T-{n}": "1.00" for n in range(count)})
        answer = await job.call("import_batch", batch_id="b-1", partner="north", lines=feed)
    there = len(stage.kit.references(world.db()))
    return verdict(answer.ok and there == count, f"{count} entries", f"{there} entries{_error(answer.error)}")


@check("two-partners", "Two partners may use the same transaction id")
async def two_partners(stage: Stage, rng: Random) -> Verdict:
    """Import the same id from two partners."""
    name = f"T-{rng.randint(100, 999)}"
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        for partner in ("north", "south"):
            feed = stage.kit.feed({name: "5.00"})
            await job.call("import_batch", batch_id=f"b-{partner}", partner=partner, lines=feed)
    there = stage.kit.references(world.db())
    return verdict(there == [name, name], f"two entries {name}", f"entries {there}")


def _error(name: str | None) -> str:
    return f", {name}" if name else ""
