"""Reports of hostile files in a real browser: nothing runs, nothing is asked for, nothing lies over our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hostile_files as hostile
import pytest
from hostile_reports import MARKS, Shown, make, show
from hostile_texts import MARKUP, TEXTS
from playwright.sync_api import Browser, BrowserContext, Page

from reviewkit.cohort import render_cohort

SAMPLE = ("text-closes-bdi", "text-overlay", "text-polyglot", "text-iframe", "text-pile", "text-bidi", "text-no-break", "place-file", "victim")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
OWN_SCRIPT = re.compile(r"; script-src 'sha256-[\w+/]{43}='; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'$")
"""What the cohort page's policy has more: it lets its own script run and no other."""


@dataclass
class Watched:
    """A page and everything it did that a report must not do."""

    page: Page
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """What was asked for and never left, with the browser's word for it."""

    @staticmethod
    def on(context: BrowserContext) -> Watched:
        watched = Watched(context.new_page())
        page = watched.page
        context.on("request", lambda request: watched.asked.append(request.url))
        context.on("requestfailed", lambda request: watched.failed.update({request.url: request.failure or ""}))
        context.on("page", lambda _new: watched.said.append("opened a page"))
        page.on("dialog", lambda dialog: (watched.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: watched.said.append(f"error {error}"))
        page.on("console", lambda message: watched.said.append(f"console {message.text}"))
        page.on("download", lambda download: watched.said.append(f"download {download.url}"))
        page.on("framenavigated", lambda frame: watched.said.append("a frame") if frame.parent_frame else None)
        return watched


def all_in_one() -> hostile.Hostile:
    """Every text as a remark of one review."""
    steps = [hostile.finding(n, body=text, why=text, fix=text) for n, text in enumerate(TEXTS.values())]
    steps += hostile.everywhere("".join(MARKUP.values()))[3:]
    return hostile.item("all-in-one", hostile.notebook(steps, "h-all"))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Path]:
    """Reports as files, and a cohort page over all of them."""
    folder = tmp_path_factory.mktemp("reports")
    (folder / "reports").mkdir()
    (folder / "inbox").mkdir()
    items = [i for i in hostile.corpus() if request.config.getoption("--full") or i.name.removesuffix(".ipynb") in SAMPLE or i.reason == "empty"]
    rows, paths = [], {}
    for item, path in make(folder / "inbox", [all_in_one(), *items]):
        found: Shown = show(item, path)
        rows.append(found.row)
        if found.html:
            paths[item.name] = folder / found.row.report
            paths[item.name].write_bytes(found.html.encode("utf-8", "backslashreplace"))
    paths["cohort"] = folder / "cohort.html"
    paths["cohort"].write_text(render_cohort(rows), "utf-8")
    return paths


@pytest.fixture(scope="module", params=["light", "dark"])
def watched(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1200, "height": 900}, accept_downloads=True)
    yield Watched.on(context)
    context.close()


LOOK = """() => {
  const above = [];
  for (const node of document.querySelectorAll('h1, header p, .head, .score, section.notice strong, h2')) {
    node.scrollIntoView({block: 'center'});
    const box = node.getBoundingClientRect();
    const x = box.left + Math.min(box.width / 2, 8), y = box.top + box.height / 2;
    const top = document.elementFromPoint(x, y);
    if (top === null || !(node === top || node.contains(top))) above.push(node.tagName + ' ' + node.textContent.slice(0, 30) + ' under ' + (top && top.outerHTML.slice(0, 60)));
  }
  const placed = [...document.querySelectorAll('body *')].filter(n => ['fixed', 'absolute', 'sticky'].includes(getComputedStyle(n).position) && !n.matches('.tall thead th, .picked[hidden], dialog#pair:not([open])'));
  return {
    harmed: window.harmed ?? null,
    policy: document.querySelector('head meta[http-equiv=Content-Security-Policy]')?.content ?? null,
    above, placed: placed.map(n => n.outerHTML.slice(0, 80)),
    foreign: [...document.querySelectorAll('body script, iframe, frame, object, embed, link, base, form, input:not(#unfold), button, img, video, audio, template, foreignObject, math')].filter(n => !n.matches('.controls > *, .controls input, .pager > button, .picked > button, td.pick > input[type=checkbox], th[data-sort] > button')).map(n => n.outerHTML.slice(0, 80)),
    handlers: [...document.querySelectorAll('*')].filter(n => [...n.attributes].some(a => a.name.startsWith('on'))).length,
    links: [...document.querySelectorAll('a')].map(a => a.getAttribute('href')).filter(h => !h.startsWith('#') && !h.startsWith('reports/')),
    title: document.title, address: location.href, wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: document.querySelectorAll('h1').length, scripts: document.querySelectorAll('head script').length, ink: getComputedStyle(document.body).color,
  };
}"""


