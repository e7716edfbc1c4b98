"""What scoring notebooks find done: everything of a scoring that is the same for each submission of a scenario.

Called once in the process that the notebooks of a batch are forked from, which holds the key anyway. It goes through a scoring
with remarks of our own and without the sandbox, so that tables, templates, the parsed rubric and the drawn change are there
in each fork. It writes nothing; all of it is kept by content, so a file that changes meanwhile is read again.
"""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from typing import Final

from reviewkit.anchor import rubric_spans
from reviewkit.assess import Assessment, judge, match_state, row_of
from reviewkit.bank import Entry, find_bank
from reviewkit.batchmarks import identity_of, plain
from reviewkit.errors import ReviewkitError
from reviewkit.finding import Finding
from reviewkit.notebook_views import Scored
from reviewkit.record import State
from reviewkit.report import environment, render_report
from reviewkit.runs import Runs, content_of, versions_of
from reviewkit.scorecard import CheckResult, Scorecard
from reviewkit.submission import Submission

ROUNDS: Final = 3
"""The first fills the caches; the interpreter rewrites code into a faster form, in place, as it is run again."""
REMARKS: Final = 4
GC_THRESHOLDS: Final = (5_000, 20, 20)
"""A scoring notebook is short-lived: it collects garbage more seldom than a process that is to last."""


def warm_up(bank: str, rubrics: str, slug: str) -> None:
    """Go through a scoring of a scenario; of one that is broken or not there, each submission's row says so.

    Args:
        bank: Folder of the bank; empty: as commands find it.
        rubrics: Folder of the rubrics; empty: the bank's own.
        slug: The scenario.
    """
    with contextlib.suppress(ReviewkitError):
        _warm_up(bank, rubrics, slug)


def _warm_up(bank: str, rubrics: str, slug: str) -> None:
    entry = find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None).entry(slug)
    for name in environment().list_templates(filter_func=lambda name: name.startswith("report")):
        environment().get_template(name)
    content_of(entry)
    gc.set_threshold(*GC_THRESHOLDS)
    for _ in range(ROUNDS):
        _score(entry)


def _score(entry: Entry) -> None:
    submission = _submission(entry)
    plain(identity_of(submission))
    checks = tuple(
        CheckResult(exercise=exercise, check=check, title=check, outcome="passed")
        for exercise, key in entry.rubric.exercises.items()
        for check in key.checks
    )
    runs = Runs(versions=versions_of(entry), sandbox="none", checks=checks, baseline=checks)
    card = judge(submission, entry, runs, (), match_state(submission.state, entry))
    render_report(card, entry, submission, "")
    shown = Scored(row_of(Assessment(submission, entry, card, runs), ""), Scorecard.model_validate_json(card.canonical_json()))
    shown.summary()._repr_mimebundle_()
    for table in (shown.dimensions(), shown.gates(), shown.findings(), shown.defects(), shown.checks(), shown.queue()):
        table._repr_html_()
        repr(table)


def _submission(entry: Entry) -> Submission:
    """One with remarks at places of the key, in words of the key."""
    spans = rubric_spans(entry.rubric, entry.folder / "head")
    findings = tuple(
        Finding(f"f-{number}", span.file, "R", span.first, span.last, defect.severity.value, defect.category.value, defect.sees[0], "", "", False)
        for number, defect in enumerate(entry.rubric.defects[:REMARKS])
        for span in spans[defect.id][:1]
    )
    state = State(slug=entry.slug, version=entry.scenario.version, findings=findings)
    return Submission(Path("made"), "0" * 64, entry.slug, entry.scenario.version, "", "made", (), state, ())
