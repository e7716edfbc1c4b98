"""A small made-up change with its key, and reviews of it in other words than the key's; shared by the scoring tests."""

from __future__ import annotations

from reviewkit.anchor import locate
from reviewkit.finding import Finding
from reviewkit.place import Place
from reviewkit.record import ClaimJudgement, ExerciseState, ExplainAnswer, State, TraceAnswer, Verdict
from reviewkit.rubric import Rubric
from reviewkit.scenario import Scenario
from reviewkit.words import Judgement

PAY = '''\
"""Charges a customer for an order."""

import logging

import httpx

log = logging.getLogger(__name__)


class Declined(Exception):
    """The gateway refused the card."""


def amount_of(lines):
    """Sum of an order in euros."""
    total = 0.0
    for line in lines:
        total += line["price"] * line["count"]
    return round(total, 2)


async def charge(order, card):
    """Ask the gateway for the money."""
    log.info("charging card %s for order %s", card.number, order.id)
    reply = httpx.post(
        "https://gateway.test/charges",
        json={"amount": amount_of(order.lines), "card": card.number},
    )
    if reply.status_code == 402:
        raise Declined(order.id)
    return reply.json()["charge"]


async def pay(session, order, card):
    """Charge the card and mark the order as paid."""
    try:
        charge_id = await charge(order, card)
        order.charge = charge_id
        order.status = "paid"
        await session.commit()
    except Exception:
        return None
    return order


async def refund(session, order):
    """Give the money back once."""
    if order.status != "paid":
        return order
    order.status = "refunded"
    await session.commit()
    return order
'''

STOCK = '''\
"""Takes items from the shelf."""

from sqlalchemy import select, update

from shop.tables import Shelf


async def take(session, product, count):
    """Take a number of items; False when there are too few."""
    shelf = await session.scalar(select(Shelf).where(Shelf.product == product))
    if shelf.left < count:
        return False
    shelf.left = shelf.left - count
    await session.commit()
    return True


async def give_back(session, product, count):
    """Put items back on the shelf."""
    await session.execute(
        update(Shelf).where(Shelf.product == product).values(left=Shelf.left + count)
    )
    await session.commit()


async def listing(session):
    """All shelves with what is left on them."""
    shelves = await session.scalars(select(Shelf))
    rows = []
    for shelf in shelves:
        product = await session.get(Product, shelf.product)
        rows.append({"product": product.name, "left": shelf.left})
    return rows
'''

SOURCES = {"shop/pay.py": PAY.split("\n"), "shop/stock.py": STOCK.split("\n")}
PROSE = ("Payment is now one call: the handler charges the card, stores the charge and answers right away, also while the gateway is slow.",)

