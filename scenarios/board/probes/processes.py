"""Two servers on one database, pages at both, over real sockets."""

from __future__ import annotations

import importlib.util

from reviewkit.harness import ProbeResult, Stage, bars

CHANGES = 5
PAGES = 3


async def run(stage: Stage) -> ProbeResult:
    """Make changes at the first server; count what the pages at each were told."""
    kit, world = stage.kit, stage.kit.office()
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("websockets") is None:
        return ProbeResult(verdict=kit.MISSING)
    async with stage.open(world) as job:
        ports = [(await job.call("serve", process=n)).value for n in range(2)]
        opened = [[await kit.open_page(port) for _ in range(PAGES)] for port in ports]
        pages = [[page for page in group if page is not None] for group in opened]
        statuses = await kit.change(job, CHANGES, process=0)
        await kit.until_told([page for group in pages for page in group], CHANGES)
        told = [sum(len(page.told) for page in group) for group in pages]
        for page in (page for group in pages for page in group):
            await page.close()
    whole = CHANGES * PAGES
    return ProbeResult(
        verdict=(
            f"{statuses.count(200)} of {CHANGES} changes made at the first server; its {PAGES} pages were told "
            f"{told[0]} of {whole} times, those at the second {told[1]} of {whole} times"
        ),
        plots=[bars("Told", {"at the first server": told[0], "at the second server": told[1]}, y="messages")],
    )
