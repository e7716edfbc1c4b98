"""A live interview in two browsers on two servers: the candidate's, by a link, and the interviewer's, with the cockpit."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import made_playback
import made_submissions as made
import pytest
from access import faults
from candidate import Candidate as AtWork
from made_intake import Intake, invite, token
from made_opening import BASE, LOGIN, Candidate
from playwright.sync_api import Browser, Locator, Page, Route, expect
from test_invited import in_sight
from test_stages import TALK
from typer.testing import CliRunner
from workplace import DRAW_MS, Workplace, candidate_server, form, shown, uncaught, wait_until

from reviewkit.assess import rubric_places
from reviewkit.bank import find_bank
from reviewkit.blocking import finished
from reviewkit.calibration import Review
from reviewkit.cli import app
from reviewkit.event import timestamp
from reviewkit.hiringserver import HiringServer, serve_notebook
from reviewkit.invite_store import InviteChange, InviteStore
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.notes import NoteKind
from reviewkit.outfolder import OutFolder
from reviewkit.playback.frames import frames
from reviewkit.playback.source import head_texts
from reviewkit.prerun import executed
from reviewkit.scorecard import Scorecard
from reviewkit.words import Dimension

BANK = find_bank(made.ROOT)
SLUG, FLAW = "transactions", "swallowed-conflict"
ENTRY = BANK.entry(SLUG)
NUMBER = 21
DAY_3 = 2**35
"""Seconds since 1970: far off."""
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

BESIDE = """
import gc, json
from reviewkit.bank import find_bank
from reviewkit.live.cockpit import Cockpit
from reviewkit.live.cockpit_widget import CockpitWidget
from reviewkit.live.session import Message
from reviewkit.playback.widget import open_playback
(desk,) = (one for one in gc.get_objects() if isinstance(one, CockpitWidget))
guest = desk.cockpit.invite.model_copy(update={"id": "stock-session", "slug": "stock", "version": "1.0.0"})
other = Cockpit(find_bank(), guest, desk.cockpit.out, "i-2")
other.take([Message(*message) for message in json.loads(%r)])
stock, player = CockpitWidget(other), open_playback(%r)
stock.box.add_class("stock")
desk.box.children = (*desk.box.children, stock.box, player.box)
print(len(desk.box.children))
"""
"""Two more screens in the page that is open: a session with every stage, and the player of its record. Servers cost more than widgets."""


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
    page = office.page(width=1280, height=800)
    shown(page, lambda: page.goto(cockpit.url), ".rk-cockpit")
    return page


@pytest.fixture(scope="module")
def candidate(browser: Browser, server: Candidate, intake: Intake) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    page.faults = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.faults.append(str(error)))  # type: ignore[attr-defined]
    text = token(NUMBER, slug=SLUG, intake=intake.url, stages={"architecture": DAY_3})
    page.goto(f"http://127.0.0.1:{server.port}{BASE}reviewkit/open/{text}?token={LOGIN}")
    yield page
    context.close()


def table(page: Page, caption: str) -> Locator:
    return page.locator(".rk-cockpit table").filter(has=page.locator("caption", has_text=caption))


def on_day_3(asked: Route) -> None:
    """The server's clock, by which a page goes, says that the day has come."""
    answer, now = asked.fetch(), datetime.fromtimestamp(DAY_3 + 60, UTC)
    asked.fulfill(response=answer, headers={**answer.headers, "date": format_datetime(now, usegmt=True)})


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


def look(page: Page) -> None:
    """The cockpit as it stands: named, readable, nothing cut off at two widths."""
    for width in (1280, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        cut = page.locator(".rk-cockpit").first.evaluate(CUT_OFF)
        assert cut == [], (width, cut[:6])
    assert faults(page, ".rk-cockpit") == []


def change_theme(page: Page, name: str) -> None:
    """As a person does it, without a reload."""
    page.get_by_role("menuitem", name="Settings").click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Theme", exact=True).hover()
    page.locator(".lm-Menu-itemLabel").get_by_text(name, exact=True).click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", str(name.endswith("Light")).lower(), timeout=DRAW_MS)


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
    candidate: Page, interviewer: Page, server: Candidate, intake: Intake, cockpit: HiringServer, out: Path
) -> None:
    desk = interviewer.locator(".rk-cockpit")
    expect(desk).to_contain_text("not opened yet")
    agree = candidate.get_by_role("button", name="I agree, begin")
    expect(agree).to_be_visible(timeout=2 * DRAW_MS)
    expect(candidate.locator(".rk-terms")).to_contain_text("The architecture (drawing and explanation): from")
    agree.click()
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
    in_sight(candidate, (640, 1280))
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
    in_sight(candidate, (1280,))
    desk.get_by_label("Note", exact=True).fill("Thinks aloud, calm.")
    desk.get_by_role("button", name="Keep the note").click()
    expect(table(interviewer, "Your entries")).to_contain_text("Thinks aloud, calm.")
    intake.start()
    form(candidate, "status").get_by_role("button", name="Try again").click()
    expect(table(interviewer, "Findings").get_by_role("row")).to_have_count(4, timeout=DRAW_MS)
    expect(desk).to_contain_text("Following the intake.")
    work.probe("again")
    expect(table(interviewer, "Probes and checks").get_by_role("row")).to_have_count(3)

    # Day 3 has not come: its forms say so. Then it has.
    work.close_review()
    explain = form(candidate, "explain")
    expect(explain).to_contain_text("Not open yet. This stage opens on")
    expect(explain.get_by_role("textbox")).to_be_hidden()
    candidate.route("**/reviewkit/api/**", on_day_3)
    work.decide(plan)
    expect(explain.get_by_role("textbox")).to_be_visible()
    work.answer("explain", {"text": "The first report may have been stored; the unique constraint decides."})
    candidate.unroute_all(behavior="wait")
    work.submit()
    expect(desk).to_contain_text("submitted")
    kept = [event.hash for event in server.journal(invite(NUMBER).id).read().events]
    wait_until(candidate, lambda: received(intake) == kept)
    wait_until(candidate, lambda: in_kernel(cockpit, SEEN_BY) == [kept])
    assert len(set(kept)) == len(kept)

    # Scored, handed over by both interviewers, combined.
    desk.get_by_label("Rate", exact=True).select_option("communication")
    desk.get_by_label("Mark", exact=True).select_option(index=2)
    desk.get_by_label("Why", exact=True).fill("Says what happens to whom.")
    desk.get_by_role("button", name="Keep the mark").click()
    expect(table(interviewer, "Your entries")).to_contain_text("mark communication 3")
    with ThreadPoolExecutor(1) as aside:
        done = aside.submit(CliRunner().invoke, app, ["score", intake.url, "--out", str(out), "--bank", str(made.ROOT)]).result()
    assert done.exit_code == 0, done.output
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


