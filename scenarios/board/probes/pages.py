"""Five pages on one board, over real sockets; one of them stops reading."""

from __future__ import annotations

import importlib.util

from reviewkit.harness import ProbeResult, Stage, bars

CHANGES = 20
READERS = 4
BUFFER = 8_192
DETAILS = "Bring the long table, please. " * 500


async def run(stage: Stage) -> ProbeResult:
    """Open pages, make changes, count what was told."""
    kit, world = stage.kit, stage.kit.office()
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("websockets") is None:
        return ProbeResult(verdict=kit.MISSING)
    async with stage.open(world) as job:
        port = (await job.call("serve", buffer=BUFFER)).value
        still = await kit.open_page(port, reading=False, buffer=BUFFER)
        pages = [await kit.open_page(port) for _ in range(READERS)]
        readers = [page for page in pages if page is not None]
        statuses = await kit.change(job, CHANGES, details=DETAILS)
        await kit.until_told(readers, CHANGES)
        told = {f"page {n + 1}": len(page.told) for n, page in enumerate(readers)}
        for page in (still, *readers):
            if page is not None:
                await page.close()
    made = statuses.count(200)
    complete = sum(count == CHANGES for count in told.values())
    return ProbeResult(
        verdict=(
            f"{made} of {CHANGES} changes made; {len(readers)} of {READERS} reading pages were let in, "
            f"and {complete} of them were told of every change"
        ),
        plots=[bars("Told of", {"changes made": made, **told}, y="changes")],
        table=[{"page": page, "told of": count} for page, count in told.items()],
    )
