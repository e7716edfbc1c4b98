"""Hidden checks of the mend: a page that finds colleagues. What it shows and what it asks for only."""

from __future__ import annotations

from random import Random
from typing import Any

from reviewkit.harness import REFUSE, Calls, Stage, Verdict, check, verdict

WORDS = (("ann", "annika"), ("ber", "bertil"), ("car", "carina"), ("dan", "daniel"))


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


def _two(rng: Random) -> tuple[str, str]:
    return rng.choice(WORDS)


@check("newest-search-wins", "The list belongs to the last question, in whatever order answers come")
async def newest_wins(stage: Stage, rng: Random) -> Verdict:
    """Three questions, answered in an order of chance that does not end with the last."""
    kit, (short, long) = stage.kit, _two(rng)
    words = [short, long, f"{long} x"]
    site = kit.site(held=True, **{word: kit.crowd([word.title()]) for word in words})
    order = rng.choice([[2, 0, 1], [2, 1, 0], [0, 2, 1], [1, 2, 0]])
    async with stage.open(site.world) as job:
        for word in words:
            await kit.type_(job, site, word)
        for number in order:
            await site.let(job, number)
        page = await kit.page(job)
    expected = [words[2].title()]
    passed = page["people"] == expected and page["loading"] is None
    return verdict(passed, f"{expected}", f"{page['people']}, loading {page.get('loading')!r}")


@check("waits-for-the-newest", "While the last question is open the page says that it searches")
async def waits(stage: Stage, rng: Random) -> Verdict:
    """The first of two answers comes, the second does not."""
    kit, (short, long) = stage.kit, _two(rng)
    site = kit.site(held=True, **{short: kit.crowd(["First"]), long: kit.crowd(["Second"])})
    async with stage.open(site.world) as job:
        await kit.type_(job, site, short)
        await kit.type_(job, site, long)
        await site.let(job, 0)
        before = await kit.page(job)
        await site.let(job, 1)
        after = await kit.page(job)
    passed = before["loading"] is not None and after["loading"] is None and after["people"] == ["Second"]
    return verdict(passed, "searching, then 'Second'", f"{before.get('loading')!r}, then {after['people']}")


@check("nothing-typed-is-lost", "What stands in the field is asked for, also when an answer comes meanwhile")
async def nothing_lost(stage: Stage, rng: Random) -> Verdict:
    """The first answer comes at a moment of chance within the pause."""
    kit, (short, long) = stage.kit, _two(rng)
    site = kit.site(held=True, **{short: kit.crowd(["First"]), long: kit.crowd(["Second"])})
    moment = rng.randint(10, 290)
    async with stage.open(site.world) as job:
        await kit.type_(job, site, short)
        await kit.type_(job, site, long, wait=moment)
        await site.let(job, 0)
        await job.call("wait", ms=300)
        await kit.settle(job, site)
        for number in range(len(site.asked)):
            await site.let(job, number)
        people = (await kit.page(job))["people"]
    return verdict((site.asked, people) == ([short, long], ["Second"]), f"asked for {[short, long]}", f"asked for {site.asked}, {people}")


@check("one-request-for-quick-keys", "The page waits for a pause of 300 ms")
async def one_request(stage: Stage, rng: Random) -> Verdict:
    """Quick keys, then not quite a pause, then all of it; and a page that is closed within it."""
    kit, (_short, long) = stage.kit, _two(rng)
    site = kit.site(**{long: kit.crowd(["One"])})
    async with stage.open(site.world) as job:
        for end in range(1, len(long) + 1):
            await kit.type_(job, site, long[:end], wait=rng.randint(20, 280))
        await job.call("type", text=long + "x")
        await kit.type_(job, site, long, wait=290)
        early = list(site.asked)
        await job.call("wait", ms=10)
        await kit.settle(job, site)
        await job.call("type", text="gone")
        await job.call("close")
        await job.call("wait", ms=1_000)
        await kit.settle(job, site)
    return verdict((early, site.asked) == ([], [long]), f"[] and then {[long]}", f"{early} and then {site.asked}")


@check("failure-is-said", "A server that answers 500 or 503 is a failure, not nobody")
async def failure_said(stage: Stage, rng: Random) -> Verdict:
    """A status of the 5xx family."""
    kit, (word, _long) = stage.kit, _two(rng)
    site, status = kit.site(), rng.choice([500, 502, 503])
    site.failures = [status]
    async with stage.open(site.world) as job:
        await kit.type_(job, site, word)
        page = await kit.page(job)
    passed = page["error"] is not None and page.get("empty") is None and page.get("loading") is None
    return verdict(passed, "an error alone", f"{status}: error {page.get('error')!r}, empty {page.get('empty')!r}, loading {page.get('loading')!r}")


