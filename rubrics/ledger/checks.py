"""Hidden checks of the mend: rows of the three tables, events and statements, as the exercise's prompt names them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from random import Random
from typing import Any

from reviewkit.harness import Answer, Calls, Database, Stage, Verdict, World, check, verdict

ALARMING = {"warning", "error", "critical", "exception"}
SEVERAL_CHUNKS = (430, 470)


async def _import(job: Calls, lines: list[str], batch_id: str = "b-1", partner: str = "north") -> Answer:
    return await job.call("import_batch", batch_id=batch_id, partner=partner, lines=lines)


async def _one_batch(stage: Stage, lines: list[str], batch_id: str = "b-1") -> World:
    """The world after one batch, delivered once."""
    world: World = stage.kit.ledger()
    async with stage.open(world) as job:
        await _import(job, lines, batch_id)
    return world


def _dead(db: Database) -> list[tuple[Any, ...]]:
    return db.rows("SELECT batch_id, reason, payload FROM dead_letters ORDER BY id")


def _good(rng: Random, count: int) -> dict[str, str]:
    """References with ordinary amounts."""
    return {f"G-{n}-{rng.randint(0, 999)}": f"{rng.randint(1, 9999)}.{rng.randint(0, 99):02}" for n in range(count)}


def _among(rng: Random, good: Iterable[str], bad: Iterable[str]) -> list[str]:
    """Good lines in their order, with the bad ones put in anywhere."""
    lines = list(good)
    for line in bad:
        lines.insert(rng.randint(0, len(lines)), line)
    return lines


async def _with_bad_lines(stage: Stage, rng: Random, bad: list[str]) -> tuple[World, list[str]]:
    """The world after a batch of good lines with bad ones anywhere among them, and the good references."""
    good = _good(rng, rng.randint(4, 8))
    lines = _among(rng, [stage.kit.line(name, value) for name, value in good.items()], bad)
    total = stage.kit.exact_sum(good.values())
    world = await _one_batch(stage, [*lines, stage.kit.trailer(len(lines), str(total))], "b-7")
    return world, sorted(good)


async def _refusal(stage: Stage, rng: Random, bad: list[str]) -> Verdict:
    """Bad lines leave no entries, and the good ones around them do."""
    world, good = await _with_bad_lines(stage, rng, bad)
    there = stage.kit.references(world.db())
    return verdict(
        there == good,
        expected=f"{len(good)} entries of {len(good) + len(bad)} lines",
        seen=f"{len(there)} entries, {len(set(there) - set(good))} of them from lines that do not fit",
    )


@check("unreadable-lines", "Lines that cannot be read are kept as dead letters, the rest is posted")
async def unreadable_lines(stage: Stage, rng: Random) -> Verdict:
    """Broken JSON, other JSON, words and other notations where an amount or a time belongs."""
    bad = [
        '{"transaction_id": "X-1", "value": "5.00"',
        '["X-2", "5.00", "EUR"]',
        stage.kit.line("X-3", f"{rng.randint(1, 99)},50"),
        stage.kit.line("X-4", rng.choice(["free", "--", "EUR 5"])),
        stage.kit.line("X-5", booked_at=rng.choice(["yesterday", "02.03.2026", "2026-13-01T00:00:00+00:00"])),
    ]
    world, good = await _with_bad_lines(stage, rng, bad)
    there, dead = stage.kit.references(world.db()), _dead(world.db())
    told = [row for row in dead if row[0] == "b-7" and str(row[1]).strip() and str(row[2]).strip()]
    return verdict(
        there == good and len(told) == len(dead) == len(bad),
        expected=f"{len(good)} entries and {len(bad)} dead letters with reason and payload",
        seen=f"{len(there)} entries, {len(dead)} dead letters, {len(told)} of them with reason and payload",
    )


@check("not-a-number", "A value that is no finite number is refused")
async def not_a_number(stage: Stage, rng: Random) -> Verdict:
    """Spellings that number types accept."""
    spellings = rng.sample(["NaN", "nan", "inf", "-inf", "Infinity", "-Infinity", "+Infinity"], 4)
    return await _refusal(stage, rng, [stage.kit.line(f"X-{n}", value) for n, value in enumerate(spellings)])


@check("null-fields", "A required field that is null is refused")
async def null_fields(stage: Stage, rng: Random) -> Verdict:
    """One line for each field that an entry cannot be without."""
    names = ["currency_code", "value", "booked_at", "transaction_id"]
    rng.shuffle(names)
    return await _refusal(stage, rng, [_without(stage, n, name) for n, name in enumerate(names)])


def _without(stage: Stage, number: int, name: str) -> str:
    record = json.loads(stage.kit.line(f"X-{number}"))
    return json.dumps({**record, name: None})


@check("renamed-field", "A record whose value has another name is refused")
async def renamed_field(stage: Stage, rng: Random) -> Verdict:
    """The partner renames a field from one day to the next."""
    other = rng.choice(["amount", "gross_value", "Value"])
    bad = [stage.kit.line(f"X-{n}", ..., **{other: "10.50"}) for n in range(rng.randint(2, 5))]
    return await _refusal(stage, rng, bad)


@check("amounts-exact", "Amounts have the value that was sent")
async def amounts_exact(stage: Stage, rng: Random) -> Verdict:
    """Amounts of the format's full width."""
    sent = {
        f"T-{n}": f"{rng.choice(['', '-'])}{rng.randint(10**11, 10**12 - 1)}.{rng.randint(1, 10**8 - 1):08}"
        for n in range(6)
    }
    world = await _one_batch(stage, stage.kit.feed(sent))
    stored = stage.kit.amounts(world.db())
    same = [
        name
        for name, value in sent.items()
        if stage.kit.is_amount(stored.get(name, "")) and Decimal(stored[name]) == Decimal(value)
    ]
    return verdict(len(same) == len(sent), f"{len(sent)} amounts as sent", f"{len(same)} of {len(stored)} as sent")


