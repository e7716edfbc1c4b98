"""The same transactions, delivered four times."""

from reviewkit.harness import ProbeResult, Stage, bars

COUNT = 20


async def run(stage: Stage) -> ProbeResult:
    """Deliver to one worker twice, to another worker, and to that one in a batch of another name."""
    kit = stage.kit
    world = kit.ledger()
    feed = kit.feed({f"T-{n:02}": "10.50" for n in range(COUNT)})
    entries: dict[str, int] = {}
    async with stage.open(world) as job:
        for delivery, batch_id, fresh in (
            ("first", "b-1", False),
            ("same worker", "b-1", False),
            ("another worker", "b-1", True),
            ("another batch", "b-2", False),
        ):
            if fresh:
                await job.call("restart")
            await job.call("import_batch", batch_id=batch_id, partner=kit.PARTNER, lines=feed)
            entries[delivery] = len(kit.references(world.db()))
    counts = ", ".join(str(count) for count in entries.values())
    return ProbeResult(
        verdict=f"{COUNT} transactions, {len(entries)} deliveries, entries after each: {counts}",
        plots=[bars("Entries after each delivery", entries, y="entries")],
        table=[{"delivery": delivery, "entries": count} for delivery, count in entries.items()],
    )
