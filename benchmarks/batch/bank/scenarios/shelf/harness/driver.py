"""How the warehouse is called."""

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from shop.stock import take as take_units
from shop.tables import Base, Shelf


async def setup(env):
    """Make the tables in an empty database."""
    env.state["engine"] = engine = create_async_engine(env.database_url("main"))
    env.state["sessions"] = async_sessionmaker(engine, expire_on_commit=False)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def fill(env, product, units):
    """Put units on a shelf."""
    async with env.state["sessions"].begin() as session:
        session.add(Shelf(product=product, on_hand=units))


async def take(env, product, count):
    """Take units in a transaction of its own."""
    async with env.state["sessions"].begin() as session:
        return await take_units(session, product, count)


async def teardown(env):
    """Give the connections back."""
    await env.state["engine"].dispose()
