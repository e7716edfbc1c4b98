"""The same name, typed in several rhythms."""

from __future__ import annotations

from reviewkit.harness import ProbeResult, Stage, bars

PEOPLE = {"an": ["Anna"], "anders": ["Anders"]}
RHYTHMS = ("no pause", "answers 1, 2", "answers 2, 1", "1 while typing")


async def run(stage: Stage) -> ProbeResult:
    """Type "an", then "anders"; the answers come when they are let go."""
    rows = []
    for rhythm in RHYTHMS:
        site = stage.kit.site(held=True, **{word: stage.kit.crowd(names) for word, names in PEOPLE.items()})
        async with stage.open(site.world) as job:
            await stage.kit.type_(job, site, "an", wait=100 if rhythm == RHYTHMS[0] else 300)
            await job.call("type", text="anders")
            if rhythm == RHYTHMS[3]:
                await site.let(job, 0)
            await job.call("wait", ms=300)
            await stage.kit.settle(job, site)
            asked = len(site.asked)
            for number in reversed(range(asked)) if rhythm == RHYTHMS[2] else range(asked):
                await site.let(job, number)
            page = await stage.kit.page(job)
        rows.append({"rhythm": rhythm, "requests": asked, "field": page.get("field"), "list": ", ".join(page["people"])})
    return ProbeResult(
        verdict="; ".join(f"{r['rhythm']}: field {r['field']!r}, list {r['list']!r}" for r in rows),
        plots=[bars("Requests", {str(r["rhythm"]): float(r["requests"]) for r in rows}, y="requests")],
        table=rows,
    )
