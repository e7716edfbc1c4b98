"""The widget shell without a browser: what it stores, what it answers, what it leaves in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reviewkit.journal import Journal
from reviewkit.widget import NOT_RECORDED, FormWidget

SPEC = {"schema": 1, "form": "change", "slug": "demo", "version": "1.0.0", "files": [{"path": "a.py", "hunks": [{"head": "", "rows": [[" ", 1, 1, ["", "x"]]]}]}]}
JUDGED = {"claim": "c1", "verdict": "true", "why": ""}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / ".reviewkit" / "r1.jsonl", "r1")


def widget_on(journal: Journal) -> FormWidget:
    return FormWidget(SPEC, sink=lambda op, kind, data: journal.append(op, kind, data).event, events=lambda: journal.read().events, record="r1")


def ask(widget: FormWidget, monkeypatch: pytest.MonkeyPatch, **message: Any) -> dict[str, Any]:
    """Send what a page sends, return what it would get back."""
    answers: list[dict[str, Any]] = []
    monkeypatch.setattr(widget, "send", answers.append)
    widget._handle_custom_msg(message, [])
    (answer,) = answers
    return answer


def test_an_operation_is_stored_once_and_answered_with_its_event(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    widget = widget_on(journal)
    for number in (1, 2):  # the answer to the first was lost, so the page asks again
        answer = ask(widget, monkeypatch, id=f"m{number}", type="op", op="op-1", kind="claim.judged", data=JUDGED)
        assert (answer["id"], answer["type"], answer["event"]["seq"]) == (f"m{number}", "stored", 1)
    assert [event.op for event in journal.read().events] == ["op-1"]


def test_a_wrong_operation_is_refused_with_a_sentence(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(widget_on(journal), monkeypatch, id="m", type="op", op="op-1", kind="claim.judged", data={"claim": 7})
    assert answer["type"] == "refused"
    assert "was not recorded" in answer["message"]


def test_events_after_a_number_are_read_back(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        journal.append(f"op-{n}", "claim.judged", JUDGED)
    answer = ask(widget_on(journal), monkeypatch, id="m", type="load", after=1)
    assert [event["seq"] for event in answer["events"]] == [2, 3]


def test_without_a_sink_nothing_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    widget = FormWidget(SPEC)
    assert (widget.mode, widget.message) == ("readonly", NOT_RECORDED)
    assert ask(widget, monkeypatch, id="m", type="op", op="o", kind="claim.judged", data=JUDGED)["type"] == "refused"


def test_a_notebook_keeps_the_form_as_widget_data_and_text_without_an_address() -> None:
    widget = FormWidget(SPEC, fallback={"text/html": "<pre>x</pre>"})
    bundle, _metadata = widget._repr_mimebundle_()
    assert bundle["application/vnd.reviewkit.form+json"] == SPEC
    assert bundle["text/html"] == "<pre>x</pre>"
    assert bundle["text/plain"] == "Form(change, 1 files, 1 rows)"
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id


def test_the_code_of_the_forms_is_held_once_for_all_widgets() -> None:
    one, two = FormWidget(SPEC), FormWidget(SPEC)
    assert one.core == two.core
    assert len(str(one.get_state()["_esm"])) < 2000
