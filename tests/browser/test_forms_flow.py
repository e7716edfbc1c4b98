"""From the first screen to the submission, in both front ends; without a kernel."""

from __future__ import annotations

import json

import made_workbook
import pytest
from playwright.sync_api import Page, Route, expect
from workplace import (
    DRAW_MS,
    Desk,
    Workplace,
    close_review,
    drawn,
    form,
    row,
    settled,
    uncaught,
    wait_until,
    write_finding,
)

from reviewkit.datafolder import data_folder
from reviewkit.journal import Journal, journal_path
from reviewkit.submission import read_submission

DATA = data_folder("").parent
"""Where the user of the tests has what `reviewkit setup` gets; the kernels have another home."""
PROMPTS = [
    "Mend what you would not ship.",
    "Put the layers in the order in which one call crosses them.",
    "Say what is going on.",
    "Explain to a new colleague what a stale answer is.",
]
FORMS = ["status", "change", "claims", "probe", "close", "task", "mend", "trace", "diagnose", "explain", "verdict", "submit"]


def test_every_form_is_drawn_and_records_without_a_kernel_also_seventy_kilobytes(workplace: Workplace) -> None:
    desk = workplace.desk()
    # A session is never answered, so no kernel ever comes.
    workplace.lab.route("**/api/sessions*", lambda route: route.continue_() if route.request.method == "GET" else None)
    page = workplace.open(desk)
    for name in FORMS:
        expect(form(page, name)).to_be_attached()
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page, body="long " * 14_000)
    settled(page)
    assert desk.kinds == ["workbook.opened", "finding.added"]
    assert len(desk.data("finding.added")[0]["body"]) == 69_999
    assert page.locator(".jp-InputPrompt", has_text="[*]").count() == 0


def test_notebook_7_draws_and_records_the_same_forms(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.page()
    page.goto(workplace.address(desk.granted.notebook.name, front="notebook"))
    drawn(page)
    for name in FORMS:
        expect(form(page, name)).to_be_attached()
    settled(page)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page)
    settled(page)
    assert desk.data("finding.added")[0]["line"] == 8
    wait_until(page, lambda: desk.document["metadata"]["reviewkit"].get("record", {}).get("count") == 2)
    assert uncaught(page) == []


def test_exercises_open_when_the_review_part_is_closed_and_edits_of_a_mend_cell_are_recorded_from_then(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.open(desk)
    for name in ("trace", "diagnose", "explain"):
        expect(form(page, name).get_by_text("Opens when you close the review part.")).to_be_attached()
        expect(form(page, name).locator("textarea, select").first).to_be_disabled()
        expect(form(page, name).locator(".rk-body")).to_be_hidden()
    mend = form(page, "mend")
    expect(mend.get_by_role("button", name="Run the public checks")).to_be_disabled()
    for prompt in PROMPTS:
        expect(page.get_by_text(prompt)).to_be_hidden()
    expect(mend.get_by_text("as in the change")).to_be_visible()
    edit_mend(page, "\n# a note")
    expect(mend.get_by_text("edited", exact=True)).to_be_visible()
    assert desk.data("exercise.edited") == [], "nothing is recorded before the review part is closed"
    close_review(page)
    wait_until(page, lambda: len(desk.data("exercise.edited")) == 1)
    for prompt in PROMPTS:
        expect(page.get_by_text(prompt)).to_be_visible()
    for name in ("trace", "diagnose", "explain"):
        expect(form(page, name).locator("textarea, select").first).to_be_enabled()
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page, body="late")
    settled(page)
    assert desk.data("finding.added")[0]["after_exercises"] is True
    expect(form(page, "change").locator(".rk-remark").get_by_text("after exercises")).to_be_visible()
    edit_mend(page, " more")
    wait_until(page, lambda: len(desk.data("exercise.edited")) == 2)
    edit = desk.data("exercise.edited")[-1]
    assert (edit["exercise"], edit["file"]) == ("mend", "parcels/store.py")
    assert edit["text"].startswith('"""Parcels and where they are."""')
    assert edit["text"].rstrip().endswith("# a note more")


