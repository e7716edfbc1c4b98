"""What program, each rater and all together make of a submission, side by side in the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import made_submissions as made
import pytest

from reviewkit.assess import Assessment, assess, judge
from reviewkit.bank import find_bank
from reviewkit.handover import PROGRAM, TOGETHER, side_by_side, voices
from reviewkit.report import render_report
from reviewkit.scorecard import Decision, DecisionKind, GateOutcome, Scorecard
from reviewkit.submission import read_submission
from reviewkit.words import Dimension

BANK = find_bank(made.ROOT)
GATE = BANK.entry(made.SLUG).rubric.gates[0].id


def said(author: str, kind: DecisionKind, outcome: str, item: str) -> Decision:
    return Decision(kind=kind, item=item, outcome=outcome, author=author, time="2026-03-02T11:00:00Z", reason="<b>heard it</b>")


DECISIONS = (
    said("r1", DecisionKind.GATE, "pass", GATE),
    said("r1", DecisionKind.RATING, "4", "communication"),
    said("r2", DecisionKind.GATE, "fail", GATE),
    said("r2", DecisionKind.RATING, "2", "communication"),
    said("r<i>3", DecisionKind.GATE, "fail", GATE),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    folder = tmp_path_factory.mktemp("handover")
    path = made.write(folder / "a.ipynb", made.completed(made.review(), folder))
    return assess(read_submission(path), BANK, None, decided=DECISIONS)


def judged(found: Assessment, decisions: Sequence[Decision]) -> Scorecard:
    return judge(found.submission, found.entry, found.runs, decisions)


def test_each_voice_is_scored_alone_and_the_last_is_all_of_them(found: Assessment) -> None:
    heard = voices(found.card, lambda words: judged(found, words))
    assert [voice.name for voice in heard] == [PROGRAM, "r1", "r2", "r<i>3", TOGETHER]
    assert heard[0].card.decisions == ()
    assert heard[-1].card is found.card
    assert [voice.card.gates[0].outcome for voice in heard[1:]] == [GateOutcome.PASS, GateOutcome.FAIL, GateOutcome.FAIL, GateOutcome.FAIL]
    marks = [voice.card.dimension(Dimension.COMMUNICATION) for voice in heard]
    assert [mark.scored for mark in marks] == [False, True, True, False, True]
    assert marks[1].points > marks[-1].points > marks[2].points


def test_a_line_says_who_spoke_and_where_raters_differ(found: Assessment) -> None:
    lines = {line.name: line for line in side_by_side(voices(found.card, lambda words: judged(found, words)))}
    rated = lines["Communication"]
    assert [cell.is_own for cell in rated.cells] == [False, True, True, False, False]
    assert rated.differs
    assert not lines["Detection"].differs
    assert lines[f"Gate: {found.card.gates[0].statement}"].differs
    assert list(lines) == ["Total", "Band", *(d.value.capitalize() for d in Dimension), *(f"Gate: {g.statement}" for g in found.card.gates)]


def test_the_report_shows_them_and_nothing_where_no_rater_spoke(found: Assessment, tmp_path: Path) -> None:
    heard = voices(found.card, lambda words: judged(found, words))
    html = render_report(found.card, found.entry, found.submission, "2026-03-02", heard=heard)
    table = re.search(r'<table class="voices">.*?</table>', html, re.DOTALL)
    assert table is not None
    assert table[0].count("<th>") == 6
    assert "Rater <bdi>r&lt;i&gt;3</bdi>" in table[0]
    assert table[0].count("raters differ") >= 2
    assert 'href="#voices"' in html
    alone = judged(found, ())
    assert voices(alone, lambda words: judged(found, words)) == ()
    assert side_by_side(()) == ()
    assert 'id="voices"' not in render_report(alone, found.entry, found.submission, "2026-03-02")
