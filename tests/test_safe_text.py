"""Candidate text cannot steer a terminal, hide from a reader, or run in a spreadsheet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewkit.safe_text import cell, visible


@pytest.mark.parametrize("text", ["\x1b[31m", "\u202eabc", "\u200b", "\ufeff", "\udcff", "\x00", "\u2028", "\U000e0041"])
def test_hidden_and_steering_characters_are_shown(text: str) -> None:
    shown = visible(text)
    assert "<U+" in shown
    shown.encode("utf-8")
    assert not set(text[0]) & set(shown)


def test_lines_are_kept_on_request_only() -> None:
    assert visible("a\nb\tc") == "a b c"
    assert visible("a\nb", keep_lines=True) == "a\nb"


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", " =x", '"=x', "\ufeff=x", "|x", "%x", "\uff1dx", "\t=x"])
def test_formulas_are_defused(text: str) -> None:
    assert cell(text)[0] in "'<"


def test_ordinary_text_is_left_alone() -> None:
    assert cell("checkout/api.py") == "checkout/api.py"
    assert visible("Größe, naïve, 漢字") == "Größe, naïve, 漢字"


@given(st.text(st.characters(), max_size=60))
def test_the_result_is_always_one_printable_line(text: str) -> None:
    shown = cell(text)
    assert "\n" not in shown
    shown.encode("utf-8")