@check("failure-passes", "After a failure one can try again, and typing on works")
async def failure_passes(stage: Stage, rng: Random) -> Verdict:
    """No connection, once or twice; then the button; then another word."""
    kit, (word, long) = stage.kit, _two(rng)
    site = kit.site(**{word: kit.crowd(["Found"]), long: kit.crowd(["Other"])})
    site.failures = [REFUSE] * rng.randint(1, 2)
    presses = len(site.failures)
    async with stage.open(site.world) as job:
        await kit.type_(job, site, word)
        for _ in range(presses):
            await job.call("press", part="retry")
            await kit.settle(job, site)
        first = await kit.page(job)
        await kit.type_(job, site, long)
        then = await kit.page(job)
    passed = (first["people"], then["people"]) == (["Found"], ["Other"]) and first["error"] is None is first["loading"]
    return verdict(passed, "found after trying again", f"{first['people']}, error {first.get('error')!r}, then {then['people']}")


@check("odd-records-do-no-harm", "A record with a gap leaves the others and the page alone")
async def odd_records(stage: Stage, rng: Random) -> Verdict:
    """Names that are missing, null or numbers, a record that is none; among good ones."""
    kit, (word, _long) = stage.kit, _two(rng)
    good = kit.crowd(["Good A", "Good B"])
    odd: list[Any] = [kit.person(None, 7), {k: v for k, v in kit.person("x", 8).items() if k != "name"}, kit.person(5, 9), None]
    people = [good[0], *rng.sample(odd, 3), good[1]]
    async with stage.open((site := kit.site(**{word: people})).world) as job:
        await kit.type_(job, site, word)
        page = await kit.page(job)
        await job.call("click", name="Good B")
        opened = (await kit.page(job))["details"]
    passed = {"Good A", "Good B"} <= set(page["people"]) and opened == ["Good B"]
    return verdict(passed, "both good ones, one can be opened", f"blank {page['blank']}, {page['people']}, opened {opened}")


@check("nobody-above", "Somebody who reports to nobody can be opened")
async def nobody_above(stage: Stage, rng: Random) -> Verdict:
    """The managing director among others."""
    kit, (word, _long) = stage.kit, _two(rng)
    site = kit.site(**{word: [kit.person("Top", 1, manager=None), kit.person("Under", 2)]})
    async with stage.open(site.world) as job:
        await kit.type_(job, site, word)
        for name in ("Top", "Under"):
            await job.call("click", name=name)
        details = (await kit.page(job))["details"]
    return verdict(details == ["Top", "Under"], "both open", f"open: {details}")


@check("names-are-text", "A name is shown as it is written")
async def names_are_text(stage: Stage, rng: Random) -> Verdict:
    """Markup, entities and what was searched for in one name."""
    kit = stage.kit
    name = rng.choice(["<b onclick=x>Anders</b>", "Anders <svg onload=x>", "<a href='javascript:x'>Anders</a> &amp; co", "Anders &lt;i&gt; <math>"])
    site = kit.site(anders=kit.crowd([name]))
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "anders")
        page, elements = await kit.page(job), await strange(job)
    passed = page["people"] == [name] and not elements
    return verdict(passed, f"{name!r}", f"{page['people']}, elements {elements}")


@check("any-text-can-be-sought", "The server is asked for what stands in the field")
async def any_text(stage: Stage, rng: Random) -> Verdict:
    """Signs that mean something in an address."""
    kit, site = stage.kit, stage.kit.site()
    text = rng.choice(["R&D", "Night / North #2", "+46 8 (440)", "100%", "a=b&team=night"])
    async with stage.open(site.world) as job:
        await kit.type_(job, site, text)
        page = await kit.page(job)
    passed = site.asked == [text] and page["error"] is None
    return verdict(passed, f"asked for {[text]}", f"asked for {site.asked}, error {page.get('error')!r}")


