"""One proof per defect: what goes wrong on head/ and does not on reference/, judged by rows, events and counts."""

from __future__ import annotations

from typing import Any

from reviewkit.harness import Calls, Seen, Stage, World, proof

PARTNER = "north"
GOOD = 6
BAD = 4
CHUNKS = 250  # more lines than one chunk holds
LATE = "T-249"  # stands in the last chunk
BATCHES, BATCH_LINES = 4, 100


def _mixed(kit: Any) -> list[str]:
    """Six good lines and four that cannot become an entry."""
    good = [kit.line(f"T-{n}") for n in range(GOOD)]
    bad = [
        kit.line("B-0", "12,50"),
        kit.line("B-1", booked_at="yesterday"),
        kit.line("B-2", currency_code=..., currency="EUR"),
        '{"transaction_id": "B-3", "value"',
    ]
    return [*good[:3], *bad, *good[3:], kit.trailer(GOOD + BAD, "105.00")]


async def _imported(stage: Stage, lines: list[str]) -> World:
    """The world after one batch."""
    world: World = stage.kit.ledger()
    async with stage.open(world) as job:
        await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=lines)
    return world


def _events(world: World, *levels: str) -> list[dict[str, Any]]:
    return [event for event in world.logs if event.get("level") in levels]


@proof("records-vanish")
async def records_vanish(stage: Stage) -> Seen:
    """Does anything say that a line could not be read?"""
    world = await _imported(stage, _mixed(stage.kit))
    told = _events(world, "warning", "error", "critical")
    entries = len(stage.kit.references(world.db()))
    return Seen(not told, f"{GOOD + BAD} lines in, {entries} entries out, {len(told)} events of level warning or above")


@proof("no-reject-route")
async def no_reject_route(stage: Stage) -> Seen:
    """Is a refused line kept anywhere?"""
    world = await _imported(stage, _mixed(stage.kit))
    kept = len(world.db().rows("SELECT id FROM dead_letters"))
    return Seen(kept < BAD, f"{BAD} lines were refused, {kept} rows in dead_letters")


@proof("non-finite")
async def non_finite(stage: Stage) -> Seen:
    """Are values stored that no sum survives?"""
    values = ["NaN", "inf", "-Infinity", "10.50"]
    world = await _imported(stage, [stage.kit.line(f"T-{n}", value) for n, value in enumerate(values)])
    stored = [amount for amount in stage.kit.amounts(world.db()).values() if not stage.kit.is_amount(amount)]
    return Seen(bool(stored), f"{len(stored)} of {len(values)} stored amounts are no finite number: {sorted(stored)}")


@proof("null-as-text")
async def null_as_text(stage: Stage) -> Seen:
    """Does a null field become an entry?"""
    world = await _imported(stage, [stage.kit.line("T-1", currency_code=None), stage.kit.line("T-2")])
    currencies = sorted(str(row[0]) for row in world.db().rows("SELECT currency FROM entries"))
    return Seen(currencies != ["EUR"], f"currencies in the ledger: {currencies}")


@proof("absent-value")
async def absent_value(stage: Stage) -> Seen:
    """What is posted for a record whose value has another name?"""
    world = await _imported(stage, [stage.kit.line(f"T-{n}", ..., amount="10.50") for n in range(5)])
    zeros = [amount for amount in stage.kit.amounts(world.db()).values() if float(amount) == 0]
    return Seen(bool(zeros), f"5 records of 10.50 under another name, {len(zeros)} entries of nothing")


@proof("binary-amount")
async def binary_amount(stage: Stage) -> Seen:
    """Is an amount of the format's full width stored as it was sent?"""
    sent = {"T-1": "123456789012.12345678", "T-2": "987654321098.00000001"}
    world = await _imported(stage, stage.kit.feed(sent))
    stored = stage.kit.amounts(world.db())
    changed = [
        name for name, value in sent.items() if stage.kit.exact_sum([stored[name]]) != stage.kit.exact_sum([value])
    ]
    return Seen(bool(changed), f"{len(changed)} of {len(sent)} amounts changed on the way: {sorted(stored.values())}")


@proof("local-day")
async def local_day(stage: Stage) -> Seen:
    """Which day is an entry closed on that was booked shortly after midnight, east of Greenwich?"""
    world = await _imported(stage, [stage.kit.line("T-1", booked_at="2026-03-02T00:30:00+09:00")])
    days = [row[0] for row in world.db().rows("SELECT business_day FROM entries")]
    return Seen(days != ["2026-03-01"], f"booked at 15:30 UTC on 1 March, business day {days}")


