"""A live interview in two browsers on two servers: the candidate's, by a link, and the interviewer's, with the cockpit."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import made_submissions as made
import pytest
from axe_playwright_python.sync_playwright import Axe
from candidate import Candidate as AtWork
from made_intake import Intake, invite, token
from made_opening import BASE, LOGIN, Candidate
from playwright.sync_api import Browser, Locator, Page, expect
from test_cli import reviewkit
from test_invited import in_sight
from workplace import DRAW_MS, Workplace, candidate_server, choose_theme, form, shown, uncaught, wait_until

from reviewkit.assess import rubric_places
from reviewkit.bank import find_bank
from reviewkit.blocking import finished
from reviewkit.calibration import Review
from reviewkit.hiringserver import HiringServer, serve_notebook
from reviewkit.invite_store import InviteChange, InviteStore
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.notes import NoteKind
from reviewkit.outfolder import OutFolder
from reviewkit.prerun import executed
from reviewkit.scorecard import Scorecard
from reviewkit.words import Dimension

BANK = find_bank(made.ROOT)
SLUG, FLAW = "transactions", "swallowed-conflict"
ENTRY = BANK.entry(SLUG)
NUMBER = 21
PLACE = rubric_places(ENTRY.rubric, ENTRY.folder / "head")[FLAW][0]
AT_FLAW = {**made.SEEN, "file": PLACE.file, "line": PLACE.first, "end_line": PLACE.last}
TITLE = next(defect.title for defect in ENTRY.rubric.defects if defect.id == FLAW)
HINT = "Give hint 1"
CUT_OFF = """root => {
  const edge = root.getBoundingClientRect().right + 1;
  const out = [...root.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > edge);
  return out.map(e => `${e.tagName} ${e.className} ${e.textContent.slice(0, 60)}`);
}"""
SEEN_BY = """
import gc, json
from reviewkit.live.cockpit import Cockpit
found = [one for one in gc.get_objects() if isinstance(one, Cockpit)]
print(json.dumps([[event.hash for events in one.session.records.values() for event in events] for one in found]))
"""


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Intake]:
    with ThreadPoolExecutor(1) as aside:  # Playwright keeps an event loop in this thread
        made_intake = aside.submit(Intake(tmp_path_factory.mktemp("intake")).start).result()
    yield made_intake
    made_intake.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Candidate]:
    started = candidate_server(tmp_path_factory.mktemp("candidate"), SLUG).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, second: Browser) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("office"), second)
    yield place
    place.leave()
    place.close()


@pytest.fixture(scope="module")
def out(office: Workplace) -> Path:
    return office.folder / "out"


@pytest.fixture(scope="module")
def cockpit(office: Workplace, out: Path, intake: Intake) -> Iterator[HiringServer]:
    """As `reviewkit cockpit INVITE --rater i-2` serves it."""
    own = invite(NUMBER, slug=SLUG, version=ENTRY.scenario.version, intake=intake.url)
    out.mkdir()
    store = f"sqlite+aiosqlite:///{out / 'store.sqlite'}"
    finished(InviteStore(store).add([InviteChange(own, "created", own.iat)]))
    with pytest.MonkeyPatch.context() as patch:
        office.enter(patch)
        patch.setenv("REVIEWKIT_INTAKE_TOKEN", intake.hiring)
        parameters = {"invite": own.id, "rater": "i-2", "out": str(out), "store": store, "quiet": 0}
        with serve_notebook("cockpit", parameters, BANK) as started:
            yield started


@pytest.fixture(scope="module")
def interviewer(office: Workplace, cockpit: HiringServer) -> Page:
    page = office.page(width=1280, height=1500)
    shown(page, lambda: page.goto(cockpit.url), ".rk-cockpit")
    return page


@pytest.fixture(scope="module")
def candidate(browser: Browser, server: Candidate, intake: Intake) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    text = token(NUMBER, slug=SLUG, intake=intake.url)
    page.goto(f"http://127.0.0.1:{server.port}{BASE}reviewkit/open/{text}?token={LOGIN}")
    yield page
    context.close()


def table(page: Page, caption: str) -> Locator:
    return page.locator(".rk-cockpit table").filter(has=page.locator("caption", has_text=caption))


def in_kernel(served: HiringServer, code: str) -> Any:
    """What code prints, as JSON, in the cockpit's own kernel."""
    (connection,) = (served.private / "runtime").glob("kernel-*.json")
    document = {"cells": [{"cell_type": "code", "metadata": {}, "source": code, "outputs": [], "execution_count": None}]}
    with ThreadPoolExecutor(1) as aside:
        (cell,) = aside.submit(executed, document, connection).result()["cells"]
    return json.loads("".join(cell["outputs"][0]["text"]))


