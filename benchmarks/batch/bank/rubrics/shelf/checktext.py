"""The check text of the benchmark, the same for every system: what is asked of a mended `take`, and of the findings.

`shelves` is a warehouse with an empty database: `fill`, `take`, `together`, `meet`, `left`.
"""

RACE_LINES = range(10, 14)


async def serves(shelves):
    """What lies there is served."""
    await shelves.fill("bolt", 10)
    return [await shelves.take("bolt", 3), await shelves.take("bolt", 7)] == [True, True] and shelves.left("bolt") == 0


async def refuses(shelves):
    """What does not lie there is not."""
    await shelves.fill("bolt", 2)
    return await shelves.take("bolt", 3) is False and await shelves.take("nut", 1) is False and shelves.left("bolt") == 2


async def holds_in_a_rush(shelves):
    """More buyers than units, all of whom have read before one writes."""
    await shelves.fill("bolt", 3)
    shelves.meet(5)
    taken = await shelves.together([("bolt", 1)] * 5)
    return taken.count(True) == 3 and taken.count(False) == 2 and shelves.left("bolt") == 0


async def refuses_odd_counts(shelves):
    """A quantity below one is refused and changes nothing."""
    await shelves.fill("bolt", 5)
    taken = [await shelves.take("bolt", count) for count in (0, -1, -4)]
    return taken == [False] * 3 and shelves.left("bolt") == 5


CHECKS = {"serves": serves, "refuses": refuses, "rush": holds_in_a_rush, "odd-counts": refuses_odd_counts}


def names_the_race(findings):
    """A remark on the lines where reading and writing are two steps."""
    return any(finding["file"] == "shop/stock.py" and finding["line"] in RACE_LINES for finding in findings)
