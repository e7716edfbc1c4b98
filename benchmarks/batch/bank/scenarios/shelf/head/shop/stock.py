"""Books units out of the warehouse."""

from sqlalchemy import select, update

from shop.tables import Shelf


async def take(session, product, count):
    """Take units off a shelf; False when there are too few."""
    on_hand = await session.scalar(select(Shelf.on_hand).where(Shelf.product == product))
    if on_hand is None or on_hand < count:
        return False
    await session.execute(update(Shelf).where(Shelf.product == product).values(on_hand=on_hand - count))
    return True
