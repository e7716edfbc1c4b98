"""Batches that cannot be reserved as they are."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

LENGTHS = (1, 4, 12)


async def run(stage: Stage) -> ProbeResult:
    """The last line of each batch asks for more than there is."""
    kit = stage.kit
    rows = []
    async with stage.common(kit.warehouse) as (job, w):
        for length in LENGTHS:
            *fine, last = await w.shelve(job, *[10] * length)
            before = w.requests
            answer = await kit.batch(job, w.key(), *[(sku, 1) for sku in fine], (last, 11))
            gone = sum([10 - await kit.units(job, sku) for sku in (*fine, last)])
            made = len(await kit.rows(job, *fine, last))
            rows.append({"lines": length, "answered": answer["status"], "units gone": gone, "reservations": made, "audit requests": w.requests - before})
    return ProbeResult(
        verdict="; ".join(f"{r['lines']} lines: answered {r['answered']}, {r['units gone']} units gone" for r in rows),
        plots=[bars("Units gone after a batch that was refused", {str(r["lines"]): r["units gone"] for r in rows}, y="units")],
        table=rows,
    )
