"""A screen of colleagues while one goes on with it."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Calls, ProbeResult, Stage, bars

ALL, NIGHT = 60, 6


async def run(stage: Stage) -> ProbeResult:
    """Sixty people match, the last six work at night."""
    crowd = stage.kit.crowd([f"Anders {n:02}" for n in range(ALL)])
    people = [{**person, "team": "night" if n >= ALL - NIGHT else "depot"} for n, person in enumerate(crowd)]
    site = stage.kit.site(anders=people)
    async with stage.open(site.world) as job:
        await stage.kit.type_(job, site, "anders")
        rows = [await row(stage, job, "after the search")]
        await job.call("type", text="anderss")
        rows.append(await row(stage, job, "one more key"))
        await job.call("type", text="anders")
        await job.call("choose", list="team", value="night")
        await stage.kit.settle(job, site)
        rows.append(await row(stage, job, "team: night"))
    return ProbeResult(
        verdict="; ".join(f"{r['moment']}: {r['listed']} listed, {r['cards drawn']} cards drawn" for r in rows),
        plots=[bars("Cards drawn", {str(r["moment"]): float(r["cards drawn"]) for r in rows}, y="cards")],
        table=rows,
    )


async def row(stage: Stage, job: Calls, moment: str) -> dict[str, Any]:
    """What is there now, and what was drawn since the last row."""
    page = await stage.kit.page(job)
    drawn = (await job.call("drawn")).value or {}
    return {"moment": moment, "listed": len(page["people"]), "count": page.get("count"), "cards drawn": drawn.get("UserCard", 0)}
