"""The world outside the warehouse: its database."""

from reviewkit.harness import World


def warehouse():
    """An empty database."""
    world = World()
    world.database("main", "")
    return world


class Shelves:
    """What a check sees of a warehouse; the peers of the benchmark have the same with the database in their own process."""

    def __init__(self, job):
        self._job = job

    async def fill(self, product, units):
        """Put units on a shelf."""
        await self._job.call("fill", product=product, units=units)

    async def take(self, product, count):
        """Take units: True, False, or the name of an error."""
        answer = await self._job.call("take", product=product, count=count)
        return answer.value if answer.ok else answer.error

    async def together(self, orders):
        """Take units at the same time."""
        answers = await self._job.gather([("take", {"product": product, "count": count}) for product, count in orders])
        return [answer.value if answer.ok else answer.error for answer in answers]

    def meet(self, parties):
        """Let readers of the table go on together."""
        gate = self._job.world.gate(parties)
        self._job.world.db().hold(gate, when=lambda sql: sql.lstrip().upper().startswith("SELECT") and "shelves" in sql)

    def left(self, product):
        """Units on a shelf."""
        return self._job.world.db().rows("SELECT on_hand FROM shelves WHERE product = ?", product)[0][0]
