"""Shows each planted defect on `head/` and its absence on `reference/`, by what the page shows and asks for only.

A tree is loaded once and stays so for all of them: each starts with a fresh page and words of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from reviewkit.harness import REFUSE, Calls, Seen, Stage, proof

Walk = Callable[[Stage, Calls, Any], Awaitable[Seen]]
_opened: dict[str, tuple[AbstractAsyncContextManager[Calls], Calls, Any]] = {}
"""By tree; the event loop leaves these contexts as it ends, and with them go the guests."""

LIVE = "[role=status], [role=alert], [role=log], [aria-live=polite], [aria-live=assertive], output"
"""Regions whose changes are read out."""
STOPS = ", ".join(f"{each}:not([data-testid=call])" for each in ("button", "a[href]", "summary", "input", "[tabindex='0']"))
"""Where the tab key stops in a card, the button to call left out."""
HARMLESS = {"mark", "b", "strong", "em", "span"}
"""Elements that may stand in a name."""


async def read_aloud(job: Calls) -> str:
    """What stands in the regions that are read out."""
    found = await job.call("look", selector=LIVE)
    return " | ".join(each["text"] or "" for each in found.value or [])


async def strange(job: Calls) -> list[str]:
    """Elements in names that do more than set letters."""
    found = await job.call("look", selector="[data-testid=person] [data-testid=name] *")
    return [each["tag"] for each in found.value or [] if each["tag"] not in HARMLESS]


def _walk(name: str) -> Callable[[Walk], Walk]:
    def keep(walk: Walk) -> Walk:
        @proof(name)
        async def prove(stage: Stage) -> Seen:
            tree = str(stage.tree.root)
            if tree not in _opened:
                context = stage.open((site := stage.kit.site()).world)
                _opened[tree] = (context, await context.__aenter__(), site)
            _, job, site = _opened[tree]
            site.start_over()
            await job.call("open")
            return await walk(stage, job, site)

        globals()[f"prove_{name.replace('-', '_')}"] = prove
        return walk

    return keep


@_walk("late-answer-wins")
async def late_answer_wins(stage: Stage, job: Calls, site: Any) -> Seen:
    """Two questions, the second is answered first."""
    kit = stage.kit
    site.start_over(held=True, eli=kit.crowd(["Eli"]), elias=kit.crowd(["Elias"]))
    await kit.type_(job, site, "eli")
    await kit.type_(job, site, "elias")
    for number in (1, 0):
        await site.let(job, number)
    page = await kit.page(job)
    return Seen(page["people"] != ["Elias"], f"the field says {page.get('field')!r}, the list says {page['people']}")


@_walk("search-dropped")
async def search_dropped(stage: Stage, job: Calls, site: Any) -> Seen:
    """The answer to the first question comes while the next word is being typed."""
    kit = stage.kit
    site.start_over(held=True, fre=kit.crowd(["Fredrik"]), freja=kit.crowd(["Freja"]))
    await kit.type_(job, site, "fre")
    await kit.type_(job, site, "freja", wait=100)
    await site.let(job, 0)
    await job.call("wait", ms=300)
    await kit.settle(job, site)
    return Seen(site.asked != ["fre", "freja"], f"typed 'fre' and 'freja', asked for {site.asked}")


@_walk("spinner-stuck")
async def spinner_stuck(stage: Stage, job: Calls, site: Any) -> Seen:
    """No connection."""
    site.failures = [REFUSE]
    await stage.kit.type_(job, site, "gun")
    page = await stage.kit.page(job)
    return Seen(page.get("loading") is not None, f"after a failure the page says {page.get('loading')!r}")


@_walk("failure-cached")
async def failure_cached(stage: Stage, job: Calls, site: Any) -> Seen:
    """No connection once, then the button."""
    site.people = {"hed": stage.kit.crowd(["Hedda"])}
    site.failures = [REFUSE]
    await stage.kit.type_(job, site, "hed")
    await job.call("press", part="retry")
    await stage.kit.settle(job, site)
    page = await stage.kit.page(job)
    shown = page["people"] != ["Hedda"]
    return Seen(shown, f"no connection once, then tried again: {len(site.asked)} requests, people {page['people']}")


@_walk("error-as-nobody")
async def error_as_nobody(stage: Stage, job: Calls, site: Any) -> Seen:
    """The server answers 503."""
    site.failures = [503]
    await stage.kit.type_(job, site, "ida")
    page = await stage.kit.page(job)
    return Seen(page.get("error") is None or page["empty"] is not None, f"503: error {page.get('error')!r}, empty {page.get('empty')!r}")


@_walk("cast-of-reply")
async def cast_of_reply(stage: Stage, job: Calls, site: Any) -> Seen:
    """One of three records has no name."""
    site.people = {"jon": stage.kit.crowd(["Jon A", None, "Jon B"])}
    await stage.kit.type_(job, site, "jon")
    page = await stage.kit.page(job)
    return Seen(not {"Jon A", "Jon B"} <= set(page["people"]), f"one of three records has no name: blank {page['blank']}, people {page['people']}")


@_walk("manager-assumed")
async def manager_assumed(stage: Stage, job: Calls, site: Any) -> Seen:
    """The managing director is opened."""
    site.people = {"kim": stage.kit.crowd(["Kim"], manager=None)}
    await stage.kit.type_(job, site, "kim")
    await job.call("click", name="Kim")
    page = await stage.kit.page(job)
    return Seen(page["details"] != ["Kim"], f"somebody without a manager is opened: blank {page['blank']}, opened {page['details']}")


@_walk("query-not-encoded")
async def query_not_encoded(stage: Stage, job: Calls, site: Any) -> Seen:
    """A title with an ampersand."""
    await stage.kit.type_(job, site, "L&D")
    return Seen(site.asked != ["L&D"], f"typed 'L&D', the server was asked for {site.asked}")


@_walk("first-page-filter")
async def first_page_filter(stage: Stage, job: Calls, site: Any) -> Seen:
    """Sixty match, the last six work at night."""
    crowd = stage.kit.crowd([f"Lars {n:02}" for n in range(60)])
    site.people = {"lars": [{**person, "team": "night" if n >= 54 else "depot"} for n, person in enumerate(crowd)]}
    await stage.kit.type_(job, site, "lars")
    await job.call("choose", list="team", value="night")
    await stage.kit.settle(job, site)
    page = await stage.kit.page(job)
    return Seen(len(page["people"]) != 6, f"6 of 60 work at night, {len(page['people'])} listed, {page.get('count')!r}")


@_walk("count-of-page")
async def count_of_page(stage: Stage, job: Calls, site: Any) -> Seen:
    """Seventy match."""
    site.people = {"maria": stage.kit.crowd([f"Maria {n:02}" for n in range(70)])}
    await stage.kit.type_(job, site, "maria")
    count = (await stage.kit.page(job)).get("count") or ""
    return Seen("70" not in count, f"70 match, the page says {count!r}")


@_walk("sort-in-place")
async def sort_in_place(stage: Stage, job: Calls, site: Any) -> Seen:
    """By name and back to the best match."""
    site.people = {"n": stage.kit.crowd(["Nils", "Nanna", "Noah"])}
    await stage.kit.type_(job, site, "n")
    for order in ("name", "relevance"):
        await job.call("choose", list="order", value=order)
    people = (await stage.kit.page(job))["people"]
    return Seen(people != ["Nils", "Nanna", "Noah"], f"best match, by name, best match: {people}")


@_walk("key-by-index")
async def key_by_index(stage: Stage, job: Calls, site: Any) -> Seen:
    """A card is open when a search finds others in front of it."""
    olof, otto = stage.kit.crowd(["Olof", "Otto"])
    site.people = {"olo": [olof], "ott": [otto]}
    await stage.kit.type_(job, site, "olo")
    await job.call("click", name="Olof")
    await stage.kit.type_(job, site, "ott")
    page = await stage.kit.page(job)
    return Seen("Otto" in page["details"], f"Olof was opened, then Otto searched for: open {page['details']}")


@_walk("cards-redrawn")
async def cards_redrawn(stage: Stage, job: Calls, site: Any) -> Seen:
    """Ten cards and one more key."""
    site.people = {"per": stage.kit.crowd([f"Per {n}" for n in range(10)])}
    await stage.kit.type_(job, site, "per")
    await job.call("drawn")
    await job.call("type", text="pers")
    drawn = (await job.call("drawn")).value.get("UserCard", 0)
    return Seen(drawn > 0, f"10 cards, one more key: {drawn} drawn again")


@_walk("card-needs-mouse")
async def card_needs_mouse(stage: Stage, job: Calls, site: Any) -> Seen:
    """A card is to be opened with the keyboard."""
    site.people = {"qui": stage.kit.crowd(["Quirin"])}
    await stage.kit.type_(job, site, "qui")
    stops = (await job.call("key", name="Quirin", selector=STOPS, key="Enter")).value
    page = await stage.kit.page(job)
    return Seen(page["details"] != ["Quirin"], f"{stops} stops for the keyboard in a card, opened {page['details']}")


@_walk("silent-page")
async def silent_page(stage: Stage, job: Calls, site: Any) -> Seen:
    """A search that finds two, read out."""
    site.people = {"rut": stage.kit.crowd(["Rut A", "Rut B"])}
    await stage.kit.type_(job, site, "rut")
    page = await stage.kit.page(job)
    aloud = await read_aloud(job)
    return Seen((page.get("count") or "?") not in aloud, f"the page shows {page.get('count')!r}, is read out {aloud!r}")


@_walk("html-from-name")
async def html_from_name(stage: Stage, job: Calls, site: Any) -> Seen:
    """A name that is markup."""
    site.people = {"sven": stage.kit.crowd(["Sven <img src=x onerror=alert(1)>"])}
    await stage.kit.type_(job, site, "sven")
    elements = await strange(job)
    return Seen(bool(elements), f"elements made of a name: {elements}")


@proof("weak-tests")
async def weak_tests(stage: Stage) -> Seen:
    """The author's own tests, with a page that asks and shows nothing."""
    async with stage.open(stage.kit.site().world, driver=stage.rubric / f"inside{stage.driver.suffix}") as job:
        answer = await job.call("suite")
    if not answer.ok:
        raise RuntimeError(f"the tests could not be run: {answer.error}: {answer.message}")
    seen = answer.value
    shown = seen["failed"] == 0 and seen["idle"] == 0
    return Seen(shown, f"of {seen['all']} tests failed: {seen['failed']} as it is, {seen['idle']} with a page that asks and shows nothing")
