"""A candidate's whole way through a real workbook, by mouse and by keyboard alone; then that very notebook is scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from candidate import Candidate, completed
from playwright.sync_api import Page, expect
from test_cli import reviewkit
from workplace import DRAW_MS, Workplace, form, go_on, settled, uncaught, wait_until

from reviewkit.bank import find_bank
from reviewkit.calibration import Review
from reviewkit.grants import Granted, issue
from reviewkit.serve import Served, data_folder, serve
from reviewkit.submission import read_submission
from reviewkit.trust import notary_of, sign

ROOT = Path(__file__).resolve().parents[2]
ENTRY = find_bank(ROOT).entry("transactions")
MENDED = "txservice/models.py"


@pytest.fixture(scope="module")
def server(offices: Workplace) -> Iterator[Served]:
    """One server for both ways."""
    with pytest.MonkeyPatch.context() as patch:
        offices.enter(patch)
        with serve(ROOT / "notebooks" / "transactions.ipynb", folder=offices.work, candidate="c-7", bank=ROOT) as made:
            yield made


@pytest.fixture
def granted(server: Served, workplace: Workplace) -> Granted:
    """A fresh workbook on it, signed as the first one is."""
    made = issue(ROOT / "notebooks" / "transactions.ipynb", workplace.work, candidate="c-7")
    sign(made.notebook, notary_of(data_folder()))
    return made


def opened(workplace: Workplace, server: Served, granted: Granted) -> Page:
    workplace.lab.set_viewport_size({"width": 1400, "height": 1000})
    go_on(workplace.lab, server.page(granted.grant.record, granted.notebook.name))
    expect(form(workplace.lab, "change").locator(".rk-row").first).to_be_attached(timeout=DRAW_MS)
    return workplace.lab


def mended_text() -> str:
    return "# mended\n" + (ENTRY.folder / "head" / MENDED).read_text("utf-8")


def review(tmp_path: Path) -> Review:
    folder = tmp_path / "mend" / "mend" / "txservice"
    folder.mkdir(parents=True)
    (folder / "models.py").write_text(mended_text(), "utf-8")
    return Review.model_validate(
        {
            "id": "way", "kind": "middling",
            "findings": [
                {"file": "txservice/store.py", "line": 20, "end_line": 22, "severity": "blocker", "category": "data",
                 "body": "The conflict is **swallowed** and the caller is told it worked.", "why": "Money is lost.", "fix": "Look at the row count."},
                {"file": "txservice/models.py", "severity": "minor", "category": "api", "body": "Amounts should not be floats."},
                {"file": None, "severity": "nit", "category": "testing", "body": "The tests never send the same key twice."},
            ],
            "claims": {"c1": {"verdict": "false", "why": "see the store"}, "c2": {"verdict": "not shown"}},
            "probes": ["again"],
            "mend": {"mend": [MENDED]},
            "answers": {"explain": {"text": "The first may have been stored; the constraint decides."},
                        "trace": {"order": ["session", "model", "endpoint"], "marks": {"begins": "store"}}},
            "verdict": {"decision": "request changes", "summary": "Not yet.", "top": [0, 1]},
        }
    )  # fmt: skip


def scored(path: Path, tmp_path: Path) -> dict[str, object]:
    out = tmp_path / "out"
    done = reviewkit("score", str(path), "--out", str(out), "--json", "--bank", str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads(done.stdout)
    assert (out / row["report"]).is_file()
    return json.loads((out / row["scorecard"]).read_text("utf-8"))  # type: ignore[no-any-return]


def test_by_mouse(workplace: Workplace, server: Served, granted: Granted, tmp_path: Path) -> None:
    page = opened(workplace, server, granted)
    sample = review(tmp_path)
    Candidate(page, ENTRY.scenario).work_through(sample, tmp_path / "mend")
    notebook = granted.notebook
    wait_until(page, lambda: completed(notebook))
    state = read_submission(notebook).state
    assert [f.body for f in state.findings] == [f.body for f in sample.findings]
    assert state.claims["c1"].verdict.value == "false"
    assert state.exercises["mend"].files == {MENDED: mended_text()}
    assert state.exercises["mend"].results
    assert state.verdict is not None
    assert [p.probe for p in state.probes] == ["again"]
    assert state.submitted
    assert uncaught(page) == []
    card = scored(notebook, tmp_path)
    assert len(card["findings"]) == 3  # type: ignore[arg-type]


class Keyboard:
    """Presses keys only."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, selector: str, most: int = 150) -> None:
        """Press Tab until the focused element matches."""
        for _ in range(most):
            if self.page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
                return
            self.page.keyboard.press("Tab")
        pytest.fail(f"{selector} is not reached by Tab")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.insert_text(text)