def received(intake: Intake) -> list[str]:
    """Hashes of what the intake holds, in order."""
    answer = intake.ask("GET", f"/v1/records/{invite(NUMBER).id}", bearer=token(NUMBER, slug=SLUG, intake=intake.url))
    assert answer.status == 200, answer.raw
    return [event["hash"] for event in answer.json["events"]]


def only_card(out: Path) -> Scorecard:
    """What the one submission of the output folder came to."""
    folder = OutFolder(out)
    (row,) = folder.scored().values()
    return folder.card(row)


def look(page: Page, folder: Path) -> None:
    """The cockpit in both themes at two widths: named, readable, nothing cut off."""
    for theme in ("Light", "Dark"):
        if theme == "Dark":
            choose_theme(page, "JupyterLab Dark")
            shown(page, page.reload, ".rk-cockpit")
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(theme == "Light").lower(), timeout=DRAW_MS)
        for width in (1280, 1920):
            page.set_viewport_size({"width": width, "height": 1500})
            page.screenshot(path=str(folder / f"cockpit-{theme.lower()}-{width}.png"))
            cut = page.locator(".rk-cockpit").evaluate(CUT_OFF)
            assert cut == [], (width, cut[:6])
        found = Axe().run(page, context=".rk-cockpit")
        serious = [v for v in found.response["violations"] if v["id"] != "heading-order"]
        assert serious == [], found.generate_report()


def restart_kernel(page: Page) -> None:
    page.get_by_role("button", name="Restart the kernel", exact=True).click()
    page.locator(".jp-Dialog").get_by_role("button", name="Confirm Kernel Restart").click()


def review(findings: list[dict[str, Any]]) -> Review:
    return made.review(findings=findings, claims={"c1": {"verdict": "false", "why": "see the store"}}, probes=["again"])


PROBE = {"file": None, "severity": "minor", "category": "testing", "body": "No test sends the same key with another amount."}
OFFLINE = {
    "file": "txservice/models.py", "line": 20, "severity": "major", "category": "data",
    "body": "int(amount * 100) cuts off: 19.99 becomes 1998 cents, because the product of a binary float lies below.", "why": "Shops lose cents.",
}  # fmt: skip