RUBRIC = Rubric.model_validate(
    {
        "schema_version": 1,
        "version": "1.0.0",
        "canary": "rk-canary-00000000000000000000000000000000",
        "summary": "Takes payments; breaks under load.",
        "assesses": ["Payments"],
        "ideal_for": "Back-end engineers",
        "domains": ["async-concurrency", "database"],
        "weights": {
            "dimensions": {
                "detection": 40, "precision": 10, "understanding": 15, "prioritisation": 5,
                "claims": 8, "mending": 15, "proof": 4, "communication": 3,
            },
            "severity": {"blocker": 8, "major": 5, "minor": 2, "nit": 1},
        },
        "bands": [{"name": "strong", "from": 65}, {"name": "middling", "from": 35}, {"name": "weak", "from": 0}],
        "levels": {"communication": {"1": "Hard to follow.", "2": "Partly clear.", "3": "Clear enough.", "4": "A pleasure to read."}},
        "gates": [
            {
                "id": "event-loop",
                "statement": "A synchronous call inside a coroutine stops the event loop, so every other request waits.",
                "evidence": {"defects": ["blocking-call"], "exercises": ["explain"]},
            }
        ],
        "defects": [
            {
                "id": "blocking-call", "title": "The gateway is called with a synchronous client inside an async function",
                "file": "shop/pay.py", "anchor": "    reply = httpx.post(", "severity": "blocker", "level": "mid",
                "domain": "async-concurrency", "category": "concurrency",
                "sees": [
                    "Blocking HTTP call inside a coroutine",
                    "httpx.post is synchronous and holds up the event loop",
                    "The request to the gateway should be awaited with an async client",
                ],
                "understands": [
                    "While one call waits for the gateway the loop serves no other request, so all of them queue",
                    "One slow gateway answer freezes the whole worker",
                ],
                "mends": ["Use httpx.AsyncClient and await the post", "Run the call in a thread pool"],
                "proof": "behaviour",
            },
            {
                "id": "no-timeout", "title": "The gateway call has no time limit of its own and failures other than 402 pass as success",
                "file": "shop/pay.py", "anchor": "    if reply.status_code == 402:", "severity": "major", "level": "mid",
                "domain": "api-boundaries", "category": "reliability",
                "sees": [
                    "Only status 402 is handled, a 500 from the gateway is taken for success",
                    "Server errors of the gateway are not checked before the charge is read",
                ],
                "understands": ["A gateway error page without a charge raises KeyError or stores a wrong charge id"],
                "mends": ["Call raise_for_status before reading the body"],
                "proof": "behaviour",
            },
            {
                "id": "card-in-log", "title": "The full card number is written to the log",
                "file": "shop/pay.py", "anchor": 'log.info("charging card', "severity": "major", "level": "junior",
                "domain": "testing-observability", "category": "security",
                "sees": ["Card number in the log", "Logs sensitive payment data in clear text"],
                "understands": ["Anyone who may read the logs gets card numbers, which breaks payment card rules"],
                "mends": ["Mask the number, log only the last four digits"],
                "proof": "static",
            },
            {
                "id": "float-money", "title": "Amounts of money are added up as floats",
                "file": "shop/pay.py", "anchor": "    total = 0.0", "severity": "minor", "level": "junior",
                "domain": "ai-data-integrity", "category": "data",
                "sees": ["Money is kept in binary floating point", "float arithmetic loses cents when prices are summed"],
                "understands": ["Rounding errors accumulate, so the charged amount differs from the invoice by a cent"],
                "mends": ["Use Decimal or integer cents"],
                "proof": "behaviour",
            },
            {
                "id": "swallowed", "title": "Every failure of a payment is swallowed and looks like a missing order",
                "file": "shop/pay.py", "anchor": "    except Exception:", "severity": "blocker", "level": "senior",
                "domain": "api-boundaries", "category": "reliability",
                "sees": [
                    "Broad except returns None and hides every error",
                    "Exceptions are caught and dropped without log or rollback",
                ],
                "understands": [
                    "When the commit fails after the charge, the customer has paid but the order stays unpaid and nobody learns of it"
                ],
                "mends": ["Catch Declined only, roll back and let everything else propagate"],
                "proof": "behaviour",
            },
            {
                "id": "stock-race", "title": "Reading and writing the stock are two steps, so concurrent orders oversell",
                "file": "shop/stock.py", "anchor": "    if shelf.left < count:",
                "anchors": [{"file": "shop/stock.py", "anchor": "    shelf.left = shelf.left - count"}],
                "severity": "blocker", "level": "senior", "domain": "database", "category": "concurrency",
                "sees": [
                    "Race condition between checking and decrementing the stock",
                    "Check then act without a lock, two requests both pass the check",
                ],
                "understands": ["Two transactions read the same quantity and the later write overwrites the earlier one, a lost update"],
                "mends": ["Atomic update with a where clause on the quantity", "select for update"],
                "not": ["There is no index on the product column"],
                "proof": "behaviour",
            },
            {
                "id": "query-per-row", "title": "The listing runs one query for each shelf",
                "file": "shop/stock.py", "anchor": "product = await session.get(Product", "severity": "major", "level": "mid",
                "domain": "performance-memory", "category": "performance",
                "sees": ["N+1 queries in the listing", "A product is loaded from the database inside the loop"],
                "understands": ["The number of round trips grows with the number of shelves, a thousand shelves cost a thousand queries"],
                "mends": ["Join the tables or load all products with one query"],
                "proof": "behaviour",
            },
        ],
        "decoys": [
            {
                "id": "give-back", "file": "shop/stock.py", "anchor": "values(left=Shelf.left + count)",
                "why": "Adding to the quantity looks like a race condition, but the database does it in one atomic update",
            },
            {
                "id": "refund-guard", "file": "shop/pay.py", "anchor": 'if order.status != "paid":',
                "why": "The early return of refund looks like a forgotten refund, but it makes a repeated refund harmless",
            },
        ],
        "also_valid": [{"id": "no-types", "statement": "The functions have no type annotations", "file": "shop/pay.py"}],
        "claims": [
            {"id": "c1", "verdict": "false", "why": "The call blocks."},
            {"id": "c2", "verdict": "false", "why": "Stock can be oversold."},
            {"id": "c3", "verdict": "true", "why": "A refund is given once."},
            {"id": "c4", "verdict": "not shown", "why": "Nothing measures it."},
        ],
        "exercises": {
            "mend": {"checks": ["calls-overlap", "stock-holds", "errors-surface", "still-pays"]},
            "trace": {"order": ["handler", "pay", "gateway", "database"], "marks": {"begins": "database", "error": "pay"}},
            "explain": {"points": [
                "A synchronous call in a coroutine blocks the event loop so that no other request is served",
                "The session must be rolled back after a failed commit before it is used again",
            ]},
        },
    }
)  # fmt: skip