@check("total-exact", "The batch total is the exact sum")
async def total_exact(stage: Stage, rng: Random) -> Verdict:
    """Many amounts whose sum no binary fraction hits."""
    sent = {f"T-{n}": "0.10" for n in range(rng.choice([60, 110, 170]))} | {"T-long": "700000000000.00000007"}
    world = await _one_batch(stage, stage.kit.feed(sent))
    found = world.db().rows("SELECT total FROM batches WHERE batch_id = 'b-1'")
    total = str(found[0][0]) if found else "no batch"
    exact = stage.kit.exact_sum(sent.values())
    passed = stage.kit.is_amount(total) and Decimal(total) == exact
    return verdict(passed, f"total {exact}", f"total {total}")


@check("repeats-once", "A transaction has one entry, whoever delivers it")
async def repeats_once(stage: Stage, rng: Random) -> Verdict:
    """Repeats within a file, in a file of another name, and at another worker."""
    sent = _good(rng, rng.randint(5, 9))
    lines = [stage.kit.line(name, value) for name, value in sent.items()]
    doubled = [*lines, lines[0], rng.choice(lines)]
    total = stage.kit.exact_sum(json.loads(line)["value"] for line in doubled)
    doubled.append(stage.kit.trailer(len(doubled), str(total)))
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await _import(job, doubled)
        await _import(job, stage.kit.feed(sent), "b-2")
        await job.call("restart")
        await _import(job, doubled)
        await _import(job, stage.kit.feed(sent), "b-3")
    there, dead = stage.kit.references(world.db()), len(_dead(world.db()))
    return verdict(
        there == sorted(sent) and dead == 0,
        expected=f"{len(sent)} entries, no dead letters",
        seen=f"{len(there)} entries of {len(set(there))} transactions, {dead} dead letters",
    )


