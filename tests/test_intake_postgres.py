"""The intake's promises on PostgreSQL, on a server of the tests' own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from made_intake import AT, bearer, notebook
from made_records import SAMPLES, chain

from reviewkit.database import database_url
from reviewkit.errors import IntakeError
from reviewkit.intake import upkeep
from reviewkit.intake.database import open_database
from reviewkit.intake.opening import open_storage

EVENTS = chain(SAMPLES)


@pytest.fixture
def url(postgres_url: str) -> str:
    return database_url(postgres_url)


def test_postgresql_keeps_the_same_promises(url: str, tmp_path: Path) -> None:
    log = tmp_path / "receipts"

    async def work() -> None:
        storage = await open_storage(url, log)
        equal = await asyncio.gather(*(storage.add_submission(bearer(), "key-000001", notebook(), AT) for _ in range(50)))
        assert (len({r.receipt for r in equal}), sum(r.is_new for r in equal)) == (1, 1)
        acks = await asyncio.gather(*(storage.add_events(bearer(n), "rec", EVENTS, AT) for n in range(1, 60)))
        assert {ack.new_n for ack in acks} == {len(EVENTS)}
        for wrong in (storage.add_submission(bearer(), "key-000001", b"{}", AT), storage.add_events(bearer(), "new", EVENTS[1:], AT)):
            with pytest.raises(IntakeError) as caught:
                await wrong
            assert caught.value.status == 409
        assert (await storage.purge("c-2", AT))["events"] == len(EVENTS)
        await storage.close()
        assert await upkeep.verify(url, log) == []
        database = open_database(url)
        await database.outside(["DELETE FROM intake_events WHERE seq = 5 AND invite = 'invite-000003'"])
        await database.close()
        with pytest.raises(IntakeError, match="has lost what it confirmed"):
            await open_storage(url, log)

    asyncio.run(work())


def test_two_services_on_one_database_take_turns(url: str, tmp_path: Path) -> None:
    async def work() -> None:
        first = await open_storage(url, tmp_path / "receipts")
        second = await open_storage(url, tmp_path / "receipts")
        both = [store.add_submission(bearer(n), "key-000001", notebook(n), AT) for n in range(1, 21) for store in (first, second)]
        made = await asyncio.gather(*both)
        assert sum(r.is_new for r in made) == 20
        await first.close()
        await second.close()
        assert await upkeep.verify(url, tmp_path / "receipts") == []

    asyncio.run(work())
