"""Notebooks that nobody granted, and bundles made to do harm: nothing is sent, nothing runs, everything is text."""

from __future__ import annotations

from typing import Any

import made_workbook
import pytest
from playwright.sync_api import Request, expect
from workplace import DRAW_MS, Workplace, composer, form, row, uncaught

BAD = "<img src=x onerror='window.harmed = true'><script>window.harmed = true</script>"


def finding_event(seq: int, **changed: Any) -> dict[str, Any]:
    data = {
        "id": f"f{seq}", "file": "parcels/store.py", "side": "R", "line": 8, "end_line": 8, "severity": "major",
        "category": "data", "body": "from the notebook", "why": "", "fix": "", "after_exercises": False, **changed,
    }
    return {"seq": seq, "t": "2026-11-21T10:00:00.000Z", "op": f"op{seq}", "kind": "finding.added", "data": data, "prev": "0" * 64, "hash": "0" * 64}


def test_a_notebook_without_a_grant_is_read_only_and_sends_nothing(workplace: Workplace) -> None:
    own = {"schema": 1, "slug": "made-up", "version": "1.0.0", "record": {"id": "stranger", "candidate": "x", "head": "0" * 64, "count": 1, "events": [finding_event(1)]}}
    asked: list[str] = []

    def listen(request: Request) -> None:
        asked.append(f"{request.method} {request.url.split('?')[0]}")

    workplace.lab.on("request", listen)
    page = workplace.show(workplace.stray("copied.ipynb", made_workbook.notebook(metadata=own)))
    change = form(page, "change")
    expect(change.get_by_text("Read only: this notebook was not opened by reviewkit here")).to_be_visible()
    expect(change.locator(".rk-remark").get_by_text("from the notebook")).to_be_visible()
    expect(change.get_by_role("button", name="Comment on the whole change")).to_be_disabled()
    expect(form(page, "probe").get_by_role("button")).to_be_disabled()
    expect(form(page, "submit").get_by_role("button", name="Submit my work…")).to_be_disabled()
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    page.keyboard.press("c")
    expect(composer(page)).to_have_count(0)
    assert [line for line in asked if "reviewkit/api/grant" in line]
    assert not [line for line in asked if "reviewkit/api/record" in line]
    page.remove_listener("request", listen)
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('reviewkit:')).length") == 0


def hostile() -> dict[str, Any]:
    """A workbook in which every text is markup and every shape is wrong somewhere."""
    document = made_workbook.notebook()
    for cell in document["cells"]:
        for output in cell.get("outputs", []):
            spec = output["data"][made_workbook.MIME]
            poison(spec)
            if spec["form"] == "change":
                spec["files"][0]["path"] = BAD
                spec["files"][0]["hunks"][0]["head"] = BAD
                rows = spec["files"][0]["hunks"][0]["rows"]
                rows[0] = ["<", BAD, {"a": 1}, ['x" onclick="window.harmed=true', BAD, "k", "<b>bold</b>", 7]]
                rows[1] = "no row"
                rows[2] = [" ", 1e300, -4, ["k" * 500, "y" * 100_000]]
                spec["files"].append({"path": None, "hunks": "none", "added": BAD})
                spec["severities"], spec["categories"] = [BAD], "none"
    events = [
        finding_event(1, body=BAD + "\n\n[link](javascript:alert(1)) **bold**", why=BAD, file="parcels/store.py"),
        finding_event(2, severity=BAD, category=BAD, file=BAD, id="__proto__"),
        finding_event(3, line="eight", id={"a": 1}, body=["no text"]),
        {"seq": 4, "kind": "constructor", "data": {"id": 1}},
        {"seq": 5, "kind": "claim.judged", "data": None},
        {"seq": 6, "kind": "review.closed", "data": None},
        "no event",
    ]
    document["metadata"]["reviewkit"]["record"] = {"id": "../../x", "events": events, "head": BAD, "count": BAD}
    return document


def poison(value: Any) -> None:
    """Put markup into titles and texts, in place."""
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(part, str) and key in ("title", "text", "label", "prompt", "description"):
            value[key] = f"{part} {BAD}"
        elif key not in ("files", "hunks", "rows"):
            poison(part)


@pytest.mark.parametrize("trusted", [False, True])
def test_a_hostile_bundle_runs_nothing_and_is_drawn_as_text(workplace: Workplace, trusted: bool) -> None:
    document = hostile()
    if trusted:
        document["metadata"]["trusted"] = True
    page = workplace.show(workplace.stray(f"hostile-{trusted}.ipynb", document))
    expect(form(page, "change").locator(".rk-file-head").first).to_contain_text("<img src=x", timeout=DRAW_MS)
    for name in ("status", "claims", "probe", "close", "mend", "trace", "diagnose", "explain", "verdict", "submit"):
        expect(form(page, name)).to_be_attached()
    page.wait_for_timeout(500)
    assert page.evaluate("window.harmed") is None
    assert page.evaluate("({}).body") is None, "no prototype was written to"
    assert page.locator(".rk-root img, .rk-root script, .rk-root iframe, .rk-root a[href]").count() == 0
    assert page.evaluate("[...document.querySelectorAll('.rk-root *')].some(node => node.onclick !== null)") is False
    assert uncaught(page) == []


def test_a_form_of_another_version_says_so(workplace: Workplace) -> None:
    document = made_workbook.notebook()
    for cell in document["cells"]:
        for output in cell.get("outputs", []):
            spec = output["data"][made_workbook.MIME]
            if spec["form"] in ("claims", "submit"):
                spec.update({"claims": {"schema": 99}, "submit": {"form": "toString"}}[spec["form"]])
    page = workplace.show(workplace.stray("newer.ipynb", document))
    expect(page.get_by_text("made by another version of reviewkit")).to_be_attached()
    expect(page.get_by_text("unknown to the installed version")).to_be_attached()
