"""Hidden checks of the mend: what operators are answered and what the table holds, for reports drawn at random.

Answers are judged by their class alone (2xx settled, 4xx for a person, 5xx once more): which status a mend chooses
within a class, and what it writes into the body, is its own affair.
"""

from __future__ import annotations

from random import Random
from typing import Any

from reviewkit.harness import Answer, Stage, Verdict, check, verdict

AT_ONCE = 5
TRICKY_CENTS = (29, 57, 113, 1001, 1999)
"""Always among the amounts: their hundredfold in binary is no whole number."""


def group(answer: Answer) -> str:
    """Class of an answer; a call that failed counts as no answer."""
    return f"{answer.value['status'] // 100}xx" if answer.ok else "none"


def money(cents: int) -> str:
    """A JSON number of whole units."""
    return f"{cents // 100}.{cents % 100:02}"


def names(rng: Random) -> dict[str, Any]:
    """A key and a receipt that nobody could guess."""
    return {"key": f"key-{rng.randrange(10**8):08}", "receipt": f"r-{rng.randrange(10**6)}"}


@check("cents-are-exact", "Each amount is kept to the cent")
async def cents_are_exact(stage: Stage, rng: Random) -> Verdict:
    """Twenty drawn amounts and the tricky ones, each under a key of its own."""
    amounts = [*TRICKY_CENTS, *rng.sample(range(2000, 500_000), 20)]
    world = stage.kit.counter()
    async with stage.open(world) as job:
        for number, cents in enumerate(amounts):
            await job.call("process", key=f"key-{number:04}", receipt=f"r-{number}", amount=money(cents))
        kept = {row[1]: row[3] for row in stage.kit.recorded(world)}
    wrong = [cents for number, cents in enumerate(amounts) if kept.get(f"key-{number:04}") != cents]
    return verdict(not wrong, f"{len(amounts)} exact rows", f"{len(wrong)} missing or different: {wrong[:4]}")


@check("odd-amounts-are-refused", "What is no amount is refused, not failed on")
async def odd_amounts_are_refused(stage: Stage, rng: Random) -> Verdict:
    """Zero, negative, not a number and endless, in a drawn order."""
    amounts = ["0", f"-{rng.randrange(1, 99)}.50", "NaN", "Infinity", "-Infinity", f"1e{rng.randrange(400, 999)}"]
    rng.shuffle(amounts)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        groups = {
            amount: group(await job.call("process", key=f"key-{number:04}", receipt=f"r-{number}", amount=amount))
            for number, amount in enumerate(amounts)
        }
        rows = stage.kit.recorded(world)
    passed = set(groups.values()) == {"4xx"} and not rows
    return verdict(passed, "4xx for each, no row", f"{groups}, {len(rows)} rows")


@check("unknown-merchant-is-refused", "An unknown merchant is refused, not failed on")
async def unknown_merchant_is_refused(stage: Stage, rng: Random) -> Verdict:
    """A merchant that the table does not have."""
    world = stage.kit.counter()
    async with stage.open(world) as job:
        answer = await job.call("process", merchant=f"m-{rng.randrange(100, 999)}", **names(rng))
        rows = stage.kit.recorded(world)
    return verdict(group(answer) == "4xx" and not rows, "4xx, no row", f"{group(answer)}, {len(rows)} rows")


async def _second_under_one_key(stage: Stage, rng: Random, other: dict[str, Any]) -> Verdict:
    """Record one payment, then send another under its key: refused, and the first stays as it was."""
    first = {**names(rng), "amount": money(rng.randrange(1000, 9000) * 100)}
    world = stage.kit.counter()
    async with stage.open(world) as job:
        await job.call("process", **first)
        before = stage.kit.recorded(world)
        answer = await job.call("process", **(first | other))
        after = stage.kit.recorded(world)
    passed = group(answer) == "4xx" and len(before) == 1 and after == before
    return verdict(passed, "4xx, the first row unchanged", f"{group(answer)}, rows before {before}, after {after}")


@check("key-with-other-amount", "A known key with another amount is refused")
async def key_with_other_amount(stage: Stage, rng: Random) -> Verdict:
    """The same receipt, the same key, another sum."""
    return await _second_under_one_key(stage, rng, {"amount": money(rng.randrange(100, 900) * 100)})


