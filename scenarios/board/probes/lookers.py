"""Pages that are opened one after the other, over real sockets, and left open."""

from __future__ import annotations

import asyncio
import importlib.util

from reviewkit.harness import Calls, ProbeResult, Stage, lines

PAGES = 8
LOOKS = 6


async def run(stage: Stage) -> ProbeResult:
    """Open pages; look at the connections to the database after each."""
    kit, world = stage.kit, stage.kit.office()
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("websockets") is None:
        return ProbeResult(verdict=kit.MISSING)
    pages, points = [], [(0, 0)]
    async with stage.open(world) as job:
        port = (await job.call("serve")).value
        for n in range(PAGES):
            page = await kit.open_page(port)
            pages += [page] if page is not None else []
            points.append((n + 1, await lowest(job)))
        status = kit.status(await job.call("tasks"))
        for page in pages:
            await page.close()
    return ProbeResult(
        verdict=f"{len(pages)} of {PAGES} pages open, {points[-1][1]} connections to the database in use; the list was answered {status}",
        plots=[lines("Connections to the database", {"in use": points}, x="pages opened", y="connections")],
    )


async def lowest(job: Calls) -> int:
    """The fewest connections in use at several looks: somebody may be at work at one of them."""
    looks = []
    for _ in range(LOOKS):
        looks.append(int((await job.call("in_use")).value))
        await asyncio.sleep(0.02)
    return min(looks)