@proof("seen-in-process")
async def seen_in_process(stage: Stage) -> Seen:
    """Does another worker post a batch once more?"""
    world = stage.kit.ledger()
    lines = stage.kit.feed({f"T-{n}": "10.50" for n in range(GOOD)})
    async with stage.open(world) as job:
        await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=lines)
        await job.call("restart")
        await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=lines)
    entries = len(stage.kit.references(world.db()))
    return Seen(entries > GOOD, f"{GOOD} transactions delivered to two workers, {entries} entries")


async def _failing_batch(stage: Stage, job: Calls, world: World) -> None:
    """Deliver a batch of which the database refuses an entry in the last chunk."""
    stage.kit.refuse_entry(world, LATE)
    lines = stage.kit.feed({f"T-{n}": "10.50" for n in range(CHUNKS)})
    await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=lines)


@proof("piecewise-commit")
async def piecewise_commit(stage: Stage) -> Seen:
    """What is left in the ledger of a batch that failed?"""
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await _failing_batch(stage, job, world)
        left = len(stage.kit.references(world.db()))
    return Seen(left > 0, f"a batch of {CHUNKS} failed near its end, {left} of its entries are in the ledger")


@proof("seen-before-commit")
async def seen_before_commit(stage: Stage) -> Seen:
    """Are all entries there once the same worker has got the failed batch again?"""
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await _failing_batch(stage, job, world)
        stage.kit.accept_entries(world)
        lines = stage.kit.feed({f"T-{n}": "10.50" for n in range(CHUNKS)})
        await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=lines)
        there = len(set(stage.kit.references(world.db())))
        status = stage.kit.status(world.db(), "b-1")
    return Seen(
        there < CHUNKS, f"{there} of {CHUNKS} transactions are in the ledger after the second delivery ({status})"
    )


@proof("seen-grows")
async def seen_grows(stage: Stage) -> Seen:
    """How many more objects does the importer hold after each batch?"""
    world = stage.kit.ledger()
    held: list[int] = []
    async with stage.open(world, driver=stage.rubric / "proof_driver.py") as job:
        for batch in range(BATCHES):
            lines = stage.kit.feed({f"T-{batch}-{n}": "1.00" for n in range(BATCH_LINES)})
            await job.call("import_batch", batch_id=f"b-{batch}", partner=PARTNER, lines=lines)
            held.append((await job.call("objects_held")).value)
    grown = held[-1] - held[0]
    return Seen(grown >= (BATCHES - 1) * BATCH_LINES, f"objects held after each batch of {BATCH_LINES}: {held}")


@proof("self-check")
async def self_check(stage: Stage) -> Seen:
    """What becomes of a file that lost two lines on the way?"""
    whole = stage.kit.feed({f"T-{n}": "10.50" for n in range(GOOD)})
    world = await _imported(stage, [*whole[:3], *whole[5:]])
    status = stage.kit.status(world.db(), "b-1")
    entries = len(stage.kit.references(world.db()))
    return Seen(status == "complete", f"trailer states {GOOD} records, {entries} arrived, batch is {status!r}")


@proof("lost-bind")
async def lost_bind(stage: Stage) -> Seen:
    """Do the events of a run name their batch?"""
    world = await _imported(stage, [stage.kit.line("T-1"), stage.kit.line("T-1")])
    nameless = [event for event in world.logs if event.get("batch_id") != "b-1"]
    return Seen(bool(nameless), f"{len(nameless)} of {len(world.logs)} events do not name their batch")


@proof("person-in-log")
async def person_in_log(stage: Stage) -> Seen:
    """Do events carry the holder's name or account?"""
    world = await _imported(stage, [stage.kit.line("T-1"), stage.kit.line("T-1")])
    private = [e for e in world.logs if stage.kit.HOLDER in str(e) or stage.kit.ACCOUNT in str(e)]
    return Seen(bool(private), f"{len(private)} of {len(world.logs)} events carry a name or an account")


@proof("counts-read")
async def counts_read(stage: Stage) -> Seen:
    """Does the counter agree with the ledger?"""
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await job.call("import_batch", batch_id="b-1", partner=PARTNER, lines=_mixed(stage.kit))
        counters = (await job.call("counters")).value
    entries = len(stage.kit.references(world.db()))
    return Seen(counters["imported"] != entries, f"counter says {counters['imported']}, the ledger holds {entries}")


@proof("vacuous-test")
async def vacuous_test(stage: Stage) -> Seen:
    """Does the test of the stored amounts fail when another amount is stored?"""
    test: dict[str, Any] = {"module": "tests.test_bulkimport", "name": "test_amounts_are_stored_as_sent"}
    async with stage.open(stage.kit.ledger(), driver=stage.rubric / "proof_driver.py") as job:
        sound = (await job.call("author_test_passes", **test, spoil=False)).value
        spoilt = (await job.call("author_test_passes", **test, spoil=True)).value
    return Seen(sound is True and spoilt is True, f"passes: {sound}; passes with every amount replaced: {spoilt}")
