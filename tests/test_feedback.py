"""The candidate's page: strengths, what the rubric allows of what was missed, and not a word more of the key."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

import made_results
import made_submissions as made
import pytest
from markupsafe import escape
from typer.testing import CliRunner

from reviewkit.assess import Assessment, assess
from reviewkit.bank import Entry, find_bank
from reviewkit.cli import app
from reviewkit.errors import DataError
from reviewkit.feedback import AREAS, feedback
from reviewkit.feedbackpage import read_message, render_feedback
from reviewkit.neutrality import words
from reviewkit.purge import purge_files
from reviewkit.rubric import Feedback, Rubric
from reviewkit.scorecard import Decision, ItemState, Outcome
from reviewkit.submission import Submission, read_submission
from reviewkit.words import Level

BANK = find_bank(made.ROOT)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202egnp"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Assessment:
    """One flaw found, the others missed, and a hostile remark outside the key that a rater has confirmed."""
    folder = tmp_path_factory.mktemp("feedback")
    other = {**made.SEEN, "line": 3, "end_line": 3, "file": "txservice/models.py", "body": HOSTILE, "why": "", "fix": ""}
    path = made.write(folder / "a.ipynb", made.completed(made.review(findings=[made.SEEN, other]), folder, candidate="c-1"))
    submission = read_submission(path)
    assessed = assess(submission, BANK, None, decided=decisions(submission))
    assert {d.state for d in assessed.card.defects} >= {ItemState.CREDITED, ItemState.MISSED}
    return assessed


def decisions(submission: Submission) -> list[Decision]:
    seen, other = (finding.id for finding in submission.state.findings)
    heard = {"author": "r1", "time": "2026-03-02T11:00:00Z", "reason": "said in the talk"}
    return [Decision(finding=seen, defect="swallowed-conflict", outcome="matched", **heard), Decision(finding=other, outcome="extra", **heard)]


def telling(entry: Entry, how: Literal["nothing", "areas", "flaws"], *levels: Level) -> Entry:
    """The scenario with another `feedback` in its rubric."""
    rubric = entry.rubric.model_copy(update={"feedback": Feedback(may_tell=levels, missed=how)})
    other = replace(entry)
    other.__dict__["rubric"] = rubric
    return other


def page(found: Assessment, entry: Entry, **options: bool) -> str:
    return render_feedback(found.card, entry, found.submission, "2026-03-02", **options)


def phrases(rubric: Rubric) -> list[tuple[str, str]]:
    """Everything that the key says, by whose it is; looked for by other means than the command itself uses."""
    said = [(d.id, t) for d in rubric.defects for t in (d.title, *d.sees, *d.understands, *d.mends, *d.not_, *d.follow_ups)]
    said += [(g.id, g.statement) for g in rubric.gates] + [(d.id, d.why) for d in rubric.decoys] + [(c.id, c.why) for c in rubric.claims]
    said += [(a.id, a.statement) for a in rubric.also_valid]
    said += [(key, t) for key, k in rubric.exercises.items() for t in (*k.cause, *k.evidence, *k.fix, *k.trade_off, *k.points)]
    return [(ident, f" {' '.join(words(text))} ") for ident, text in said]


def leaks(html: str, rubric: Rubric) -> set[str]:
    text = f" {' '.join(words(re.sub(r'<[^>]+>', ' ', html)))} "
    return {ident for ident, phrase in phrases(rubric) if phrase in text} | ({"canary"} if rubric.canary in html else set())


@pytest.mark.parametrize("how", ["nothing", "areas"])
def test_without_release_no_text_of_the_key_is_in_it(found: Assessment, how: Literal["nothing", "areas"]) -> None:
    entry = telling(found.entry, how, *Level)
    html = page(found, entry)
    assert leaks(html, entry.rubric) == set()
    ours = re.sub(r'<div class="said">.*?</div>', "", html, flags=re.DOTALL)
    for anchor in (d.anchor for d in entry.rubric.defects):
        assert str(escape(anchor.strip())) not in ours
    assert ("More was to be found about" in html) is (how == "areas")


def test_the_sample_bank_tells_areas_only_and_a_rubric_that_says_nothing_tells_nothing(found: Assessment) -> None:
    told = feedback(found.card, found.entry.rubric)
    assert told.missed == ()
    assert set(told.areas) <= set(AREAS.values())
    assert told.areas
    silent = feedback(found.card, found.entry.rubric.model_copy(update={"feedback": Feedback()}))
    assert (silent.missed, silent.areas) == ((), ())


def test_flaws_are_named_at_the_allowed_levels_only(found: Assessment) -> None:
    entry = telling(found.entry, "flaws", Level.JUNIOR)
    missed = {d.id for d in found.card.defects if d.state is ItemState.MISSED}
    allowed = {d.id for d in entry.rubric.defects if d.id in missed and d.level is Level.JUNIOR}
    assert allowed
    html = page(found, entry)
    assert leaks(html, entry.rubric) == allowed
    for defect in entry.rubric.defects:
        assert (str(escape(defect.title)) in html) is (defect.id in allowed)


def test_a_release_names_and_explains_every_missed_flaw(found: Assessment) -> None:
    html = page(found, found.entry, released=True)
    for defect in found.entry.rubric.defects:
        is_missed = any(d.id == defect.id and d.state is ItemState.MISSED for d in found.card.defects)
        assert (str(escape(defect.title)) in html) is is_missed
        assert (str(escape(defect.understands[0])) in html) is is_missed
    assert found.entry.rubric.canary not in html


def test_it_says_what_was_right_and_neither_score_nor_what_was_wrong(found: Assessment) -> None:
    html = page(found, found.entry)
    assert [f.outcome for f in found.card.findings] == [Outcome.MATCHED, Outcome.EXTRA]
    assert html.count("✓ a real problem") == 2
    alone = assess(found.submission, BANK, None, decided=decisions(found.submission)[:1])
    assert [f.outcome for f in feedback(alone.card, alone.entry.rubric).right] == [Outcome.MATCHED]
    assert made.SEEN["body"] in html
    plain = re.sub(r"<svg.*?</svg>|<style>.*?</style>", "", html, flags=re.DOTALL)
    for word in (f"{found.card.total.points:.1f}", "decoy", "false", "gate", found.card.total.band, "rubric", "rater", "r1"):
        assert not re.search(rf"\b{re.escape(word)}\b", plain), word


def test_it_is_self_contained_and_hostile_text_stays_text(found: Assessment) -> None:
    html = render_feedback(found.card, found.entry, found.submission, "2026-03-02", message=[HOSTILE, "Thank you & goodbye"])
    assert "default-src 'none'" in html
    assert not re.search(r"<(script|img|iframe|object|embed|link|form|base)\b", html)
    assert not re.search(r"""(src|href)=["'](?!#)""", html)
    assert "url(" not in html
    assert "\u202e" not in html
    assert "Thank you &amp; goodbye" in html
    assert "&lt;script&gt;" in html