@check("partners-apart", "The same transaction id from two partners is two transactions")
async def partners_apart(stage: Stage, rng: Random) -> Verdict:
    """Ids are a partner's own affair, also for another worker."""
    sent = _good(rng, rng.randint(3, 6))
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await _import(job, stage.kit.feed(sent), "b-1", "north")
        await job.call("restart")
        await _import(job, stage.kit.feed(sent), "b-2", "south")
        await _import(job, stage.kit.feed(sent), "b-3", "north")
    found = sorted(world.db().rows("SELECT partner, reference FROM entries"))
    expected = sorted((partner, name) for partner in ("north", "south") for name in sent)
    return verdict(found == expected, f"{len(sent)} entries for each partner", f"{len(found)} entries for two partners")


@check("failed-batch", "A batch that fails leaves no entries")
async def failed_batch(stage: Stage, rng: Random) -> Verdict:
    """The database refuses an entry far into the file."""
    sent, late = _long_feed(rng)
    world = stage.kit.ledger()
    stage.kit.refuse_entry(world, late)
    async with stage.open(world) as job:
        answer = await _import(job, stage.kit.feed(sent))
    left, status = len(stage.kit.references(world.db())), stage.kit.status(world.db(), "b-1")
    tried = bool(world.db().statements)  # code that does nothing leaves no entries either
    return verdict(
        left == 0 and status != "complete" and not answer.ok and tried,
        expected="an error, no entries, batch not complete",
        seen=f"{answer.error or 'no error'}, {left} entries, status {status!r}{'' if tried else ', database not used'}",
    )


@check("delivered-again", "A batch that failed is whole after the next delivery")
async def delivered_again(stage: Stage, rng: Random) -> Verdict:
    """The same worker gets the file once more when the database works again."""
    sent, late = _long_feed(rng)
    world = stage.kit.ledger()
    stage.kit.refuse_entry(world, late)
    async with stage.open(world) as job:
        await _import(job, stage.kit.feed(sent))
        stage.kit.accept_entries(world)
        await _import(job, stage.kit.feed(sent))
    there, status = stage.kit.references(world.db()), stage.kit.status(world.db(), "b-1")
    return verdict(
        there == sorted(sent) and status == "complete",
        expected=f"{len(sent)} entries, status 'complete'",
        seen=f"{len(there)} entries of {len(set(there))} transactions, status {status!r}",
    )


def _long_feed(rng: Random) -> tuple[dict[str, str], str]:
    """More lines than a few chunks hold, and a reference near the end."""
    count = rng.randint(*SEVERAL_CHUNKS)
    sent = {f"T-{n}": "1.25" for n in range(count)}
    return sent, f"T-{count - rng.randint(2, 9)}"


@check("trailer-disagrees", "A batch that is not what its trailer states is not complete")
async def trailer_disagrees(stage: Stage, rng: Random) -> Verdict:
    """A file that lost lines, one with a changed amount, and a sound one."""
    sent = _good(rng, rng.randint(5, 9))
    whole = stage.kit.feed(sent)
    lost = rng.randrange(len(sent))
    first = next(iter(sent))
    changed = [stage.kit.line(first, str(Decimal(sent[first]) + 1)), *whole[1:]]
    files = {"short": whole[:lost] + whole[lost + 1 :], "changed": changed, "sound": whole}
    states: dict[str, str | None] = {}
    for name, lines in files.items():
        world = await _one_batch(stage, lines, name)
        states[name] = stage.kit.status(world.db(), name)
    passed = states["sound"] == "complete" and "complete" not in (states["short"], states["changed"])
    return verdict(passed, "only the sound file is complete", f"{states}")