SCENARIO = Scenario.model_validate(
    {
        "schema_version": 1, "version": "1.0.0", "title": "Pay", "stack": "Python", "languages": ["python"], "minutes": 30,
        "role": "Review it.", "files": ["shop/pay.py", "shop/stock.py"], "modules": ["shop"],
        "claims": [{"id": f"c{n}", "text": f"Claim {n}."} for n in range(1, 5)],
        "exercises": [
            {"id": "mend", "kind": "mend", "title": "Mend", "prompt": "Mend it.", "files": ["shop/pay.py"], "public_checks": "exercises/mend.py"},
            {
                "id": "trace", "kind": "trace", "title": "Follow", "prompt": "Follow it.",
                "layers": [{"id": n, "label": n} for n in ("handler", "pay", "gateway", "database", "cache")],
                "marks": [{"id": n, "label": n} for n in ("begins", "error")],
            },
            {"id": "explain", "kind": "explain", "title": "Explain", "prompt": "Explain it."},
        ],
        "source": "Own work.", "licence": "Apache-2.0",
    }
)  # fmt: skip


def _places() -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    items = [(d.id, anchor.file, anchor.anchor) for d in RUBRIC.defects for anchor in d.places]
    for item, file, anchor in items + [(d.id, d.file, d.anchor) for d in RUBRIC.decoys]:
        span = locate("\n".join(SOURCES[file]), anchor, file)
        found.setdefault(item, []).append(Place(span.file, span.first, span.last))
    return found


PLACES = _places()


def line_of(item: str) -> int:
    """First line of an item's main place."""
    return PLACES[item][0].first


def remark(
    name: str, at: str | None, body: str, why: str = "", fix: str = "", *, severity: str = "major",
    shift: int = 0, after: bool = False,
) -> Finding:  # fmt: skip
    """A finding on the main place of an item of the key, or without a place."""
    if at is None:
        return Finding(name, None, "R", None, None, severity, "correctness", body, why, fix, after)
    where = PLACES[at][0]
    first, last = where.first + shift, where.last + shift
    return Finding(name, where.file, "R", first, last, severity, "correctness", body, why, fix, after)


# Right remarks in words of their own.
STRONG = (
    remark(
        "a", "blocking-call", "This uses the synchronous httpx API from async code, so the coroutine blocks on the HTTP request.",
        "The event loop can't run anything else until the gateway answers: all other requests stall.",
        "Await an AsyncClient instead.", severity="blocker",
    ),
    remark(
        "b", "stock-race", "Check-then-act race: two concurrent requests can both see enough stock and both decrement it.",
        "We oversell. It's a lost update, both transactions read the same quantity before either writes.",
        "Do one conditional UPDATE, or lock the row with FOR UPDATE.", severity="blocker",
    ),
    remark(
        "c", "swallowed", "The blanket except Exception hides every error and just returns None.",
        "If commit fails after we charged the customer, they have paid and the order is not marked; nobody finds out.",
        "Only catch Declined, roll back the session and re-raise the rest.", severity="blocker",
    ),
    remark("d", "card-in-log", "We are logging the whole card number in plain text.", "Everyone with log access can read card data.", "Mask it."),
    remark("e", "query-per-row", "N+1: each loop iteration loads the product with another database query.", "Many shelves mean many round trips.", "Load them with a join."),
    remark("f", "float-money", "Prices are summed as floating point numbers, rounding will lose cents.", "", "Use Decimal.", severity="minor"),
)  # fmt: skip
MIDDLING = (STRONG[1], STRONG[3], STRONG[5])
WEAK = (STRONG[5],)
NOISY = (
    remark("n1", "float-money", "Please add a blank line here and sort the imports alphabetically."),
    remark("n2", "stock-race", "The function name take is not very expressive, rename it to something nicer."),
    remark("n3", "swallowed", "Docstrings ought to end with a summary of parameters."),
    remark("n4", None, "Overall the code could be cleaner and have more comments everywhere."),
)


def state(findings: tuple[Finding, ...], **extra: object) -> State:
    """The state of a record with these findings."""
    return State(slug="made-up", findings=tuple(findings), **extra)  # type: ignore[arg-type]


def worked(findings: tuple[Finding, ...] = STRONG) -> State:
    """A state in which every part of the workbook was done."""
    right = {claim.id: ClaimJudgement(claim.id, claim.verdict, "the code shows it") for claim in RUBRIC.claims}
    return state(
        findings,
        claims=right,
        exercises={
            "mend": ExerciseState("mend", files={"shop/pay.py": PAY + "\n# mended\n"}),
            "trace": ExerciseState(
                "trace",
                TraceAnswer(order=("handler", "pay", "gateway", "database"), marks={"begins": "database", "error": "pay"}),
            ),
            "explain": ExerciseState(
                "explain",
                ExplainAnswer(
                    text="A synchronous call inside a coroutine blocks the event loop, so that no other request is served meanwhile. "
                    "After a failed commit the session must be rolled back before it can be used again."
                ),
            ),
        },
        verdict=Verdict("block", "Not safe.", ("a", "b", "c")),
    )


def all_claims(judgement: Judgement) -> dict[str, ClaimJudgement]:
    """The same judgement of every claim."""
    return {claim.id: ClaimJudgement(claim.id, judgement) for claim in RUBRIC.claims}