@check("key-with-other-receipt", "A known key with another receipt is refused")
async def key_with_other_receipt(stage: Stage, rng: Random) -> Verdict:
    """The same key and sum: two customers who bought the same thing."""
    return await _second_under_one_key(stage, rng, {"receipt": f"s-{rng.randrange(10**6)}"})


@check("settled-means-kept", "A receipt number that is taken is never answered as settled")
async def settled_means_kept(stage: Stage, rng: Random) -> Verdict:
    """A new key and a new sum with the receipt number of another payment."""
    first, second = names(rng), names(rng)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        await job.call("process", **first, amount="10.00")
        answer = await job.call("process", key=second["key"], receipt=first["receipt"], amount="20.00")
        keys = [row[1] for row in stage.kit.recorded(world)]
    passed = group(answer) == "4xx" and keys == [first["key"]]
    return verdict(passed, "4xx, one row under the first key", f"{group(answer)}, {len(keys)} rows")


@check("repeat-is-settled", "The same report again is settled again")
async def repeat_is_settled(stage: Stage, rng: Random) -> Verdict:
    """Three times the same, with an amount written in two ways."""
    euros = rng.randrange(1, 900)
    report = names(rng)
    spellings = (f"{euros}.50", f"{euros}.5", f"{euros}.50")
    world = stage.kit.counter()
    async with stage.open(world) as job:
        groups = [group(await job.call("process", **report, amount=amount)) for amount in spellings]
        rows = len(stage.kit.recorded(world))
    return verdict(groups == ["2xx"] * 3 and rows == 1, "2xx three times, one row", f"{groups}, {rows} rows")


@check("together-is-settled-once", "The same report several times at once is kept once and settled each time")
async def together_is_settled_once(stage: Stage, rng: Random) -> Verdict:
    """Every look into the table is answered only when all have looked, so that none can see another's row first."""
    report = names(rng)
    world = stage.kit.counter()
    gate = world.gate(AT_ONCE)
    world.db().hold(gate, when=_looks_for_a_payment)
    async with stage.open(world) as job:
        answers = await job.gather([("process", report)] * AT_ONCE)
        rows = len(stage.kit.recorded(world))
    settled = [group(answer) for answer in answers] == ["2xx"] * AT_ONCE
    # How many were settled depends on who came first; the words are to be the same on every run.
    seen = f"{'all' if settled else 'not all'} settled, {'one row' if rows == 1 else 'another number of rows'}"
    return verdict(settled and rows == 1, f"{AT_ONCE} times 2xx, one row", seen)


def _looks_for_a_payment(sql: str) -> bool:
    words = sql.lower().split()
    return words[:1] == ["select"] and "transactions" in words


@check("trouble-is-sent-again", "When the database fails, the operator is told to send the report again")
async def trouble_is_sent_again(stage: Stage, rng: Random) -> Verdict:
    """The table is away for the first attempt and back for the second."""
    report = names(rng)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        world.db().run("ALTER TABLE transactions RENAME TO elsewhere")
        failed = group(await job.call("process", **report))
        world.db().run("ALTER TABLE elsewhere RENAME TO transactions")
        settled = group(await job.call("process", **report))
        rows = len(stage.kit.recorded(world))
    passed = failed in ("5xx", "none") and settled == "2xx" and rows == 1
    return verdict(passed, "5xx or no answer, then 2xx and one row", f"{failed}, then {settled}, {rows} rows")


@check("merchants-do-not-meet", "Two merchants may use one key and one receipt number")
async def merchants_do_not_meet(stage: Stage, rng: Random) -> Verdict:
    """Keys and receipt numbers belong to a merchant."""
    report = names(rng)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        groups = [
            group(await job.call("process", merchant=merchant, amount=amount, **report))
            for merchant, amount in (("m-1", "10.00"), ("m-2", "20.00"))
        ]
        rows = [(row[0], row[3]) for row in stage.kit.recorded(world)]
    passed = groups == ["2xx", "2xx"] and rows == [("m-1", 1000), ("m-2", 2000)]
    return verdict(passed, "both settled, both kept", f"{groups}, {rows}")
