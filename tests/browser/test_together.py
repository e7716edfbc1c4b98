"""The shared document: two browsers in one workbook on one candidate's server, by the link that the candidate hands over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import made_submissions as made
import pytest
from access import faults
from candidate import Candidate as AtWork
from made_intake import invite, token
from made_opening import BASE, LOGIN, Candidate
from playwright.sync_api import Browser, Locator, Page, Route, expect
from test_invited import reach
from workplace import DRAW_MS, candidate_server, form, settled, uncaught, wait_until, watched

from reviewkit.authors import authors
from reviewkit.bank import find_bank
from reviewkit.calibration import SampleFinding

pytestmark = pytest.mark.together
SLUG, NUMBER = "transactions", 41
ENTRY = find_bank(made.ROOT).entry(SLUG)
RECORD = invite(NUMBER).id
JOIN = "Let somebody join this workbook…"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    started = candidate_server(tmp_path_factory.mktemp("candidate"), SLUG, is_shared=True).start()
    yield started
    started.stop()


def kinds(server: Candidate) -> list[str]:
    return [event.kind.value for event in server.journal(RECORD).read().events]


def drawings(server: Candidate) -> list[dict[str, Any]]:
    """The answers to the trace exercise, in order."""
    return [event.data["answer"] for event in server.journal(RECORD).read().events if event.data.get("exercise") == "trace"]


def layers(page: Page) -> Locator:
    return form(page, "trace").locator(".rk-route .rk-route-name")


def route(page: Page, name: str) -> None:
    """Add a layer by its button, which leaves the focus in the drawing."""
    form(page, "trace").get_by_role("button", name=re.compile(f"Add {name}.* to the route")).click()


def remark(body: str) -> SampleFinding:
    return SampleFinding.model_validate({"file": None, "severity": "minor", "category": "testing", "body": body})


def handed_over(page: Page) -> str:
    """The link, made by keyboard alone, after what it permits was read."""
    share = form(page, "status").locator(".rk-share")
    form(page, "status").get_by_role("button", name="Download my answers").focus()
    reach(page, JOIN, most=5)
    page.keyboard.press("Enter")
    expect(share.get_by_role("button", name="Copy the link")).to_be_focused()
    for words in ("can do on this server whatever you can", "cannot be taken back", "It will not hold the link", "on this machine only"):
        expect(share).to_contain_text(words)
    assert faults(page, ".rk-status") == []
    page.keyboard.press("Enter")
    field = share.get_by_label("Link to join")
    expect(field).to_be_focused()
    expect(share).to_contain_text("A link to join was handed over at")
    return field.input_value()


def test_two_browsers_in_one_workbook(server: Candidate, browser: Browser, second: Browser) -> None:
    page = watched(browser.new_context(viewport={"width": 1280, "height": 720}))
    page.goto(f"http://127.0.0.1:{server.port}{BASE}reviewkit/open/{token(NUMBER, slug=SLUG)}?token={LOGIN}")
    page.get_by_role("button", name="I agree, begin").click(timeout=2 * DRAW_MS)
    settled(page)
    link = handed_over(page)
    assert kinds(server) == ["consent.given", "workbook.opened", "document.shared"]
    assert link not in "".join(event.line().decode() for event in server.journal(RECORD).read().events)

    guest = watched(second.new_context(viewport={"width": 1280, "height": 720}))
    guest.goto(link)
    expect(form(guest, "change").locator(".rk-row").first).to_be_attached(timeout=2 * DRAW_MS)
    settled(guest)

    # Remarks made in one show in the other, also when both are made at once.
    AtWork(page, ENTRY.scenario).remark(remark("From the candidate."))
    expect(form(guest, "change")).to_contain_text("From the candidate.")
    AtWork(guest, ENTRY.scenario).remark(remark("From the guest."))
    expect(form(page, "change")).to_contain_text("From the guest.")
    for one in (page, guest):
        one.get_by_role("button", name="Comment on the whole change").click()
        box = one.locator(".rk-composer")
        box.get_by_text("Minor", exact=True).click()
        box.get_by_label("Category").select_option("testing")
        box.get_by_label("What is wrong").fill(f"At once, {'left' if one is page else 'right'}.")
    for one in (page, guest):
        one.get_by_role("button", name="Save finding").click(no_wait_after=True)
    for one in (page, guest):
        expect(form(one, "change")).to_contain_text("At once, left.")
        expect(form(one, "change")).to_contain_text("At once, right.")
        settled(one)
    assert kinds(server).count("finding.added") == 4

    # A probe that the guest runs is there for the candidate.
    AtWork(guest, ENTRY.scenario).probe("again")
    expect(form(page, "probe").locator(".rk-last")).to_contain_text("Last run", timeout=DRAW_MS)
    assert kinds(server).count("probe.run") == 1

    # Both edit one cell and see each other's caret; one edit is one event.
    AtWork(page, ENTRY.scenario).close_review()
    expect(form(guest, "close")).to_contain_text("The review part is closed")
    cell = AtWork(guest, ENTRY.scenario)._cell("%%mend mend txservice/models.py")
    cell.locator(".cm-content").click()
    guest.keyboard.press("Control+End")
    guest.keyboard.insert_text("\n# typed by the guest\n")
    mirrored = AtWork(page, ENTRY.scenario)._cell("%%mend mend txservice/models.py")
    mirrored.scroll_into_view_if_needed()
    expect(mirrored).to_contain_text("# typed by the guest")
    expect(mirrored.locator(".jp-remote-cursor").first).to_be_attached()
    wait_until(page, lambda: "exercise.edited" in kinds(server))

    # Both draw, in turn and at once, with the focus in the drawing; what one draws shows in the other, and nothing is lost.
    route(page, "Endpoint")
    expect(layers(guest)).to_have_text([re.compile("Endpoint")])
    route(guest, "Session dependency")
    expect(layers(page)).to_have_text([re.compile("Endpoint"), re.compile("Session dependency")])
    form(page, "trace").get_by_label("The row is written").select_option("store")
    expect(form(guest, "trace").get_by_label("The row is written")).to_have_value("store")
    drawn = len(drawings(server))
    held: list[Route] = []
    holding = ["both"]

    def hold(asked: Route) -> None:
        if holding and asked.request.method == "GET":
            held.append(asked)
        else:
            asked.fallback()

    for one in (page, guest):
        one.route(f"**/api/record/{RECORD}*", hold)
    route(page, "Statements")
    route(guest, "Request model")
    wait_until(page, lambda: len(drawings(server)) == drawn + 2)
    assert drawings(server)[-1]["order"] != drawings(server)[-2]["order"], "neither had seen the other's"
    holding.clear()
    for asked in held:
        asked.continue_()
    wait_until(page, lambda: len(drawings(server)) == drawn + 3)
    for one in (page, guest):
        expect(layers(one)).to_have_count(4)
        settled(one)
    last = drawings(server)[-1]
    assert set(last["order"]) == {"endpoint", "session", "store", "model"}
    assert last["order"][:2] == ["endpoint", "session"]
    assert last["marks"] == {"written": "store"}
    assert len(drawings(server)) == drawn + 3
    assert kinds(server).count("exercise.edited") == 1, "the page that only saw the edit recorded none"

    record = server.journal(RECORD).read()
    assert not record.problems
    assert len({event.op for event in record.events}) == len(record.events)
    by = authors(record.events)
    (name,) = set(by.values())
    assert name.startswith("Anonymous ")
    elsewhere = [event for event in record.events if event.hash in by]
    assert {event.data["body"] for event in elsewhere if "body" in event.data} == {"From the guest.", "At once, right."}
    assert {event.kind.value for event in elsewhere} == {"finding.added", "exercise.edited", "exercise.answered"}
    canary = ENTRY.rubric.canary.encode()
    assert not [path for path in server.folder.rglob("*") if path.is_file() and canary in path.read_bytes()]
    faults = [fault for one in (page, guest) for fault in uncaught(one) if "[anywidget]" not in fault]
    assert faults == [], "beside a widget's copy that the other page's output brings along; forms are drawn from their data"
    for one in (page, guest):
        one.context.close()
