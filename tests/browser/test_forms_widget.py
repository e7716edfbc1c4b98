"""The same forms as widgets, where the lab extension is switched off: drawn by a real kernel, recorded by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import made_workbook
import pytest
from playwright.sync_api import Browser, Page, expect
from workplace import (
    DRAW_MS,
    Desk,
    Workplace,
    close_review,
    form,
    go_on,
    row,
    uncaught,
    wait_until,
    watched,
    write_finding,
)

SETUP = f"""import json, sys
from reviewkit.journal import Journal, journal_path, kernel_recorder
from reviewkit.widget import FormWidget
recorder = kernel_recorder()
journal = Journal(journal_path(recorder.notebook, recorder.record), recorder.record)
specs = {{spec["form"]: spec for spec in json.loads({json.dumps(json.dumps(made_workbook.specs()))})}}
def show(name):
    return FormWidget(
        specs[name], sink=lambda op, kind, data: journal.append(op, kind, data).event,
        events=recorder.events, record=recorder.record, forms=list(specs.values()),
    )"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """A page that does not load the extension."""
    page = watched(browser.new_context(viewport={"width": 1280, "height": 900}))
    yield page
    page.context.close()


def show(workplace: Workplace, page: Page, document: dict[str, Any]) -> Desk:
    """Open a workbook there."""
    desk = workplace.desk(document=document)
    with workplace.without_extension():
        go_on(page, desk.url)
    return desk


def run_all(page: Page) -> None:
    """Run every cell by menu once the kernel is there."""
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=DRAW_MS)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()


def test_widgets_record_the_same_events_through_the_kernel(workplace: Workplace, page: Page) -> None:
    document = made_workbook.notebook()
    cells = [made_workbook.form_cell({"form": "setup"}, source=SETUP)]
    cells += [made_workbook.form_cell({"form": name}, source=f'show("{name}")') for name in ("status", "change", "close", "explain")]
    for cell in cells:
        cell["outputs"] = []
    document["cells"] = cells
    desk = show(workplace, page, document)
    run_all(page)
    expect(form(page, "change").locator(".rk-row").first).to_be_attached(timeout=DRAW_MS)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page, body="through the kernel")
    close_review(page)
    form(page, "explain").get_by_label("Your explanation").fill("An old answer.")
    form(page, "explain").get_by_label("Your explanation").blur()
    wait_until(page, lambda: desk.kinds == ["finding.added", "review.closed", "exercise.answered"])
    expect(form(page, "status").locator(".rk-status-text")).to_have_text("Everything is recorded")
    assert desk.data("finding.added")[0]["body"] == "through the kernel"
    run_all(page)
    expect(form(page, "change").locator(".rk-remark")).to_have_count(1, timeout=DRAW_MS)
    expect(form(page, "explain").get_by_label("Your explanation")).to_have_value("An old answer.")
    assert page.evaluate("globalThis.reviewkitCores.size") == 1, "the code of the forms was loaded once"
    assert uncaught(page) == []


def test_with_the_extension_the_same_cell_is_drawn_from_its_data(workplace: Workplace) -> None:
    document = made_workbook.notebook()
    setup = made_workbook.form_cell({"form": "setup"}, source=SETUP)
    setup["outputs"] = []
    document["cells"] = [setup, *(cell for cell in document["cells"] if cell["id"] in ("form-status", "form-change"))]
    document["cells"][-1]["source"] = 'show("change")'
    desk = workplace.desk(document=document)
    page = workplace.open(desk)
    before = form(page, "change").element_handle()
    run_all(page)
    page.wait_for_function("node => !node.isConnected", arg=before, timeout=DRAW_MS)
    expect(page.locator(".jp-RenderedReviewkitForm .rk-change .rk-row").first).to_be_attached(timeout=DRAW_MS)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page, body="through the page")
    wait_until(page, lambda: "finding.added" in desk.kinds)
    assert desk.events[-1]["op"].startswith("k-") is False


def test_widgets_ask_for_agreement_first(workplace: Workplace, page: Page) -> None:
    """Where the extension is missing, an invited workbook's first screen comes from the kernel."""
    terms = {"minutes": 60, "policy_text": "ai-none-1", "policy": "Please use no assistant.", "retention_days": 90, "intake": ""}
    setup = SETUP.replace("specs[name], sink", f"{{**specs[name], 'terms': {terms!r}}}, sink")
    document = made_workbook.notebook()
    cells = [made_workbook.form_cell({"form": "setup"}, source=setup)]
    cells += [made_workbook.form_cell({"form": name}, source=f'show("{name}")') for name in ("status", "change")]
    for cell in cells:
        cell["outputs"] = []
    document["cells"] = cells
    desk = show(workplace, page, document)
    run_all(page)
    agree = page.get_by_role("button", name="I agree, begin")
    expect(agree).to_be_visible(timeout=DRAW_MS)
    expect(form(page, "status")).to_contain_text("Please use no assistant.")
    expect(page.get_by_role("button", name="Comment on the whole change")).to_be_disabled()
    agree.click()
    wait_until(page, lambda: desk.kinds == ["consent.given"])
    expect(page.get_by_role("button", name="Comment on the whole change")).to_be_enabled()
    assert desk.data("consent.given") == [{"policy_text": "ai-none-1", "retention_days": 90, "intake": ""}]
    assert uncaught(page) == []
