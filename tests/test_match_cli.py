"""`reviewkit match FILE.jsonl`: every pair of every review, as JSON lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reviewkit import model
from reviewkit.errors import DataError
from reviewkit.matchfile import TEXT_ONLY, match_text_file

REVIEW = {
    "id": "r1",
    "findings": [
        {"id": "f1", "text": "Two requests can pass the stock check at the same time and oversell, there is a race condition"},
        {"id": "f2", "text": "The README has a typo in its title"},
    ],
    "defects": [
        {"id": "d1", "text": "Race condition: concurrent requests both pass the stock check and oversell"},
        {"id": "d2", "text": "The session token never expires"},
    ],
}


def run(*reviews: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in match_text_file(json.dumps(review) for review in reviews)]


def by_pair(answer: dict[str, object]) -> dict[tuple[str, str], dict[str, object]]:
    return {(p["finding"], p["defect"]): p for p in answer["pairs"]}  # type: ignore[attr-defined]


def test_every_pair_comes_back_with_its_reasons() -> None:
    (answer,) = run(REVIEW)
    pairs = by_pair(answer)
    assert answer["id"] == "r1"
    assert set(pairs) == {(f, d) for f in ("f1", "f2") for d in ("d1", "d2")}
    for pair in pairs.values():
        assert set(pair) == {"finding", "defect", "probability", "outcome", "contributions", "guards"}
        assert 0 <= pair["probability"] <= 1  # type: ignore[operator]
        assert {term["feature"] for term in pair["contributions"]} >= set(model.FEATURES)  # type: ignore[attr-defined]
    assert pairs["f1", "d1"]["probability"] > 0.9 > 0.1 > pairs["f1", "d2"]["probability"]  # type: ignore[operator]


def test_decisions_by_words_alone_say_so() -> None:
    pairs = by_pair(run(REVIEW)[0])
    assert pairs["f1", "d1"]["outcome"] == f"matched ({TEXT_ONLY})"
    assert pairs["f2", "d2"]["outcome"] == f"not matched ({TEXT_ONLY})"


def test_with_places_the_same_words_are_taken_only_at_their_lines() -> None:
    def placed(line: int) -> str:
        review = json.loads(json.dumps(REVIEW))
        review["findings"][0] |= {"file": "a.py", "line_start": line, "line_end": line}
        review["defects"][0] |= {"file": "a.py", "line_start": 10, "line_end": 12}
        review["defects"][1] |= {"file": "a.py", "line_start": 50}
        return str(by_pair(run(review)[0])["f1", "d1"]["outcome"])

    assert placed(11) == "matched"
    assert placed(14) == "matched"
    assert placed(30) == "needs a person"


def test_reviews_do_not_influence_each_other_and_blank_lines_are_skipped() -> None:
    other = {**REVIEW, "id": "r2", "defects": REVIEW["defects"][:1]}  # type: ignore[index]
    alone, both = run(REVIEW), run(REVIEW, other)
    assert both[0] == alone[0]
    assert list(match_text_file(["", "  \n", json.dumps(REVIEW)])) == list(match_text_file([json.dumps(REVIEW)]))


def test_empty_reviews_have_no_pairs() -> None:
    assert run({"id": "r", "findings": [], "defects": []}) == [{"id": "r", "pairs": []}]


def test_empty_and_odd_texts_are_never_taken() -> None:
    texts = ["", "   ", "\u200b", "???", "!" * 50_000, "\ud800"]
    review = {**REVIEW, "findings": [{"id": str(n), "text": text} for n, text in enumerate(texts)]}
    (answer,) = run(review)
    assert not [p for p in answer["pairs"] if str(p["outcome"]).startswith("matched")]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("{", "is not JSON"),
        ("[]", "review"),
        ('{"id": "r"}', "findings"),
        ('{"id": "r", "findings": [{"id": "f"}], "defects": []}', "findings.0.text"),
        ('{"id": "r", "findings": [], "defects": [{"id": "d", "text": "t"}, {"id": "d", "text": "t"}]}', "id twice"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_bad_line_is_named_in_one_sentence(line: str, fact: str) -> None:
    with pytest.raises(DataError) as caught:
        list(match_text_file([json.dumps(REVIEW), line]))
    said = str(caught.value)
    assert said.startswith("line 2: ")
    assert fact in said
    assert "\n" not in said


def test_the_command_prints_the_same(tmp_path: Path) -> None:
    source = tmp_path / "reviews.jsonl"
    source.write_text(json.dumps(REVIEW) + "\n" + json.dumps({**REVIEW, "id": "r2"}) + "\n", encoding="utf-8")
    command = [sys.executable, "-c", "from reviewkit.cli import app; app()", "match", str(source)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.splitlines() == list(match_text_file(source.read_text(encoding="utf-8").split("\n")))
