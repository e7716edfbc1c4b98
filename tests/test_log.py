"""Promises of logging: one event is one line, safe for a terminal, JSON on request."""

from __future__ import annotations

import json
import re

import pytest

from reviewkit import log

NAMES = [value for name, value in vars(log).items() if name.isupper() and "VARIABLE" not in name]


def test_names_are_a_noun_and_a_participle() -> None:
    assert len(NAMES) > 5
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", name) for name in NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_json_lines_go_to_standard_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_LOG", "json")
    log.configure()
    log.get(record="abc").info(log.SUBMISSION_READ, findings_n=6, fact="a\nb")
    said = capsys.readouterr()
    assert said.out == ""
    entry = json.loads(said.err)
    assert said.err.count("\n") == 1
    assert (entry["event"], entry["record"], entry["findings_n"], entry["level"]) == (
        "submission.read",
        "abc",
        6,
        "info",
    )


def test_a_terminal_gets_one_printable_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REVIEWKIT_LOG", raising=False)
    log.configure()
    log.get().warning(log.EVENT_REFUSED, fact="\x1b[31m\n\u202egnp")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.strip().isprintable()


def test_the_level_is_chosen_by_the_environment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEWKIT_LOG_LEVEL", "error")
    log.configure()
    log.get().warning(log.EVENT_REFUSED)
    assert capsys.readouterr().err == ""