def edit_mend(page: Page, text: str) -> None:
    """Write at the end of the mend cell."""
    page.locator(".jp-CodeCell", has_text="%%mend mend parcels/store.py").locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def test_a_damaged_line_of_the_journal_and_an_entry_that_the_server_refuses_are_shown_and_stop_nothing_behind_them(workplace: Workplace) -> None:
    desk = workplace.desk()
    path = journal_path(desk.granted.notebook, desk.granted.grant.record)
    journal = Journal(path, desk.granted.grant.record)
    for number in range(1, 4):
        journal.append(f"op-{number}", "claim.judged", {"claim": "c1", "verdict": "true", "why": str(number)})
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{" + lines[1][1:].replace(b"}", b"{") + lines[2])
    page = workplace.open(desk)
    expect(form(page, "status").get_by_text("Event 2 is missing")).to_be_visible()
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page)
    settled(page)

    def copied() -> list[int]:
        return [event["seq"] for event in desk.document["metadata"]["reviewkit"].get("record", {}).get("events", [])]

    wait_until(page, lambda: copied() == [1, 3, 4, 5])
    page.evaluate(
        """record => localStorage.setItem(`reviewkit:${record}:00000000000000001:bad`, JSON.stringify({ op: 'bad', kind: 'no.kind', data: {}, t: '' }))""",
        desk.granted.grant.record,
    )
    row(page, 19).locator('.rk-no[data-side="R"]').click()
    write_finding(page)
    status = form(page, "status")
    expect(status.get_by_text("1 entry was refused")).to_be_visible()
    expect(status.get_by_text("no such kind")).to_be_visible()
    wait_until(page, lambda: copied() == [1, 3, 4, 5, 6])
    submission = read_submission(desk.granted.notebook)
    assert [flag.code for flag in submission.flags if flag.is_tampering] == ["missing", "broken_chain"]


def fill_forms(page: Page) -> None:
    """Answer everything but the mend."""
    claims = form(page, "claims")
    claims.get_by_role("radio", name="False").first.locator("+ label").click()
    claims.get_by_label("Why, claim 1").fill("The cache is never cleared.")
    claims.get_by_role("radio", name="Not shown").nth(1).locator("+ label").click()
    close_review(page)
    trace = form(page, "trace")
    for layer in ("Web handler", "Store", "Database"):
        trace.get_by_role("button", name=f"Add {layer} to the route").click()
    trace.get_by_role("button", name="Move Database up").click()
    trace.get_by_label("A transaction begins").select_option("db")
    trace.get_by_label("Notes to your drawing").fill("Who ends it?")
    diagnose = form(page, "diagnose")
    diagnose.get_by_label("Cause").fill("Answers are kept for ever.")
    diagnose.get_by_label("Trade-off").fill("More queries.")
    form(page, "explain").get_by_label("Your explanation").fill("An answer that was right once.")
    verdict = form(page, "verdict")
    verdict.get_by_role("radio", name="Request changes").locator("+ label").click()
    verdict.get_by_label("Summary").fill("Not with this cache.")
    verdict.get_by_label("Most important finding").select_option(index=2)
    verdict.get_by_label("Second").select_option(index=1)
    verdict.get_by_label("Summary").focus()


def test_the_whole_way_to_a_submission_that_the_notebook_carries(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.open(desk)
    for line in (8, 33):
        row(page, line).locator('.rk-no[data-side="R"]').click()
        write_finding(page, body=f"remark on {line}")
    fill_forms(page)
    settled(page)
    submit = form(page, "submit")
    expect(submit.locator(".rk-inventory li", has_text="Mend it")).to_contain_text("missing")
    submit.get_by_role("button", name="Submit my work…").click()
    expect(submit.get_by_text("1 part is missing.")).to_be_visible()
    submit.get_by_role("button", name="Submit now").click()
    expect(submit.get_by_text("Submitted. The notebook file is saved")).to_be_visible(timeout=60_000)
    check_answers(desk)
    record = desk.document["metadata"]["reviewkit"]["record"]
    assert record["events"] == desk.events
    assert (record["count"], record["head"]) == (len(desk.events), desk.events[-1]["hash"])
    expect(form(page, "change").get_by_role("button", name="Comment on the whole change")).to_be_disabled()
    with page.expect_download() as download:
        submit.get_by_role("button", name="Download my answers").click()
    answers = json.loads(download.value.path().read_text("utf-8"))
    assert answers["record"]["events"] == desk.events
    assert answers["not_sent"] == []


def check_answers(desk: Desk) -> None:
    """What `fill_forms` must have recorded."""
    first, second = (finding["id"] for finding in desk.data("finding.added"))
    judged = {claim["claim"]: (claim["verdict"], claim["why"]) for claim in desk.data("claim.judged")}
    answers = {data["exercise"]: data["answer"] for data in desk.data("exercise.answered")}
    assert judged == {"c1": ("false", "The cache is never cleared."), "c2": ("not shown", "")}
    assert answers["trace"] == {"order": ["api", "db", "store"], "marks": {"begins": "db"}, "notes": "Who ends it?"}
    assert answers["diagnose"] == {"cause": "Answers are kept for ever.", "evidence": "", "fix": "", "trade_off": "More queries."}
    assert answers["explain"] == {"text": "An answer that was right once."}
    assert desk.data("verdict.given")[-1] == {"decision": "request changes", "summary": "Not with this cache.", "top": [second, first]}
    assert desk.kinds[-1] == "workbook.submitted"


def test_a_probe_button_runs_its_cell_and_the_kernels_events_appear(workplace: Workplace) -> None:
    desk = workplace.desk()
    page = workplace.open(desk)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)
    source = (
        "from reviewkit.journal import kernel_recorder\n"
        "kernel_recorder().add('probe.run', {'probe': 'bulk', 'tree': 'head', 'verdict': '900 of 1000 were right'})\n"
    )
    add_cell(page, source)
    expect(form(page, "probe").get_by_text("900 of 1000 were right")).to_be_attached(timeout=20_000)
    button = form(page, "probe").get_by_role("button", name="Run this probe")
    before = form(page, "probe").element_handle()
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("node => !node.isConnected", arg=before, timeout=30_000)
    expect(button).to_be_focused(timeout=20_000)
    assert "probe.run" in desk.kinds


