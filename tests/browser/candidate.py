"""A candidate at the workbook: does in a browser what a sample review says, with the mouse and the real forms."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from reviewkit.calibration import Review, SampleFinding, mended
from reviewkit.scenario import Scenario
from reviewkit.words import ExerciseKind

PATIENCE_MS = 60_000
OUTCOME = re.compile(r"^(fails|passes|error): ", re.MULTILINE)
NEAREST = """([file, side, line]) => {
  const rows = [...document.querySelectorAll('.rk-change .rk-row')];
  const files = [...document.querySelectorAll('.rk-change .rk-file')];
  const wanted = files.findIndex(s => s.querySelector('[role=grid]')?.getAttribute('aria-label') === `Changed lines of ${file}`);
  let best = null, gap = Infinity;
  rows.forEach((row, at) => {
    const n = row.rk?.[side];
    if (row.rk?.file !== wanted || n == null) return;
    if (Math.abs(n - line) < gap) { gap = Math.abs(n - line); best = at; }
  });
  return best;
}"""


class Candidate:
    """Works through one workbook that is open in `page`."""

    def __init__(self, page: Page, scenario: Scenario) -> None:
        self.page, self.scenario = page, scenario

    def form(self, name: str, number: int = 0) -> Locator:
        """A form by its kind."""
        return self.page.locator(f".rk-root .rk-{name}").nth(number)

    def show(self, part: Locator) -> Locator:
        """Bring a part of the notebook to the middle of the window."""
        part.evaluate("e => e.scrollIntoView({block: 'center'})")
        return part

    def recorded(self) -> None:
        """Wait until the page says that everything is recorded."""
        status = self.form("status").locator(".rk-status-text")
        expect(status).to_have_text("Everything is recorded", timeout=PATIENCE_MS)

    # --- the review part ------------------------------------------------------------------------------------------
    def remark(self, finding: SampleFinding) -> None:
        """Write one finding."""
        before = self.page.locator(".rk-change .rk-findings li, .rk-change .rk-findings button").count()
        if finding.file is None:
            self.show(self.page.get_by_role("button", name="Comment on the whole change")).click()
        elif finding.line is None or not self._open_at(finding):
            self.show(self.page.get_by_role("button", name=f"Comment on file {finding.file}", exact=True)).click()
        self._write(finding)
        expect(self.page.locator(".rk-composer")).to_have_count(0)
        expect(self.page.locator(".rk-change .rk-findings li, .rk-change .rk-findings button")).not_to_have_count(before)

    def _open_at(self, finding: SampleFinding) -> bool:
        at = self.page.evaluate(NEAREST, [finding.file, finding.side, finding.line])
        if at is None:
            return False
        row = self.page.locator(".rk-change .rk-row").nth(at)
        self.show(row)
        row.locator(f".rk-no[data-side={finding.side}]").click()
        return True

    def _write(self, finding: SampleFinding) -> None:
        composer = self.page.locator(".rk-composer")
        expect(composer).to_be_visible()
        composer.get_by_text(finding.severity.value.capitalize(), exact=True).click()
        composer.get_by_label("Category").select_option(finding.category.value)
        first = composer.get_by_label("From line")
        if finding.line is not None and first.is_visible():
            first.fill(str(finding.line))
            composer.get_by_label("To line").fill(str(finding.end_line or finding.line))
        composer.get_by_label("What is wrong").fill(finding.body)
        composer.get_by_label("Why it matters").fill(finding.why)
        composer.get_by_label("What to do").fill(finding.fix)
        composer.get_by_role("button", name="Save finding").click()

    def judge(self, review: Review) -> None:
        """Judge the claims."""
        self.show(self.form("claims"))
        ids = [claim.id for claim in self.scenario.claims]
        for claim, judged in review.claims.items():
            row = self.form("claims").locator("ol > li").nth(ids.index(claim))
            self.show(row)
            row.get_by_text(judged.verdict.value.capitalize(), exact=True).click()
            if judged.why:
                row.get_by_role("textbox").fill(judged.why)
        self.recorded()

    def probe(self, probe_id: str) -> None:
        """Run a probe by its button and wait for its verdict line."""
        number = [p.id for p in self.scenario.probes].index(probe_id)
        form = self.form("probe", number)
        self.show(form)
        form.get_by_role("button", name="Run this probe").click()
        expect(self.form("probe", number).locator(".rk-last")).to_contain_text("Last run", timeout=PATIENCE_MS)

    def prove(self, number: int, code: str) -> None:
        """Write a check for the finding with this index into the evidence cell and run it."""
        cell = self._cell("%%evidence", starts=True)
        self.show(cell)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(f"%%evidence {number + 1}\n{code}")
        self.page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-OutputArea")).to_contain_text(OUTCOME, timeout=PATIENCE_MS)
        self.page.wait_for_timeout(500)

    def close_review(self) -> None:
        """Close the review part."""
        self.show(self.form("close"))
        self.form("close").get_by_role("button", name="Close the review part…").click()
        self.form("close").get_by_role("button", name="Close the review", exact=True).click()
        expect(self.form("close")).to_contain_text("The review part is closed")

    # --- exercises ------------------------------------------------------------------------------------------------
    def mend(self, exercise: str, files: dict[str, str]) -> None:
        """Put the mended files into their cells and run them, then the public checks."""
        for file, text in files.items():
            cell = self._cell(f"%%mend {exercise} {file}")
            self.show(cell)
            cell.locator(".cm-content").click()
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(f"%%mend {exercise} {file}\n{text}")
            self.page.keyboard.press("Control+Enter")
            expect(cell).to_contain_text(f"{file}: in your mend", timeout=PATIENCE_MS)
        form = self.form("mend")
        self.show(form)
        form.get_by_role("button", name="Run the public checks").click()
        expect(self.form("mend").locator(".rk-results")).to_contain_text("Last run", timeout=PATIENCE_MS)

    def _cell(self, first_line: str, *, starts: bool = False) -> Locator:
        found = self.page.evaluate(
            """([first, starts]) => {
              const cells = [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
              const line = c => c.querySelector('.cm-line')?.textContent ?? '';
              return cells.findIndex(c => starts ? line(c).startsWith(first) : line(c) === first);
            }""",
            [first_line, starts],
        )
        if found < 0:
            raise LookupError(first_line)
        return self.page.locator(".jp-Notebook .jp-Cell").nth(found)

    def answer(self, exercise_id: str, answer: dict[str, Any]) -> None:
        """Answer a trace, diagnose or explain exercise."""
        exercise = self.scenario.exercise(exercise_id)
        same = [e.id for e in self.scenario.exercises if e.kind is exercise.kind]
        form = self.form(exercise.kind.value, same.index(exercise_id))
        self.show(form)
        if exercise.kind is ExerciseKind.EXPLAIN:
            form.get_by_role("textbox").fill(answer["text"])
        elif exercise.kind is ExerciseKind.DIAGNOSE:
            for number, part in enumerate(("cause", "evidence", "fix", "trade_off")):
                form.get_by_role("textbox").nth(number).fill(answer.get(part, ""))
        else:
            labels = {layer.id: layer.label for layer in exercise.layers}
            for layer in answer["order"]:
                form.get_by_role("button", name=f"Add {labels[layer]} to the route", exact=True).click()
            marks = {mark.id: mark.label for mark in exercise.marks}
            for mark, layer in answer["marks"].items():
                form.get_by_label(marks[mark], exact=True).select_option(layer)
        self.page.keyboard.press("Tab")
        self.recorded()

    # --- the end --------------------------------------------------------------------------------------------------
    def decide(self, review: Review) -> None:
        """Give the verdict with its top three."""
        if review.verdict is None:
            return
        form = self.form("verdict")
        self.show(form)
        form.get_by_text(review.verdict.decision.capitalize(), exact=True).click()
        form.get_by_role("textbox").fill(review.verdict.summary)
        for label, number in zip(("Most important finding", "Second", "Third"), review.verdict.top, strict=False):
            box = form.get_by_label(label)
            value = box.locator("option").evaluate_all(
                "(options, number) => options.find(o => o.textContent.startsWith(`#${number} `))?.value ?? ''", number + 1
            )
            box.select_option(value)
        self.page.keyboard.press("Tab")
        self.recorded()

    def submit(self) -> None:
        """Hand in."""
        form = self.form("submit")
        self.show(form)
        form.get_by_role("button", name="Submit my work…").click()
        form.get_by_role("button", name="Submit now").click()
        expect(form.get_by_role("status")).to_contain_text(re.compile("ubmitted|Handed in"), timeout=PATIENCE_MS)

    def work_through(self, review: Review, folder: Path) -> None:
        """The whole way of a sample review."""
        for finding in review.findings:
            self.remark(finding)
        self.judge(review)
        for probe in review.probes:
            self.probe(probe)
        for evidence in review.evidence:
            self.prove(evidence.finding, evidence.code)
        self.close_review()
        for exercise, files in mended(review, folder).items():
            self.mend(exercise, files)
        for exercise, answer in review.answers.items():
            self.answer(exercise, answer)
        self.decide(review)
        self.submit()


def completed(path: Path) -> bool:
    """Whether a saved notebook carries a submitted record; one that is just being written does not yet."""
    try:
        record = json.loads(path.read_text("utf-8"))["metadata"]["reviewkit"].get("record", {})
    except json.JSONDecodeError:
        return False
    return any(event["kind"] == "workbook.submitted" for event in record.get("events", []))
