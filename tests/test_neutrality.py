"""Candidate-facing text shares no run of words with the key and names no level or domain."""

from __future__ import annotations

from reviewkit.neutrality import leaks, python_prose, runs

KEY = dict.fromkeys(runs("the gateway call blocks the whole event loop"), "d-1")


def test_a_shared_run_is_found_across_a_line_break() -> None:
    found = list(leaks("mind that a call blocks the\nwhole event loop here", KEY))
    assert found
    assert found[0].line == 1
    assert "d-1" in found[0].text


def test_other_words_are_fine() -> None:
    assert list(leaks("Sends five orders at the same moment and plots the answers.", KEY)) == []


def test_levels_and_domains_are_named() -> None:
    texts = [leak.text for leak in leaks("A senior reviewer sees async concurrency here.\nOur database is small.", {})]
    assert len(texts) == 2
    assert "level" in texts[0]
    assert "domain" in texts[1]


def test_comments_and_messages_of_code_are_prose() -> None:
    source = 'x = 1  # the call blocks the loop\nraise ValueError("one two three four")\ny = "id"\n'
    assert [line for line, _ in python_prose(source)] == [1, 2]