def test_reports_are_still_ours(watched: Watched, pages: dict[str, Path]) -> None:
    for name, path in pages.items():
        watched.asked.clear()
        watched.said.clear()
        address = path.as_uri()
        watched.page.goto(address)
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = !d.open; })")
        watched.page.mouse.move(400, 300)
        watched.page.keyboard.press("Tab")
        watched.page.keyboard.press("Tab")
        seen = watched.page.evaluate(LOOK)
        label = f"{name!a}: {seen}"
        assert seen["harmed"] is None, label
        own = name == "cohort"
        assert OWN_SCRIPT.sub("", seen["policy"]) == POLICY, label
        assert seen["scripts"] == own and bool(OWN_SCRIPT.search(seen["policy"])) == own, label
        assert not seen["above"] and not seen["placed"] and not seen["foreign"] and not seen["handlers"] and not seen["links"], label
        assert seen["headings"] == 1 and seen["address"].split("#")[0] == address, label
        assert seen["wide"] <= 0, label
        assert {url for url in watched.asked if not url.startswith("data:")} == {address}, (name, watched.asked)
        assert watched.said == [], (name, watched.said)
        assert len(watched.page.frames) == 1, label


def test_the_scheme_is_the_readers(watched: Watched, pages: dict[str, Path]) -> None:
    watched.page.goto(pages["cohort"].as_uri())
    dark = watched.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    ink = watched.page.evaluate("getComputedStyle(document.body).color")
    assert ink == ("rgb(228, 232, 236)" if dark else "rgb(27, 31, 36)")


def test_marks_are_seen_at_once(watched: Watched, pages: dict[str, Path]) -> None:
    """Signs of tampering and of copying stand in the head, before the total."""
    watched.page.goto(pages["all-in-one.ipynb"].as_uri())
    mark = watched.page.get_by_text(MARKS[0].words)
    assert mark.is_visible()
    assert mark.bounding_box()["y"] < watched.page.locator(".score").bounding_box()["y"]  # type: ignore[index]
    watched.page.goto(pages["cohort"].as_uri())
    assert watched.page.get_by_text("copied text").first.is_visible()


def test_the_policy_itself_stops_a_script(watched: Watched, pages: dict[str, Path], tmp_path: Path) -> None:
    """Were a text not escaped after all, the policy would hold; and this test would see a script that ran."""
    bad = f"<main>{TEXTS['img']}{TEXTS['script']}{TEXTS['iframe']}"
    unescaped, cohort = (pages[name].read_text("utf-8").replace("<main>", bad, 1) for name in ("victim.ipynb", "cohort"))
    open_to_all = unescaped.replace(POLICY, "frame-src 'none'; img-src data:", 1)
    for name, text, harmed in (("with", unescaped, None), ("cohort", cohort, None), ("without", open_to_all, 1)):
        path = tmp_path / f"{name}.html"
        path.write_text(text, "utf-8")
        watched.asked.clear()
        watched.page.goto(path.as_uri())
        assert watched.page.evaluate("window.harmed ?? null") == harmed
        sent = [url for url in watched.asked if not url.startswith("file:") and "csp" not in watched.failed.get(url, "")]
        assert harmed or not sent, "what was asked for was stopped by the policy"
    watched.page.goto("about:blank")
    watched.said.clear()
