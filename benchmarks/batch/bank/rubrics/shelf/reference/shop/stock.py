"""Books units out of the warehouse."""

from sqlalchemy import update

from shop.tables import Shelf


async def take(session, product, count):
    """Take units off a shelf; False when there are too few."""
    if count < 1:
        return False
    enough = (Shelf.product == product) & (Shelf.on_hand >= count)
    done = await session.execute(update(Shelf).where(enough).values(on_hand=Shelf.on_hand - count))
    return done.rowcount == 1