@check("a-team-is-complete", "Choosing a team shows all of its people who match")
async def team_complete(stage: Stage, rng: Random) -> Verdict:
    """More people match than one answer holds; the team stands behind them. Then all again."""
    kit, members, others = stage.kit, rng.randint(3, 9), rng.randint(120, 260)
    crowd = kit.crowd([f"Lind {n:03}" for n in range(others + members)])
    people = [{**person, "team": "night" if n >= others else "office"} for n, person in enumerate(crowd)]
    site = kit.site(lind=people)
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "lind")
        await job.call("choose", list="team", value="night")
        await job.call("wait", ms=300)
        await kit.settle(job, site)
        listed = (await kit.page(job))["people"]
        await job.call("choose", list="team", value="")
        await job.call("wait", ms=300)
        await kit.settle(job, site)
        again = (await kit.page(job))["people"]
    expected = [person["name"] for person in people[others:]]
    return verdict(listed == expected and len(again) >= 50, f"{members} of the team, then 50 again", f"{len(listed)} of the team, then {len(again)}")


@check("best-match-comes-back", "The order by name can be left again")
async def order_comes_back(stage: Stage, rng: Random) -> Verdict:
    """By name, best match, by name; and the same word searched for once more."""
    kit = stage.kit
    names = rng.sample(["Alma", "Bo", "Cecilia", "Disa", "Egon"], 5)
    site = kit.site(x=kit.crowd(names))
    seen = []
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "x")
        for order in ("name", "relevance"):
            await job.call("choose", list="order", value=order)
            seen.append((await kit.page(job))["people"])
        await kit.type_(job, site, "")
        await kit.type_(job, site, "x")
        seen.append((await kit.page(job))["people"])
    return verdict(seen == [sorted(names), names, names], f"by name, then {names}", f"{seen[0]}, then {seen[1:]}")


@check("open-card-stays-with-its-person", "An open card belongs to a person, not to a place in the list")
async def open_card(stage: Stage, rng: Random) -> Verdict:
    """Two of the same name and a third; the second is open when others come before it."""
    kit = stage.kit
    third, one, two = kit.crowd(["Bo Lind", "Ida Berg", "Ida Berg"])
    first, then = [one, two, third], [two, one]
    if rng.random() < 0.5:
        then = [third, two, one]
    site = kit.site(ida=first, idab=then)
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "ida")
        await job.call("click", name="Bo Lind")
        before = (await kit.page(job))["details"]
        await job.call("choose", list="order", value="name")
        sorted_ = (await kit.page(job))["details"]
        await kit.type_(job, site, "idab")
        after = (await kit.page(job))["details"]
    passed = before == sorted_ == ["Bo Lind"] and after in ([], ["Bo Lind"])
    return verdict(passed, "Bo Lind is open, or nobody", f"{before}, by name {sorted_}, after the next search {after}")


@check("opens-without-a-mouse", "A card opens and closes by keyboard")
async def without_mouse(stage: Stage, rng: Random) -> Verdict:
    """Enter on each stop of a card, twice."""
    kit, name = stage.kit, rng.choice(["Moa", "Max"])
    site = kit.site(m=kit.crowd([name, "Mia"]))
    opened = []
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "m")
        for _ in range(2):
            await job.call("key", name=name, selector=STOPS, key="Enter")
            opened.append((await kit.page(job))["details"])
    return verdict(opened == [[name], []], "open, then closed", f"open: {opened[0]}, then {opened[1]}")


@check("is-read-out", "What the page says is read out")
async def read_out(stage: Stage, rng: Random) -> Verdict:
    """Some people, nobody, a failure."""
    kit, (word, long) = stage.kit, _two(rng)
    site = kit.site(**{word: kit.crowd(["A", "B"])})
    heard = []
    async with stage.open(site.world) as job:
        for text, part in ((word, "count"), (f"{long} x", "empty"), (long, "error")):
            if part == "error":
                site.failures = [REFUSE]
            await kit.type_(job, site, text)
            page = await kit.page(job)
            heard.append((page.get(part) or "?") in await read_aloud(job))
    return verdict(all(heard), "count, nobody and failure", f"read out: count {heard[0]}, nobody {heard[1]}, failure {heard[2]}")


@check("counts-all", "The count says how many match, also where not all are shown")
async def counts_all(stage: Stage, rng: Random) -> Verdict:
    """More than one answer holds."""
    kit, many = stage.kit, rng.randint(61, 99)
    site = kit.site(k=kit.crowd([f"K {n}" for n in range(many)]))
    async with stage.open(site.world) as job:
        await kit.type_(job, site, "k")
        count = (await kit.page(job)).get("count") or ""
    return verdict(str(many) in count, f"a count that names {many}", f"{count!r}")
