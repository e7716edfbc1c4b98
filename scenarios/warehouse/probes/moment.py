"""Pairs of requests; the second comes while the first is under way."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

UNITS = 10


async def run(stage: Stage) -> ProbeResult:
    """Two clients for the same product, and one client twice."""
    kit = stage.kit
    rows = []
    async with stage.common(kit.warehouse) as (job, w):
        for pair, wanted, same in (("two clients, six each", 6, False), ("two clients, four each", 4, False), ("one request of three, twice", 3, True)):
            (sku,) = await w.shelve(job, UNITS)
            key = w.key()
            one = kit.a_batch(key, (sku, wanted), client="c-1")
            two = one if same else kit.a_batch(w.key(), (sku, wanted), client="c-2")
            await kit.during(job, "update stock", one, two)
            rows.append({"pair": pair, "units": UNITS, "reserved": await kit.reserved(job, sku), "left": await kit.units(job, sku)})
    return ProbeResult(
        verdict="; ".join(f"{r['pair']}: {r['reserved']} reserved, {r['left']} left" for r in rows),
        plots=[bars("Units reserved of ten", {r["pair"]: r["reserved"] for r in rows}, y="units")],
        table=rows,
    )
