"""A small bank for the sandbox's tests: a till that adds, keeps and asks, with hidden checks of it."""

from __future__ import annotations

from pathlib import Path

import yaml

from reviewkit.bank import Entry
from reviewkit.words import Dimension

CANARY = "rk-canary-" + "5a" * 16
MODULE = "till/sums.py"

REFERENCE = '''
import sqlite3

import httpx


async def total(prices):
    return sum(prices)


async def keep(amount):
    connection = sqlite3.connect("world:main")
    with connection:
        connection.execute("INSERT INTO kept VALUES (?)", (amount,))
    connection.close()


async def ask(amount):
    async with httpx.AsyncClient() as client:
        reply = await client.post("https://gateway.test/ask", json={"amount": amount})
    return reply.json()["answer"]
'''
HEAD = REFERENCE.replace("sum(prices)", "sum(prices) + 1").replace("(amount,)", "(amount + 1,)").replace(
    '{"amount": amount}', '{"amount": amount + 1}'
)
DRIVER = '''
from till import sums


async def total(env, prices):
    return await sums.total(prices)


async def keep(env, amount):
    return await sums.keep(amount)


async def ask(env, amount):
    return await sums.ask(amount)
'''
WORLD = '''
from reviewkit.harness import Reply, World


def counter():
    world = World()
    world.database("main", "CREATE TABLE kept (amount INTEGER)")

    async def answer(call):
        return Reply(200, json={"answer": call.json["amount"] * 2})

    world.http("gateway.test", answer)
    return world
'''
CHECKS = '''
"""CANARY"""

from reviewkit.harness import check, verdict


@check("adds-up", "Prices are added")
async def adds_up(stage, rng):
    prices = [rng.randrange(1, 10**6) for _ in range(4)]
    async with stage.open(stage.kit.counter()) as job:
        answer = await job.call("total", timeout=4, prices=prices)
    return verdict(answer.value == sum(prices), f"{sum(prices)}", f"{answer.value!r} {answer.error} {answer.message}")


@check("is-kept", "An amount is kept")
async def is_kept(stage, rng):
    amount = rng.randrange(1, 10**6)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        await job.call("keep", timeout=2, amount=amount)
        rows = world.db().rows("SELECT amount FROM kept")
    return verdict(rows == [(amount,)], "one row", f"{rows}")


@check("is-asked", "The gateway is asked once")
async def is_asked(stage, rng):
    amount = rng.randrange(1, 10**6)
    world = stage.kit.counter()
    async with stage.open(world) as job:
        answer = await job.call("ask", timeout=2, amount=amount)
    asked = [call.json for call in world.calls]
    return verdict(asked == [{"amount": amount}] and answer.value == 2 * amount, "asked once", f"{len(asked)} {answer.value!r}")
'''.replace("CANARY", CANARY)
CHECK_IDS = ("adds-up", "is-kept", "is-asked")


def make_bank(root: Path) -> Entry:
    """Write the bank below `root` and return its one entry."""
    scenario, rubric = root / "scenarios" / "till", root / "rubrics" / "till"
    for tree, source in ((scenario / "head", HEAD), (scenario / "base", HEAD), (rubric / "reference", REFERENCE)):
        _write(tree / "till" / "__init__.py", "")
        _write(tree / MODULE, source)
    _write(scenario / "harness" / "world.py", WORLD)
    _write(scenario / "harness" / "driver.py", DRIVER)
    _write(scenario / "scenario.yaml", yaml.safe_dump(_scenario()))
    _write(rubric / "rubric.yaml", yaml.safe_dump(_rubric()))
    _write(rubric / "checks.py", CHECKS)
    return Entry("till", scenario, rubric)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def _scenario() -> dict[str, object]:
    mend = {
        "id": "mend", "kind": "mend", "title": "Mend it", "prompt": "Mend it.", "files": [MODULE],
        "public_checks": "exercises/mend.py",
    }  # fmt: skip
    return {
        "schema_version": 1, "version": "1.0.0", "title": "A till", "stack": "Python", "languages": ["python"], "minutes": 15,
        "role": "Review it.", "files": [MODULE], "modules": ["till"], "packages": ["httpx"],
        "claims": [{"id": "c1", "text": "It adds."}], "exercises": [mend], "source": "Own work.", "licence": "Apache-2.0",
    }  # fmt: skip


def _rubric() -> dict[str, object]:
    dimensions = {dimension.value: 0 for dimension in Dimension} | {"mending": 100}
    defect = {
        "id": "one-more", "title": "One too many", "file": MODULE, "anchor": "sum(prices) + 1", "severity": "major",
        "level": "junior", "domain": "api-boundaries", "category": "correctness", "sees": ["The sum is one too high"],
        "understands": ["Everybody pays one more"], "mends": ["Leave the one out"], "proof": "behaviour",
    }  # fmt: skip
    return {
        "schema_version": 1, "version": "1.0.0", "canary": CANARY, "summary": "A till.", "assesses": ["Adding"],
        "ideal_for": "Anybody", "domains": ["api-boundaries"],
        "weights": {"dimensions": dimensions, "severity": {"blocker": 8, "major": 5, "minor": 2, "nit": 1}},
        "bands": [{"name": "strong", "from": 50}, {"name": "weak", "from": 0}], "levels": {}, "defects": [defect],
        "exercises": {"mend": {"checks": list(CHECK_IDS)}},
    }  # fmt: skip