def add_cell(page: Page, source: str) -> None:
    """Run code in a new cell at the top, as a person would."""
    page.locator(".jp-MarkdownCell").first.click()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.keyboard.press("y")
    editor = page.locator(".jp-CodeCell .cm-content").first
    editor.click()  # Enter would do, but on a busy machine what is typed after it may come before the editor has the focus
    page.keyboard.insert_text(source)
    expect(editor).to_contain_text(source.splitlines()[0])
    page.keyboard.press("Control+Enter")


LIVE = """
import { useState } from 'react';
const SAYS = '</script><!-- <script>';
function Fails() { throw new RangeError('too large'); return null; }
function Card({ name }: { name: string }) {
  const [count, setCount] = useState(0);
  const [sent, setSent] = useState('nothing');
  const [fails, setFails] = useState(false);
  const ask = () => fetch('https://outside.test/data').catch(() => 0);
  return (
    <form action="https://outside.test/form" onSubmit={() => setSent('something')}>
      <p>{name}: {SAYS}, {sent} sent</p>
      <button type="button" onClick={() => setCount(count + 1)}>Count {count}</button> <button>Send</button>
      <button type="button" onClick={ask}>Ask</button> <button type="button" onClick={() => setFails(true)}>Fail</button>
      <a href="https://outside.test/page">Away</a> <img src="https://outside.test/a.png" alt="a picture" />
      {fails && <Fails />}
    </form>
  );
}
<Card name="Ada" />
"""


@pytest.mark.node
def test_a_live_component_works_and_reaches_nothing(workplace: Workplace) -> None:
    """In a frame of its own: no request leaves it, and what goes wrong is shown in it."""
    page = workplace.open(workplace.desk())
    asked: list[str] = []

    def reached(route: Route) -> None:
        asked.append(route.request.url)
        route.abort()

    page.route(lambda url: "outside.test" in url, reached)  # what the policy stops never gets here
    add_cell(page, f"import os\nos.environ['XDG_DATA_HOME'] = {str(DATA)!r}\nshell = get_ipython()\nshell.run_line_magic('load_ext', 'reviewkit.runtimes')\n"
             f"shell.run_cell_magic('tsx', '--live --height 200', {LIVE!r})")
    frame = page.frame_locator("iframe.rk-live")
    expect(frame.get_by_text("Ada: </script><!-- <script>, nothing sent")).to_be_visible(timeout=DRAW_MS)
    frame.get_by_role("button", name="Count 0").click()
    expect(frame.get_by_role("button", name="Count 1")).to_be_visible()
    frame.get_by_role("button", name="Send").click()
    expect(frame.get_by_text("something sent")).to_be_visible()
    frame.get_by_role("button", name="Ask").click()
    frame.get_by_role("link", name="Away").click()
    fault = frame.get_by_role("alert")
    for address in ("a.png", "data", "page"):
        expect(fault).to_contain_text(f"https://outside.test/{address}")
    inside = page.locator("iframe.rk-live").element_handle().content_frame()
    assert inside is not None
    assert inside.evaluate("() => { try { return String(parent.document.title); } catch (error) { return error.name; } }") == "SecurityError"
    frame.get_by_role("button", name="Fail").click()
    expect(fault).to_contain_text("RangeError: too large (in Fails < form < Card)")
    assert asked == []


def test_a_preview_works_and_records_nothing_and_prices_in_prose_are_no_formulas(workplace: Workplace) -> None:
    """Nothing is typeset: the scripts for it are a megabyte, and nobody writes formulas here."""
    document = made_workbook.notebook()
    document["cells"].insert(1, {"cell_type": "markdown", "id": "prices", "metadata": {}, "source": "From $5 to $6 a piece."})
    desk = workplace.desk(preview=True, document=document)
    page = workplace.open(desk)
    expect(form(page, "status").get_by_text("Preview, nothing is recorded")).to_be_visible(timeout=DRAW_MS)
    row(page, 8).locator('.rk-no[data-side="R"]').click()
    write_finding(page)
    close_review(page)
    expect(form(page, "change").locator(".rk-remark")).to_have_count(1)
    assert desk.events == []
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("paragraph").filter(has_text="From $5 to $6 a piece.")).to_be_visible()
    assert page.locator("mjx-container").count() == 0
