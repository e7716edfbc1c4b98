"""Public checks of the mend: how the page is looked at, and that an ordinary search still works."""

from __future__ import annotations

from random import Random

from reviewkit.harness import Stage, Verdict, check, verdict


@check("a-search-shows-people", "A search shows whom the server found")
async def shows(stage: Stage, rng: Random) -> Verdict:
    """One word, a few people, one of them opened and called."""
    names = rng.sample(["Ada Lund", "Bo Lund", "Cy Lund", "Di Lund"], 3)
    site = stage.kit.site(lund=stage.kit.crowd(names))
    async with stage.open(site.world) as job:
        await stage.kit.type_(job, site, "lund")
        await job.call("click", name=names[1])
        await job.call("click", name=names[1], part="call")
        page = await stage.kit.page(job)
    seen = (page["people"], page["details"], page["calls"])
    return verdict(seen == (names, [names[1]], ["p-2"]), f"{names}, the second opened and called", f"{seen} (people, opened, called)")


@check("a-pause-makes-one-request", "Keys without a pause make one request")
async def one_request(stage: Stage, rng: Random) -> Verdict:
    """A word, key by key, then a pause; and an empty field."""
    word = rng.choice(["anders", "lindgren", "svensson"])
    site = stage.kit.site()
    async with stage.open(site.world) as job:
        for end in range(1, len(word) + 1):
            await stage.kit.type_(job, site, word[:end], wait=rng.randint(50, 250))
        await job.call("wait", ms=300)
        await stage.kit.settle(job, site)
        asked = list(site.asked)
        await stage.kit.type_(job, site, "")
        page = await stage.kit.page(job)
    passed = asked == [word] == site.asked and page["people"] == []
    return verdict(passed, f"asked for {word!r} once, nobody for an empty field", f"asked for {site.asked}, {page['people']}")


@check("nobody-is-said", "A search that finds nobody says so, and one that fails is not taken for one")
async def nobody(stage: Stage, rng: Random) -> Verdict:
    """A word that nobody is called, then no server."""
    site = stage.kit.site()
    async with stage.open(site.world) as job:
        await stage.kit.type_(job, site, "xyzzy")
        found = (await stage.kit.page(job))["empty"]
        await job.call("open")
        site.failures = [stage.kit.REFUSE]
        await stage.kit.type_(job, site, "plugh")
        page = await stage.kit.page(job)
    passed = found is not None and page["error"] is not None and page["empty"] is None
    return verdict(passed, "words for nobody, then words for a failure", f"{found!r}, then {page['error']!r} and {page['empty']!r}")
