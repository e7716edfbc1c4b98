"""What the page says while the server fails, and afterwards."""

from __future__ import annotations

from reviewkit.harness import REFUSE, ProbeResult, Stage, bars

DAYS = {"as ever": None, "503 once": 503, "no connection once": REFUSE}


async def run(stage: Stage) -> ProbeResult:
    """The same search on three days; where the page offers to try again, that is done."""
    rows = []
    for day, failure in DAYS.items():
        site = stage.kit.site(ada=stage.kit.crowd(["Ada"]))
        site.failures = [failure] if failure is not None else []
        async with stage.open(site.world) as job:
            await stage.kit.type_(job, site, "ada")
            first = await stage.kit.page(job)
            await job.call("press", part="retry")
            await stage.kit.settle(job, site)
            then = await stage.kit.page(job)
        rows.append({"day": day, "says": said(first), "after trying again": said(then), "requests": len(site.asked)})
    return ProbeResult(
        verdict="; ".join(f"{r['day']}: {r['says']}, then {r['after trying again']}" for r in rows),
        plots=[bars("Requests", {str(r["day"]): float(r["requests"]) for r in rows}, y="requests")],
        table=rows,
    )


def said(page: dict) -> str:
    """Which of its words the page shows."""
    words = [name for name in ("loading", "error", "empty") if page.get(name)]
    return " and ".join([*words, *([f"{len(page['people'])} people"] if page["people"] else [])]) or "nothing"
