"""The plain form records the same event as the diff does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reviewkit.bank import find_bank
from reviewkit.errors import UsageError
from reviewkit.plainform import PlainForm
from reviewkit.record import GENESIS, Head, append_event

ENTRY = find_bank(Path(__file__).resolve().parent.parent).entry("transactions")


def test_a_finding_is_recorded_and_the_form_cleared() -> None:
    stored: list[tuple[str, dict[str, Any]]] = []
    form = PlainForm(ENTRY, lambda kind, data: stored.append((kind, data)), lambda: True)
    form.file.value = ENTRY.scenario.files[0]
    form.line.value, form.end.value = 7, 3
    form.severity.value, form.category.value, form.body.value = "major", "data", "  lost  "
    form.save.click()
    ((kind, data),) = stored
    assert (data["line"], data["end_line"], data["body"], data["after_exercises"]) == (7, 7, "lost", True)
    append_event(Head(0, GENESIS), op="op-0001", kind=kind, data=data, t="2026-01-01T00:00:00.000Z")
    assert form.body.value == ""
    assert "Saved" in form.said.value


def test_what_is_missing_is_said_and_nothing_recorded() -> None:
    stored: list[object] = []
    form = PlainForm(ENTRY, lambda kind, data: stored.append(kind), lambda: False)
    form.save.click()
    assert stored == []
    assert "Severity" in form.said.value


def test_a_store_that_fails_keeps_the_text() -> None:
    def fail(_kind: str, _data: dict[str, Any]) -> None:
        raise UsageError("The disk is full.", "Download your answers.")

    form = PlainForm(ENTRY, fail, lambda: False)
    form.severity.value, form.category.value, form.body.value = "nit", "api", "kept"
    form.save.click()
    assert form.body.value == "kept"
    assert "disk is full" in form.said.value
    assert form.data()["file"] is None