@check("business-day", "The business day is the UTC day")
async def business_day(stage: Stage, rng: Random) -> Verdict:
    """Moments whose day differs from place to place."""
    booked = {
        "T-1": (f"2026-03-02T0{rng.randint(0, 8)}:15:00+09:00", "2026-03-01"),
        "T-2": (f"2026-03-02T2{rng.randint(0, 3)}:45:00-05:00", "2026-03-03"),
        "T-3": ("2026-03-02T12:00:00+00:00", "2026-03-02"),
    }
    lines = [stage.kit.line(name, "1.00", booked_at=moment) for name, (moment, _) in booked.items()]
    world = await _one_batch(stage, [*lines, stage.kit.trailer(3, "3.00")])
    found = {str(name): str(day) for name, day in world.db().rows("SELECT reference, business_day FROM entries")}
    expected = {name: day for name, (_, day) in booked.items()}
    return verdict(found == expected, f"{expected}", f"{found}")


def _noisy_feed(stage: Stage, rng: Random) -> list[str]:
    """A feed with a repeat and with lines that do not fit, each about the same person."""
    good = [stage.kit.line(f"G-{n}") for n in range(rng.randint(3, 6))]
    bad = [
        stage.kit.line("X-1", "twelve"),
        stage.kit.line("X-2", currency_code=...),
        stage.kit.line("X-3")[:-2],
        stage.kit.line("X-4", booked_at="soon"),
    ]
    lines = _among(rng, [*good, good[0]], bad)
    total = Decimal("10.50") * (len(good) + 1)
    return [*lines, stage.kit.trailer(len(lines), str(total))]


@check("events-name-batch", "Every event names its batch")
async def events_name_batch(stage: Stage, rng: Random) -> Verdict:
    """Two batches of one worker, each with a repeat and with lines that do not fit."""
    world = stage.kit.ledger()
    nameless = 0
    async with stage.open(world) as job:
        for name in (f"b-{rng.randint(100, 499)}", f"b-{rng.randint(500, 999)}"):
            before = len(world.logs)
            await _import(job, _noisy_feed(stage, rng), name)
            nameless += sum(event.get("batch_id") != name for event in world.logs[before:])
    return verdict(
        nameless == 0 and bool(world.logs),
        expected="events, each with the batch_id of its run",
        seen=f"{nameless} of {len(world.logs)} events without it",
    )


@check("refusals-warn", "An event of level warning or above says that lines were refused")
async def refusals_warn(stage: Stage, rng: Random) -> Verdict:
    """A batch with lines that do not fit, and one without."""
    world = await _one_batch(stage, _noisy_feed(stage, rng))
    warned = sum(event.get("level") in ALARMING for event in world.logs)
    calm = await _one_batch(stage, stage.kit.feed(_good(rng, 4)))
    alarmed = sum(event.get("level") in ALARMING for event in calm.logs)
    return verdict(
        warned > 0 and alarmed == 0,
        expected="a warning for the batch with refused lines, none for the sound one",
        seen=f"{warned} for the one, {alarmed} for the other",
    )


@check("events-private", "No event says who the holder is")
async def events_private(stage: Stage, rng: Random) -> Verdict:
    """Repeats, lines that do not fit, and a database that fails."""
    world = stage.kit.ledger()
    async with stage.open(world) as job:
        await _import(job, _noisy_feed(stage, rng))
        stage.kit.refuse_entry(world, "T-1")
        await _import(job, stage.kit.feed({"T-0": "1.00", "T-1": "1.00"}), "b-2")
    private = [event for event in world.logs if stage.kit.HOLDER in str(event) or stage.kit.ACCOUNT in str(event)]
    return verdict(
        not private and bool(world.logs),
        expected="events, none with a name or an account",
        seen=f"{len(private)} of {len(world.logs)} events with a name or an account",
    )


@check("still-bulk", "The number of statements stays far below the number of records")
async def still_bulk(stage: Stage, rng: Random) -> Verdict:
    """A batch of several chunks without anything unusual."""
    sent, _ = _long_feed(rng)
    world = await _one_batch(stage, stage.kit.feed(sent))
    there, statements = len(stage.kit.references(world.db())), len(world.db().statements)
    limit = len(sent) // 5
    return verdict(
        there == len(sent) and statements <= limit,
        expected=f"{len(sent)} entries with at most {limit} statements",
        seen=f"{there} entries with {statements} statements",
    )
