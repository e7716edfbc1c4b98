"""The report shows every text as text, asks nothing of the network, and is the same on every run."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import made_submissions as made
import pytest
from markupsafe import escape

from reviewkit.assess import Assessment, assess
from reviewkit.bank import find_bank
from reviewkit.report import naming, render_report
from reviewkit.scorecard import PutBack
from reviewkit.submission import read_submission

BANK = find_bank(made.ROOT)
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'><a href="javascript:alert(1)">x</a>{{ 7*7 }}\u202egnp.\u200b'


def assessed(tmp_path: Path, **fields: object) -> Assessment:
    path = made.write(tmp_path / "a.ipynb", made.completed(made.review(**fields), tmp_path, candidate=str(fields.get("candidate", "c-1"))))
    return assess(read_submission(path), BANK, None)


def render(found: Assessment) -> str:
    return render_report(found.card, found.entry, found.submission, "2026-03-02")


@pytest.fixture
def html(tmp_path: Path) -> str:
    return render(assessed(tmp_path))


def test_it_is_self_contained_and_has_a_policy(html: str) -> None:
    assert "default-src 'none'" in html
    assert not re.search(r"<(script|iframe|object|embed|link|form|base)\b", html)
    assert not re.search(r"""(src|href)=["'](?!#)""", html)
    assert "url(" not in html


def test_it_is_the_same_on_every_run(tmp_path: Path, html: str) -> None:
    assert render(assessed(tmp_path)) == html


def test_every_part_is_there(html: str) -> None:
    for part in ("words", "gates", "queue", "dimensions", "defects", "remarks", "claims", "exercises", "change", "record", "how"):
        assert f'id="{part}"' in html
    assert "Hiring decision" in html
    assert "people decide" in html
    for defect in BANK.entry(made.SLUG).rubric.defects:
        assert f'id="d-{defect.id}"' in html


def test_without_a_sandbox_it_says_not_run(tmp_path: Path) -> None:
    mended = tmp_path / "mend" / "txservice" / "models.py"
    mended.parent.mkdir(parents=True)
    mended.write_text((BANK.entry(made.SLUG).folder / "head" / "txservice" / "models.py").read_text("utf-8") + "\n", "utf-8")
    html = render(assessed(tmp_path, mend={"mend": ["txservice/models.py"]}))
    assert "hidden checks NOT RUN" in html
    assert "unscored: checks_not_run" in html


def test_evidence_is_shown_with_its_code_and_every_outcome(tmp_path: Path) -> None:
    """Without a sandbox it waits for a person; what was run again stands beside the candidate's own word."""
    found = assessed(tmp_path, evidence=[{"finding": 0, "code": f"assert 1 == 2, {HOSTILE!r}"}])
    waiting = render(found)
    assert "not run again (no sandbox on this machine)" in waiting
    assert "assert 1 == 2" in waiting
    assert "<script" not in waiting
    (result,) = found.card.evidence
    defect = found.entry.rubric.defects[0]
    put_back = (PutBack(defect=defect.id, outcome="passes", seen="the check holds"),)
    again = result.model_copy(update={"head": "fails", "head_seen": HOSTILE, "reference": "passes", "put_back": put_back})
    html = render(replace(found, card=found.card.model_copy(update={"evidence": (again,)})))
    assert f"mended tree with this put back: {escape(defect.title)}" in html
    assert "<img" not in html


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    finding = {**made.SEEN, "body": HOSTILE, "why": HOSTILE, "fix": HOSTILE}
    fields = {
        "findings": [finding], "answers": {"explain": {"text": HOSTILE}},
        "verdict": {"decision": "block", "summary": HOSTILE, "top": [0]},
    }  # fmt: skip
    html = render(assessed(tmp_path, **fields))
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html
    assert "{{ 7*7 }}" in html
    assert "\u202e" not in html
    assert "&lt;U+202E&gt;" in html


def test_a_tampered_record_is_marked(tmp_path: Path) -> None:
    notebook = made.completed(made.review(), tmp_path)
    notebook["metadata"]["reviewkit"]["record"]["events"][1]["data"]["severity"] = "nit"
    submission = read_submission(made.write(tmp_path / "a.ipynb", notebook))
    assert submission.is_tampered
    found = assess(submission, BANK, None)
    assert "marks that a person must judge" in render(found)
    assert "notice alarm" in render(found)


def test_what_matters_is_open_and_the_rest_folds(html: str) -> None:
    opened = outside_folds(html)
    for words in ("of 97", "Must explain", "To decide", "bounds"):
        assert words in opened
    assert "log-odds)" in html
    assert "log-odds)" not in opened
    assert 'role="region" aria-label="Diff of' not in opened


def outside_folds(html: str) -> str:
    """The text that a reader sees before opening anything; summaries included."""
    depth, kept = 0, []
    for piece in re.split(r"(<details[^>]*>|</details>|<summary>.*?</summary>)", html, flags=re.DOTALL):
        depth += piece.startswith("<details") - piece.startswith("</details")
        if depth == 0 or (depth == 1 and piece.startswith("<summary>")):
            kept.append(piece)
    return "".join(kept)


def test_no_link_stands_in_a_summary(html: str) -> None:
    assert not [s for s in re.findall(r"<summary>.*?</summary>", html, flags=re.DOTALL) if "<a " in s]


def test_ids_of_the_record_are_shown_as_remarks_and_titles(tmp_path: Path) -> None:
    found = assessed(tmp_path)
    html = render(found)
    body = html.split("</style>")[1]
    assert found.card.findings
    for finding in found.card.findings:
        assert finding.id not in body
    assert 'Perhaps said by </bdi><a href="#f-1">remark 1</a>' in html


def test_names_are_whole_words_only(tmp_path: Path) -> None:
    card = assessed(tmp_path).card
    first, flaw = card.findings[0].id, card.defects[0].id
    named = naming(card, {flaw: "A <title>"})
    assert f'<a href="#d-{flaw}">“A &lt;title&gt;”</a>' in named(f"Finds {flaw}.")
    assert "remark 1" in named(f"Found by {first}.")
    assert "remark" not in named(f"x{first} {first}y <b>")
    assert "<b>" not in named("<b>")
