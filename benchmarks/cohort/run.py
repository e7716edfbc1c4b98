"""How long the cohort page takes to open, with many candidates, in a real browser.

A made-up round of one scenario: totals, intervals, marks, decisions, and what each candidate found by level and domain. The
page is written to a file and opened in Chromium, each time in a profile of its own. Measured from navigation until the table is
usable: drawn, and its controls answer. Then one sort, one filter and one comparison, each until it is drawn.

    python benchmarks/cohort/run.py [--candidates 2000] [--times 7] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright  # noqa: E402

from reviewkit.cohort import render_cohort  # noqa: E402
from reviewkit.doctor import find_browser  # noqa: E402
from reviewkit.row import Row  # noqa: E402

MOST_SECONDS: Final = 2.0
"""The goal, from navigation to a usable table."""
LEVELS: Final = {"junior": 3, "mid": 4, "senior": 4, "staff": 3}
DOMAINS: Final = {"concurrency": 3, "database": 3, "security": 2, "http-api": 2, "reliability": 2, "testing": 1, "maintainability": 1}
BANDS: Final = ((70, "strong"), (45, "middling"), (0, "weak"))
DRAWN: Final = "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
"""The clock of the page, from navigation, once what was changed is drawn."""


def made(number: int, rng: random.Random) -> Row:
    """One made-up row."""
    skill = min(max(rng.gauss(0.5, 0.2), 0.02), 0.98)
    shares = []
    for by, planted in (("level", LEVELS), ("domain", DOMAINS)):
        for value, n in planted.items():
            found = sum(rng.random() < skill for _ in range(n))
            shares.append((by, value, found, n, int(found < n and rng.random() < 0.2)))
    total = round(96 * skill, 1)
    waiting = rng.randrange(12)
    marked = rng.random() < 0.03
    return Row(
        f"c-{number}.ipynb", f"{number:064x}", f"c-{number}", "stock", "1.0.0", "1.0.0", total=total, over=96.0,
        low=round(max(total - waiting, 0), 1), high=round(min(total + waiting, 96), 1), waiting=waiting,
        band=next(name for least, name in BANDS if 100 * skill >= least), gates=rng.choice(("3 pass", "2 pass, 1 need a person", "1 pass, 2 need a person")),
        flags=int(marked), marks="edited" if marked else "", tampering=int(marked), report=f"reports/stock-{number:012x}.html",
        decision="invite to the next round" if rng.random() < 0.1 else "", shares=tuple(shares),
    )  # fmt: skip


def opened(browser: Browser, address: str, *, script: bool) -> tuple[Page, CDPSession]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=script)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    return page, session


def cpu(session: CDPSession) -> float:
    """Processor seconds of the page's main thread."""
    return float(next(m["value"] for m in session.send("Performance.getMetrics")["metrics"] if m["name"] == "TaskDuration"))


def once(browser: Browser, address: str) -> dict[str, float]:
    page, session = opened(browser, address, script=True)
    result = {"usable": page.evaluate(DRAWN) / 1000, "usable, processor": cpu(session)}
    assert page.evaluate("performance.getEntriesByName('cohort-usable').length") == 1
    steps: Mapping[str, Callable[[Page], Any]] = {
        "sort by name": lambda p: p.evaluate("document.querySelectorAll('th[data-sort] button')[0].click()"),
        "filter by text": lambda p: p.evaluate("(i => { i.value = '19'; i.dispatchEvent(new Event('input')); })(document.querySelector('[type=search]'))"),
        "compare two": lambda p: p.evaluate(
            "[...document.querySelectorAll('tbody .pick input')].slice(0, 2).forEach(i => i.click()); document.querySelector('[data-compare]').click()"
        ),
    }  # fmt: skip
    for name, step in steps.items():
        before, worked = page.evaluate("performance.now()"), cpu(session)
        step(page)
        result[name] = (page.evaluate(DRAWN) - before) / 1000
        result[f"{name}, processor"] = cpu(session) - worked
    assert page.locator("dialog[open]").count() == 1
    page.context.close()
    return result


def machine() -> float:
    """Seconds for ten million additions: how fast this machine is, now."""
    begin, total = time.perf_counter(), 0
    for one in range(10_000_000):
        total += one
    return time.perf_counter() - begin


def main() -> int:
    parser = argparse.ArgumentParser(description="How long the cohort page takes to open.")
    parser.add_argument("--candidates", type=int, default=2000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="Write the page here and keep it.")
    given = parser.parse_args()
    rng = random.Random(7)
    rows = [made(number, rng) for number in range(1, given.candidates + 1)]
    begin = time.process_time()
    html = render_cohort(rows).encode()
    print(f"{given.candidates} candidates, page {len(html) / 1e6:.2f} MB, made in {time.process_time() - begin:.2f} s of processor time")
    print(f"ten million additions in Python: {machine():.2f} s")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = (given.keep or Path(folder)) / "cohort.html"
        path.write_bytes(html)
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        runs = [once(browser, path.as_uri()) for _ in range(given.times)]
        _, session = opened(browser, path.as_uri(), script=False)
        print(f"without script: {cpu(session):.2f} s of processor time")
        browser.close()
    for name in runs[0]:
        values = sorted(run[name] for run in runs)
        print(f"{name}: median {statistics.median(values):.2f} s, {values[0]:.2f} to {values[-1]:.2f}")
    passed = statistics.median(run["usable"] for run in runs) < MOST_SECONDS
    print("PASS" if passed else "FAIL")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
