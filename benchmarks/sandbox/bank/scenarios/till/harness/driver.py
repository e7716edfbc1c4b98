"""How the till is called."""

import asyncio
import sqlite3

from till import sales


async def sell(env, product, count):
    """Sell units, from a thread, as a till of its own would."""
    return await asyncio.to_thread(_sell, product, count)


def _sell(product, count):
    connection = sqlite3.connect("world:main")
    try:
        return sales.sell(connection, product, count)
    finally:
        connection.close()


def takings(env, lines):
    """Sum of some receipts."""
    return sales.takings(lines)
