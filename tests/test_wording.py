"""Words are made comparable the same way on every machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewkit import kinship, likeness, wording
from reviewkit.likeness import Lexicon, Remark, Statement


def test_tokens_split_code_names_and_contractions() -> None:
    assert wording.tokens("getHTTPReply2 snake_case isn't") == ["get", "http", "reply", "2", "snake", "case", "is", "not"]


def test_denials_survive_the_stop_words() -> None:
    assert {"not", "never", "no"} <= set(wording.content_stems("It is not safe, never was, no lock"))
    assert "is" not in wording.content_stems("It is safe")


def test_unicode_forms_and_invisible_characters_do_not_matter() -> None:
    plain, odd = wording.prepare("Die Prüfung fehlt"), wording.prepare("Die Pru\u0308fung f\u200behlt")
    assert odd.stems == plain.stems
    assert (plain.hidden, odd.hidden) == (0, 1)


def test_a_very_long_text_is_cut_and_says_so() -> None:
    text = wording.prepare("word " * wording.TEXT_LIMIT)
    assert text.cut
    assert len(text.clean) <= wording.TEXT_LIMIT


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`order_id` is lost", {"order_id"}),
        ("call fetchAll() twice", {"fetchall"}),
        ("MAX_SIZE and HTTP", {"max_size", "http"}),
        ("plain words only", set()),
    ],
)
def test_identifiers_are_found(text: str, names: set[str]) -> None:
    assert wording.identifiers(text) == names


def test_rare_words_weigh_more_and_unknown_ones_most() -> None:
    idf = wording.background()
    common = max(idf.counts, key=lambda stem: idf.counts[stem])
    assert idf.weight(common) < idf.weight("idempot") <= idf.weight("zzzunheardof")


def test_words_of_like_company_are_closer_than_others() -> None:
    one, near, far = (
        kinship.of(wording.prepare(text))
        for text in (
            "race condition between concurrent threads without a lock",
            "data race, needs a mutex when goroutines write at once",
            "typo in the label of a button",
        )
    )
    assert kinship.kin(one, near) > kinship.kin(one, far) + 0.1


def test_a_near_spelling_counts_partly() -> None:
    lexicon = Lexicon.of([["The cache is never invalidated"]])
    statement = Statement.of("title", "The cache is never invalidated", lexicon)
    exact, typo, other = (
        likeness.compare(Remark.of(text, lexicon), statement, lexicon)
        for text in ("cache never invalidated", "cache never invalidatd", "cache never painted")
    )
    assert exact.overlap > typo.overlap > other.overlap


@given(st.lists(st.sampled_from(["cache", "never", "invalidated", "stale", "entries", "grow", "lock", "timeout"]), min_size=1, max_size=8))
def test_saying_more_of_a_statement_never_lowers_what_is_shared(words: list[str]) -> None:
    raw = "The cache is never invalidated so stale entries are served"
    lexicon = Lexicon.of([[raw]])
    statement = Statement.of("title", raw, lexicon)
    before = likeness.compare(Remark.of(" ".join(words), lexicon), statement, lexicon)
    after = likeness.compare(Remark.of(" ".join([*words, "cache", "stale"]), lexicon), statement, lexicon)
    assert after.shared >= before.shared
    assert after.jaccard >= before.jaccard - 1e-12


@given(st.text(max_size=300))
def test_no_text_breaks_preparation(raw: str) -> None:
    text = wording.prepare(raw)
    assert set(text.order) == text.stems
    assert kinship.of(text).length >= 0


SCRIPT = """
from reviewkit.likeness import Lexicon, Remark, Statement, compare
raw = ["One query per row of the listing", "The commit may fail after the charge", "Cards are logged"]
lexicon = Lexicon.of([[r] for r in raw])
remark = Remark.of("Each row commits, logs the card and queries again; charging failed quietly", lexicon)
print([compare(remark, Statement.of("t", r, lexicon), lexicon)[:4] for r in raw])
"""


def test_measures_do_not_depend_on_the_hash_seed() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "random")
    }  # fmt: skip
    assert len(outputs) == 1
    assert "0." in outputs.pop()