def test_stages_and_player_show_what_the_record_says_by_keyboard_alone(
    interviewer: Page, cockpit: HiringServer, office: Workplace
) -> None:
    events = made_playback.events(TALK)
    facts = {"invite": "stock-session", "record": "stock-record", "received_at": timestamp(made_playback.START)}
    messages = [(f"{n}.0", "event", {**facts, "event": event.model_dump(mode="json")}) for n, event in enumerate(events, 1)]
    notebook = made_playback.notebook(office.folder / "stock.ipynb", made_of=TALK)
    in_kernel(cockpit, BESIDE % (json.dumps(messages), str(notebook)))
    stock, keys = interviewer.locator(".stock"), interviewer.keyboard
    expect(stock).to_be_visible(timeout=DRAW_MS)

    # The stages: a drawing against the instrumented code, a diagnosis beside the key, notes as text.
    stock.get_by_label("Stage", exact=True).focus()
    expect(stock).to_contain_text("claims judged: 1 of 9")
    keys.press("ArrowDown")
    drawing = stock.locator(".rk-drawing")
    expect(drawing.get_by_role("list", name="What the running code does").get_by_role("listitem")).to_have_count(3)
    own = drawing.get_by_role("list", name="The candidate's drawing").get_by_role("listitem")
    expect(own.nth(0)).to_contain_text("≠ The units of the first line are off the shelf for good")
    expect(drawing).to_contain_text("drawn The handler in stock/api.py, in truth inventory.take")
    expect(stock).to_contain_text("why “The handler in stock/api.py”?")
    expect(stock).to_contain_text("Where does it end? <script>alert(1)</script>")
    keys.press("ArrowDown")
    cause = stock.get_by_role("row").filter(has=interviewer.get_by_role("rowheader", name="cause"))
    expect(cause).to_contain_text("The pool is empty.")
    expect(cause).to_contain_text(BANK.entry("stock").rubric.exercises["diagnose"].cause[0])
    keys.press("ArrowUp")
    expect(drawing).to_be_visible()

    # The player: each step as the record has it, in the order of the record.
    box = interviewer.locator(".rk-playback")
    steps = frames(events, BANK.entry("stock").scenario, head_texts(BANK.entry("stock")))
    slider, jump = box.get_by_role("slider", name="Position"), box.get_by_label("Jump to")
    box.get_by_role("button", name="Step", exact=True).focus()
    for number, step in enumerate(steps[1:8], 2):
        keys.press("Enter")
        expect(box).to_contain_text(f"Minute {step.minute}, step {number} of {len(steps)}")
        expect(box.locator(".rk-now")).to_contain_text(step.title)
    keys.press("Tab")
    keys.press("Enter")
    expect(jump.locator("option:checked")).to_have_text("A remark, minute 11.0")
    jump.focus()
    keys.press("End")
    expect(box.locator(".rk-now")).to_contain_text("The commit in take ends the caller's transaction.")

    # Played by keyboard: it runs, it stops where it is, and it ends.
    box.get_by_label("Speed").focus()
    keys.press("End")
    box.get_by_role("button", name="Play", exact=True).focus()
    keys.press("Enter")
    expect(box).to_contain_text("edited for “Mend it”")
    keys.press("Enter")
    expect(box.get_by_role("button", name="Play", exact=True)).to_be_focused()
    keys.press("Tab")
    expect(slider).to_be_focused()
    keys.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", f"Minute 0.0, step 1 of {len(steps)}")
    box.get_by_role("button", name="Next remark").focus()
    keys.press("Enter")
    expect(box.locator(".rk-now")).to_contain_text("Two requests may read the same level before either writes.")
    expect(jump.locator("option:checked")).to_have_text("Remark 1, minute 6.5")
    slider.focus()
    keys.press("End")
    expect(box).to_contain_text(f"step {len(steps)} of {len(steps)}")
    box.get_by_role("button", name="Step back").focus()
    keys.press("Enter")
    expect(box.locator(".rk-drawing")).to_contain_text("orders.place")
    expect(box).not_to_contain_text("in truth")
    box.get_by_label("Show the truth").focus()
    keys.press("Space")
    expect(box.locator(".rk-drawing")).to_contain_text("in truth inventory.take")


def test_every_screen_of_the_interviewer_in_both_themes(interviewer: Page) -> None:
    look(interviewer)
    change_theme(interviewer, "JupyterLab Dark")
    look(interviewer)