def test_a_page_that_would_hold_the_key_is_not_written(found: Assessment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong on the way: here a title got into the words for an area."""
    title = found.entry.rubric.defects[0].title
    monkeypatch.setattr("reviewkit.feedback.AREAS", dict.fromkeys(AREAS, title))
    with pytest.raises(DataError, match="so it was not written"):
        page(found, telling(found.entry, "areas", *Level))


def test_the_new_field_changes_no_rubric_that_does_not_name_it() -> None:
    for entry in BANK:
        assert '"missed"' not in entry.rubric.canonical_json
    assert Feedback(missed="flaws").model_dump()["missed"] == "flaws"


def test_the_command_writes_the_page_and_purging_takes_it_away(found: Assessment, tmp_path: Path) -> None:
    out, sha = tmp_path / "out", found.submission.sha256
    assert made_results.score_into(out, found.submission.path) == sha
    (tmp_path / "words.txt").write_text("Well <b>done</b>.\n\nSee you.", "utf-8")
    command = ["feedback", str(out), "c-1", "--message", str(tmp_path / "words.txt"), "--bank", str(made.ROOT)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "points still wait for a person" in done.stderr
    (path,) = (out / "feedback").iterdir()
    html = path.read_text("utf-8")
    assert "Well &lt;b&gt;done" in html
    assert leaks(html, found.entry.rubric) == set()
    assert f"feedback/{path.name}" in purge_files(out, "c-1", {sha})


def test_a_message_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "long").write_text("x" * 20_001, "utf-8")
    for name in ("bytes", "long", "missing"):
        with pytest.raises(DataError, match="--message"):
            read_message(tmp_path / name)
