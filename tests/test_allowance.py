"""Late checks end an exercise early, but only by time that was the candidate's own; a busy machine costs nobody points."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from sandbox_bank import MODULE, REFERENCE, make_bank

from reviewkit import allowance, checks, pace
from reviewkit.allowance import BUSY_SECONDS, OWN_SECONDS, Allowance
from reviewkit.checks import run_hidden_checks
from reviewkit.pace import Pace
from reviewkit.sandbox import open_launcher, waits


def test_time_of_ones_own_runs_out() -> None:
    left = Allowance()
    left.charge("time_limit", OWN_SECONDS, OWN_SECONDS)
    assert left.rest is None
    left.charge("time_limit", 1.0, 1.0)
    assert left.rest is not None
    assert left.rest[0] == "time_limit"


def test_time_that_others_took_is_not_ones_own() -> None:
    left = Allowance()
    for _ in range(20):
        left.charge("time_limit", 5.0, 80.0)
        left.charge("passed", 300.0, 300.0)
        left.charge("failed", 300.0, 300.0)
    assert left.rest is None


@pytest.mark.parametrize(("guest", "parent", "own"), [(70.0, 0.0, 30.0), (0.0, 80.0, 20.0), (70.0, 80.0, 20.0), (0.0, 0.0, 100.0), (300.0, 0.0, 0.0)])
def test_waiting_for_a_processor_is_none_of_it(monkeypatch: pytest.MonkeyPatch, guest: float, parent: float, own: float) -> None:
    """Of a hundred seconds, by the longer wait of guest and parent."""
    begun = Pace(begun=0.0, waited=5.0)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: 100.0))
    monkeypatch.setattr(waits, "of_this_thread", lambda: 5.0 + parent)
    assert begun.own(guest) == own


def test_a_machine_that_stays_too_busy_leaves_the_rest_without_a_measurement() -> None:
    left = Allowance()
    left.charge("not_measured", 80.0, BUSY_SECONDS)
    assert left.rest is None
    left.charge("not_measured", 0.0, 1.0)
    assert left.rest is not None
    assert left.rest[0] == "not_measured"


def test_patience_with_a_busy_machine_uses_up_no_more_than_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mend that sleeps takes as long as calls may take, which is longer where a check is repeated."""
    ends = [checks._Seen("time_limit", own=4.0, starved=True), checks._Seen("time_limit", own=40.0)]

    async def once(_run: object, _slow: float = 1.0) -> checks._Seen:
        return ends.pop(0)

    monkeypatch.setattr(checks, "_once", once)
    seen = asyncio.run(checks._run(None))  # type: ignore[arg-type]
    assert (seen.outcome, seen.own, ends) == ("time_limit", 4.0, [])


@pytest.mark.sandbox
def test_what_is_not_begun_is_late_and_a_quick_mend_after_it_is_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = make_bank(tmp_path)
    monkeypatch.setattr(allowance, "OWN_SECONDS", 1.0)
    sleeps = REFERENCE.replace("return sum(prices)", "import time; time.sleep(60)")
    with open_launcher() as launcher:
        late = asyncio.run(run_hidden_checks(entry, "mend", {MODULE: sleeps}, launcher, 1))
        quick = asyncio.run(run_hidden_checks(entry, "mend", {MODULE: REFERENCE}, launcher, 1))
    assert [result.outcome for result in late] == ["time_limit"] * 3
    assert [result.seen.startswith("not begun") for result in late] == [False, True, True]
    assert [result.outcome for result in quick] == ["passed"] * 3
