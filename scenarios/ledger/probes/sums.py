"""Many small amounts and a few long ones: what the ledger makes of them."""

from decimal import Decimal
from typing import Any

from reviewkit.harness import ProbeResult, Stage, lines

SIZES = (50, 100, 150, 200, 250)
LONG = ("123456789012.12345678", "400000000000.00000001", "-999999999999.99999999", "0.00000001")
TRILLION = 10**12


async def run(stage: Stage) -> ProbeResult:
    """Import batches of small payments and one of long amounts; compare with the exact sums."""
    kit = stage.kit
    world = kit.ledger()
    async with stage.open(world) as job:
        for size in SIZES:
            feed = kit.feed({f"S-{size}-{n}": "0.10" for n in range(size)})
            await job.call("import_batch", batch_id=f"small-{size}", partner=kit.PARTNER, lines=feed)
        feed = kit.feed({f"L-{n}": value for n, value in enumerate(LONG)})
        await job.call("import_batch", batch_id="long", partner=kit.PARTNER, lines=feed)
    totals = dict(world.db().rows("SELECT batch_id, total FROM batches"))
    stored = kit.amounts(world.db())
    rows = [_compare(size, totals.get(f"small-{size}")) for size in SIZES]
    other = sum(1 for row in rows if row["difference"] != "0")
    same = sum(1 for n, value in enumerate(LONG) if kit.exact_sum([stored.get(f"L-{n}", "NaN")]) == Decimal(value))
    return ProbeResult(
        verdict=f"{other} of {len(SIZES)} batch totals differ from the feed, {same} of {len(LONG)} long amounts are as sent",
        plots=[lines("Batch total minus feed total", {"difference": _points(rows)}, x="payments of 0.10", y="10^-12")],
        table=rows,
    )


def _compare(size: int, total: str | None) -> dict[str, Any]:
    """One batch: what the feed adds up to, what was stored, the difference in 10^-12."""
    exact = size * Decimal("0.10")
    difference = (
        "unknown" if total is None else format((Decimal(total) - exact) * TRILLION, "f").rstrip("0").rstrip(".")
    )
    return {"payments": size, "feed": str(exact), "batch": total, "difference": difference or "0"}


def _points(rows: list[dict[str, Any]]) -> list[tuple[float, float]]:
    return [(row["payments"], float(row["difference"])) for row in rows if row["difference"] != "unknown"]