def test_a_live_interview(
    candidate: Page, interviewer: Page, server: Candidate, intake: Intake, cockpit: HiringServer, out: Path, tmp_path: Path
) -> None:
    desk = interviewer.locator(".rk-cockpit")
    expect(desk).to_contain_text("not opened yet")
    candidate.get_by_role("button", name="I agree, begin").click(timeout=2 * DRAW_MS)
    work = AtWork(candidate, ENTRY.scenario)
    plan = review([AT_FLAW, PROBE, OFFLINE])
    expect(desk).to_contain_text("minute 0 of 60")

    # The candidate works, at first alone: a flaw of the key, a claim, a probe; each is there, and what it means.
    bar = candidate.locator(".rk-bar")
    expect(bar).to_contain_text("Nobody is following, for another 10 minutes")
    expect(desk).to_contain_text("Focus time: nobody watches for another 10 minutes")
    work.remark(plan.findings[0])
    expect(form(candidate, "status").locator(".rk-delivery-text")).to_have_text("Sent")
    expect(desk.locator("table")).to_have_count(0)
    in_sight(candidate, (640, 1100, 1280, 1920))
    bar.get_by_role("button", name="Let them follow now").focus()
    candidate.keyboard.press("Enter")
    expect(bar.locator(".rk-watch-text")).to_have_text("An interviewer may be following")
    expect(bar.locator(".rk-watch-text")).to_be_focused()
    expect(bar.get_by_role("status")).to_contain_text("An interviewer may be following")
    expect(desk).to_contain_text("the candidate lets you follow")
    expect(table(interviewer, "Findings").get_by_role("row").nth(1)).to_contain_text(f"a planted flaw{TITLE}")
    expect(table(interviewer, "Planted flaws: 5 of 6").get_by_role("row").filter(has_text=FLAW)).to_contain_text("found")
    work.judge(plan)
    work.probe("again")
    expect(table(interviewer, "Probes and checks")).to_contain_text("again on workspace")
    expect(desk).to_contain_text("1 of 6 claims judged")

    # The interviewer, by keyboard alone: a hint, a note, a mark.
    desk.get_by_label("Flaw", exact=True).focus()
    interviewer.keyboard.press("End")
    interviewer.keyboard.press("Tab")
    expect(desk.get_by_role("button", name=HINT)).to_be_focused()
    interviewer.keyboard.press("Enter")
    expect(desk.get_by_role("button", name="Hint 1 given")).to_be_focused()
    expect(table(interviewer, "Planted flaws").get_by_role("row").filter(has_text="given: 1")).to_have_count(1)

    # In the middle: the intake dies, the kernel is restarted, work goes on.
    intake.stop(signal.SIGKILL)
    expect(desk).to_contain_text("Trying again; nothing is lost")
    restart_kernel(candidate)
    work.remark(plan.findings[1])
    work.remark(plan.findings[2])
    expect(form(candidate, "status").locator(".rk-delivery-text")).to_contain_text("Offline")
    desk.get_by_label("Note", exact=True).fill("Thinks aloud, calm.")
    desk.get_by_role("button", name="Keep the note").click()
    expect(table(interviewer, "Your entries")).to_contain_text("Thinks aloud, calm.")
    intake.start()
    form(candidate, "status").get_by_role("button", name="Try again").click()
    expect(table(interviewer, "Findings").get_by_role("row")).to_have_count(4, timeout=DRAW_MS)
    expect(desk).to_contain_text("Following the intake.")
    work.probe("again")
    expect(table(interviewer, "Probes and checks").get_by_role("row")).to_have_count(3)

    work.close_review()
    work.answer("explain", {"text": "The first report may have been stored; the unique constraint decides."})
    work.decide(plan)
    work.submit()
    expect(desk).to_contain_text("submitted")
    kept = [event.hash for event in server.journal(invite(NUMBER).id).read().events]
    wait_until(candidate, lambda: received(intake) == kept)
    wait_until(candidate, lambda: in_kernel(cockpit, SEEN_BY) == [kept])
    assert len(set(kept)) == len(kept)
    look(interviewer, tmp_path)

    # Scored, handed over by both interviewers, combined.
    desk.get_by_label("Rate", exact=True).select_option("communication")
    desk.get_by_label("Mark", exact=True).select_option(index=2)
    desk.get_by_label("Why", exact=True).fill("Says what happens to whom.")
    desk.get_by_role("button", name="Keep the mark").click()
    expect(table(interviewer, "Your entries")).to_contain_text("mark communication 3")
    done = reviewkit("score", intake.url, "--out", str(out), "--bank", str(made.ROOT), REVIEWKIT_INTAKE_TOKEN=intake.hiring)
    assert done.returncode == 0, done.stdout + done.stderr
    over = desk.get_by_role("button", name="Hand over to the scorecard")
    over.focus()
    interviewer.keyboard.press("Enter")
    expect(desk).to_contain_text("2 decisions handed over")
    alone = only_card(out)
    other = Cockpit(BANK, invite(NUMBER, slug=SLUG, version=ENTRY.scenario.version, intake=intake.url), OutFolder(out), "i-1")
    other.say(NoteKind.MARK, "Long, but clear.", "communication", "2")
    assert "1 decisions handed over" in other.hand_over()
    card = only_card(out)
    assert card.about.candidate == f"c-{NUMBER}"
    assert {(d.author, d.kind.value, d.outcome) for d in card.decisions} == {
        ("i-1", "rating", "2"), ("i-2", "rating", "3"), ("i-2", "hint", "given"),
    }  # fmt: skip
    assert [d.hints for d in card.defects if d.hints] == [1]
    assert card.program_total is not None
    assert 0 < card.dimension(Dimension.COMMUNICATION).points < alone.dimension(Dimension.COMMUNICATION).points
    (report,) = (row.report for row in OutFolder(out).scored().values())
    shown_in = (out / report).read_text("utf-8")
    assert all(author in shown_in for author in ("i-1", "i-2"))
    desk.get_by_label("Why", exact=True).fill("Still says what happens to whom.")
    desk.get_by_role("button", name="Keep the mark").click()
    expect(table(interviewer, "Side by side")).to_contain_text("i-1 2: Long, but clear.")
    faults = [fault for one in (candidate, interviewer) for fault in uncaught(one) if "[anywidget]" not in fault]
    assert faults == [], "beside a widget of the kernel that was restarted; forms are drawn from their data"