def test_by_keyboard_alone(workplace: Workplace, server: Served, granted: Granted, tmp_path: Path) -> None:
    page = opened(workplace, server, granted)
    settled(page)
    keys = Keyboard(page)
    keys.reach(".rk-change .rk-row")
    keys.press("n", "j", *["Shift+ArrowDown"] * 4, "c")
    keys.reach(".rk-composer input[type=radio]")
    keys.press("ArrowRight")
    keys.reach(".rk-composer select")
    keys.press("c", "o")
    keys.reach(".rk-composer textarea")
    keys.type("Said without a mouse.")
    keys.press("Control+Enter")
    expect(page.locator(".rk-composer")).to_have_count(0)
    keys.reach(".rk-claims input[type=radio]")
    keys.press("Space")
    keys.reach(".rk-probe button")
    keys.press("Enter")
    expect(form(page, "probe").locator(".rk-last")).to_contain_text("Last run", timeout=DRAW_MS)
    keys.reach(".rk-close button")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Keep reviewing")).to_be_focused()
    keys.press("Shift+Tab", "Enter")
    expect(form(page, "close")).to_contain_text("The review part is closed")
    mend_in_its_cell(page, keys)
    keys.reach(".rk-mend button")
    keys.press("Enter")
    expect(form(page, "mend").locator(".rk-results")).to_contain_text("Last run", timeout=DRAW_MS)
    keys.reach(".rk-explain textarea")
    keys.type("Explained by keyboard.")
    keys.reach(".rk-verdict input[type=radio]")
    keys.press("Space")
    keys.reach(".rk-verdict textarea")
    keys.type("Decided by keyboard.")
    keys.reach(".rk-submit button")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Not yet")).to_be_focused()
    keys.press("Shift+Tab", "Enter")
    notebook = granted.notebook
    wait_until(page, lambda: completed(notebook))
    state = read_submission(notebook).state
    (finding,) = state.findings
    assert finding.body == "Said without a mouse."
    assert finding.line is not None
    assert (finding.end_line or 0) > finding.line
    assert len(state.claims) == 1
    assert "# mended by keyboard" in "".join(state.exercises["mend"].files.values())
    assert state.verdict is not None
    assert state.verdict.summary == "Decided by keyboard."
    assert scored(notebook, tmp_path)["findings"]


def mend_in_its_cell(page: Page, keys: Keyboard) -> None:
    """Leave the form for the notebook, walk to the first mend cell, edit it and go on."""
    keys.press("Escape")
    for _ in range(30):
        first = page.evaluate("document.querySelector('.jp-Notebook .jp-mod-active .cm-line')?.textContent ?? ''")
        if str(first).startswith("%%mend"):
            break
        keys.press("ArrowDown")
    else:
        pytest.fail("the mend cell is not reached by arrow keys")
    keys.press("Enter", "Control+End")
    keys.type("\n# mended by keyboard\n")
    keys.press("Control+Enter")
    expect(page.locator(".jp-Notebook .jp-mod-active")).to_contain_text("in your mend", timeout=DRAW_MS)
