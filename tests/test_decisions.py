"""Raters' decisions are only ever added, in order, and none of two writers at once is lost."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from reviewkit import decisions
from reviewkit.purge import purge_store
from reviewkit.rulings import Rulings, last_words
from reviewkit.scorecard import Decision, DecisionKind
from reviewkit.store import open_engine

ONE, TWO = "1" * 64, "2" * 64
WRITES = 8


def decision(author: str = "r1", outcome: str = "pass", second: int = 0, item: str = "g1") -> Decision:
    when = f"2026-03-02T10:{second // 60:02d}:{second % 60:02d}Z"
    return Decision(
        kind=DecisionKind.GATE, item=item, outcome=outcome, author=author, time=when, reason="said in the talk"
    )


def url_of(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'store.sqlite'}"


def test_decisions_come_back_by_submission_in_order(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    first, later = decision(outcome="fail", second=5), decision(second=1)
    match = Decision(
        finding="f", defect="d", outcome="matched", author="r2", time="2026-03-02T11:00:00.5Z", reason="é ✓"
    )
    asyncio.run(decisions.add(url, ONE, [first, later]))
    asyncio.run(decisions.add(url, TWO, [match]))
    asyncio.run(decisions.add(url, ONE, [decision("r2")]))
    assert asyncio.run(decisions.of(url, ONE)) == (first, later, decision("r2"))
    assert asyncio.run(decisions.everything(url)) == {ONE: (first, later, decision("r2")), TWO: (match,)}


def test_reading_makes_no_store(tmp_path: Path) -> None:
    assert asyncio.run(decisions.of(url_of(tmp_path), ONE)) == ()
    assert asyncio.run(decisions.everything(url_of(tmp_path))) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("statement", ["UPDATE decisions SET outcome = 'fail'", "DELETE FROM decisions"])
def test_the_table_refuses_change(tmp_path: Path, statement: str) -> None:
    url = url_of(tmp_path)
    asyncio.run(decisions.add(url, ONE, [decision()]))

    async def change() -> None:
        engine = open_engine(url, writes=True)
        try:
            async with engine.begin() as connection:
                await connection.exec_driver_sql(statement)
        finally:
            await engine.dispose()

    with pytest.raises(IntegrityError, match="only ever added"):
        asyncio.run(change())
    assert decision() in asyncio.run(decisions.of(url, ONE))


def _write(url: str, author: str, gate: Barrier) -> None:
    gate.wait()  # both make the store, then write in turns
    for number in range(WRITES):
        asyncio.run(decisions.add(url, ONE, [decision(author, second=number), decision(author, "fail", second=number)]))


def test_two_raters_at_once_are_both_kept(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    gate = spawn.Barrier(2)
    raters = [spawn.Process(target=_write, args=(url_of(tmp_path), name, gate)) for name in ("r1", "r2")]
    for rater in raters:
        rater.start()
    for rater in raters:
        rater.join(120)
    assert [rater.exitcode for rater in raters] == [0, 0]
    kept = asyncio.run(decisions.of(url_of(tmp_path), ONE))
    for name in ("r1", "r2"):
        mine = [d for d in kept if d.author == name]
        assert [(d.time, d.outcome) for d in mine] == [
            (decision(second=n).time, outcome) for n in range(WRITES) for outcome in ("pass", "fail")
        ]


def test_a_withdrawn_word_no_longer_counts_and_stays_on_record() -> None:
    said = [decision("r1"), decision("r2", "fail", 1), decision("r2", "withdrawn", 2)]
    assert Rulings.of(said).ruling(DecisionKind.GATE, item="g1") == "pass"
    assert list(last_words(said)) == [("gate", "", "", "g1")]
    assert Rulings.of(said[1:]).ruling(DecisionKind.GATE, item="g1") is None
    assert not Rulings.of(said[1:]).split(DecisionKind.GATE, item="g1")
    for about in ({"defect": "d"}, {}):
        assert Decision(finding="f", outcome="withdrawn", author="r", time=said[0].time, reason="slip", **about)
    with pytest.raises(ValidationError, match="withdrawn"):
        decision(outcome="perhaps")


def test_a_person_who_asks_for_it_is_forgotten_and_the_table_is_guarded_again(tmp_path: Path) -> None:
    url = url_of(tmp_path)
    asyncio.run(decisions.add(url, ONE, [decision()]))
    asyncio.run(decisions.add(url, TWO, [decision("r2")]))
    gone, _hashes, _invites = asyncio.run(purge_store(url, "c-1", [ONE]))
    assert gone == {"decisions": 1}
    assert asyncio.run(decisions.everything(url)) == {TWO: (decision("r2"),)}
    test_the_table_refuses_change(tmp_path, "DELETE FROM decisions")
