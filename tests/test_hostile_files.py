"""The corpus of hostile files: each gives one row, in bounded time and memory, and nothing of it becomes more than text."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import hostile_files as hostile
import pytest
from hostile_reports import Shown, make, show
from hostile_texts import HARM, TEXTS
from rich.console import Console

from reviewkit import demo, submission
from reviewkit.cohort import render_cohort, write_csv
from reviewkit.cohorttable import export
from reviewkit.errors import SubmissionError
from reviewkit.scorecard import Scorecard

SECONDS, MEGABYTES = 60, 600
"""What one file may cost at most."""


@cache
def corpus() -> list[hostile.Hostile]:
    """All files; made when the first test wants them, for making them takes seconds."""
    return hostile.corpus()


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "inbox"
    folder.mkdir()
    make(folder, corpus())
    return folder


@pytest.fixture(scope="module")
def shown(inbox: Path) -> list[Shown]:
    """Everything through the report, without kernel and sandbox."""
    return [show(item, inbox / item.name) for item in corpus()]


def scored(shown: list[Shown]) -> list[Shown]:
    return [one for one in shown if one.assessment is not None]


def test_the_corpus_is_large_and_the_same_each_time(inbox: Path, tmp_path: Path) -> None:
    assert len(corpus()) >= 200
    assert len({item.name for item in corpus()}) == len(corpus())
    again = {item.name: path for item, path in make(tmp_path, hostile.texts()[:5] + hostile.tampered()[:8] + hostile.copies())}
    for name, path in again.items():
        assert path.read_bytes() == (inbox / name).read_bytes(), name


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_every_file_is_read_within_its_bounds_and_gives_one_result(inbox: Path) -> None:
    """One process reads all of them, so the peak of memory is that of the worst."""
    code = (
        "import json, os, sys, time; from pathlib import Path\n"
        "from reviewkit.errors import SubmissionError; from reviewkit.submission import read_submission\n"
        "for name in sorted(os.listdir(os.fsencode(sys.argv[1]))):\n"
        "    begun, flags = time.process_time(), []\n"
        "    try: found = read_submission(Path(os.fsdecode(os.path.join(os.fsencode(sys.argv[1]), name))))\n"
        "    except SubmissionError as error: code, words = error.reason_code, error.sentence\n"
        "    else: code, words, flags = '', '', [(f.code, f.text) for f in found.flags]\n"
        "    print(json.dumps([os.fsdecode(name), code, words, flags, time.process_time() - begun]))\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(int(status['VmHWM'].split()[0]) // 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(inbox)], capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr
    *lines, peak = done.stdout.splitlines()
    results = {name: rest for name, *rest in map(json.loads, lines)}
    assert int(peak) < MEGABYTES
    for item in corpus():
        code, words, flags, seconds = results[item.name]
        late = item.reason in ("unknown_scenario", "other_version")  # what only the bank can say
        assert code == ("" if late else item.reason), ascii(item.name)
        assert seconds < SECONDS, ascii(item.name)
        assert words.isprintable(), ascii(item.name)
        assert len(words) < 500, ascii(item.name)
        assert item.marks - {"place_outside"} <= {flag for flag, _text in flags}, (ascii(item.name), flags)
        for _code, text in flags:
            assert text.isprintable() and text.endswith("."), ascii(item.name)
            assert HARM not in text, ascii(item.name)


def test_a_file_that_changes_while_it_is_read_is_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(hostile.stored(hostile.notebook([hostile.finding()])))
    for change in (lambda: path.write_bytes(b"{}"), lambda: os.utime(path, ns=(1, 1)), lambda: os.truncate(path, 10)):

        def changing(file: int, start: int, size: int, change: Any = change) -> bytes:
            data = os.pread(file, size, start)
            change()
            return data

        monkeypatch.setattr(submission, "read_exactly", changing)
        with pytest.raises(SubmissionError) as caught:
            submission.read_submission(path)
        assert caught.value.reason_code == "unreadable"


def test_every_file_is_one_row_with_a_score_or_a_reason(shown: list[Shown]) -> None:
    for one in shown:
        assert one.row.unscored == one.item.reason, ascii(one.item.name)
        if one.assessment is None:
            assert one.row.sentence.isprintable()
        else:
            assert one.row.total is not None
            assert one.item.marks <= {flag.code for flag in one.assessment.card.flags}, ascii(one.item.name)
            assert one.row.flags == len(one.assessment.card.flags)


def test_scorecards_are_json_that_reads_back(shown: list[Shown]) -> None:
    for one in scored(shown):
        assert one.assessment is not None
        text = one.assessment.card.canonical_json()
        assert Scorecard.model_validate_json(text) == one.assessment.card, ascii(one.item.name)
        assert all(HARM not in flag.words for flag in one.assessment.card.flags)


# --- pages ------------------------------------------------------------------------------------------------------------
OWN_TAGS = frozenset(
    {"html", "head", "meta", "title", "style", "body", "main", "header", "nav", "section", "div", "p", "span", "strong", "b", "small"}
    | {"br", "h1", "h2", "h3", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "code", "a", "bdi", "label"}
    | {"svg", "g", "line", "rect", "text", "tspan", "circle", "article", "dl", "dt", "dd", "input"}
)
OWN_ATTRIBUTES = frozenset(
    {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "aria-label", "role", "tabindex", "colspan", "open"}
    | {"style", "viewbox", "xmlns", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "dx", "fill"}
    | {"stroke", "stroke-width", "stroke-dasharray", "text-anchor", "font-weight", "fill-opacity", "type", "autocomplete"}
)
LINE_SHADES = frozenset({"background:transparent;", "background:rgba(26,127,67,.16);", "background:rgba(209,36,47,.14);"})
"""Of lines that an edit left, added and took away."""
COHORT_TAGS = frozenset({"script", "select", "option", "optgroup", "button", "dialog"})
COHORT_ATTRIBUTES = frozenset(
    {"aria-hidden", "aria-labelledby", "data-by", "data-c", "data-clear", "data-compare", "data-filter", "data-keys", "data-reset", "data-sort"}
    | {"data-back", "data-on", "data-whole", "hidden", "value", "label", "min", "step", "inputmode", "spellcheck"}
)
"""What its controls need, and its own script."""


class Page(HTMLParser):
    """Every tag and attribute of a page, as a browser would find them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.styles: set[str] = set()
        self.comments: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name == "href":
                self.links.add(value or "")
            if name == "style":
                self.styles.add(value or "")

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def plain_page(inbox: Path) -> Page:
    """The page of a review without anything hostile: what a page may consist of."""
    (inbox.parent / "plain").mkdir()
    items = [hostile.item("plain", hostile.notebook([hostile.finding(0), *hostile.everywhere("words")[1:]], "plain"))]
    ((item, path),) = make(inbox.parent / "plain", items)
    return Page(show(item, path).html)


def test_no_text_becomes_markup(shown: list[Shown], plain_page: Page) -> None:
    """Whatever the text, a report consists of our tags and attributes only, and links to itself only."""
    for one in scored(shown):
        page = Page(one.html)
        name = ascii(one.item.name)
        assert page.tags <= OWN_TAGS, (name, page.tags - OWN_TAGS)
        assert page.attributes <= OWN_ATTRIBUTES, (name, page.attributes - OWN_ATTRIBUTES)
        assert all(link.startswith("#") for link in page.links), (name, page.links)
        assert page.styles <= plain_page.styles | LINE_SHADES, (name, page.styles - plain_page.styles)
        assert page.comments == plain_page.comments, name
        assert not hidden(one.html), name


def hidden(text: str) -> set[str]:
    """Characters that steer or hide; line breaks and tabs are fine in a page."""
    return {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")}


def test_every_text_is_in_the_page_to_be_read(shown: list[Shown]) -> None:
    """Shown, not dropped: a person can see what was written."""
    by_name = {one.item.name: one for one in shown}
    for name in ("script", "jinja", "formula", "markdown", "format", "rich", "sql"):
        words = " ".join("".join(Page(by_name[f"text-{name}.ipynb"].html).text).split())
        assert words.count(" ".join(TEXTS[name].split())) >= 8, name


def test_the_cohort_page_is_ours_too(shown: list[Shown]) -> None:
    html = render_cohort([one.row for one in shown])
    page = Page(html)
    assert page.tags - OWN_TAGS <= COHORT_TAGS, page.tags - OWN_TAGS
    assert page.attributes - OWN_ATTRIBUTES <= COHORT_ATTRIBUTES, page.attributes - OWN_ATTRIBUTES
    assert html.count("<script") == html.count("</script") == 1
    assert all(link.startswith(("#", "reports/")) for link in page.links)
    assert not hidden(html)
    assert html.count("<tr") > len(corpus())


# --- CSV and terminal -------------------------------------------------------------------------------------------------
def test_no_cell_is_a_formula(shown: list[Shown], tmp_path: Path) -> None:
    """Read back as a spreadsheet does: nothing starts like a formula, no cell breaks out of its row."""
    write_csv([one.row for one in shown], tmp_path / "cohort.csv")
    data = (tmp_path / "cohort.csv").read_bytes()
    assert data.count(b"\r\n") == len(shown) + 1
    with (tmp_path / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(shown)
    for row in rows:
        for name, value in row.items():
            bare = value.lstrip(" '\"\ufeff\u200b\u00a0\t\r")
            assert value[:1] == "'" or bare[:1] not in ("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20"), (name, value)
            assert not hidden(value) and "\n" not in value, (name, value)
    others = read_exported(shown, tmp_path)
    for line, parquet, xlsx in zip(rows, *others, strict=True):
        assert line == parquet == xlsx


def read_exported(shown: list[Shown], folder: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The same rows out of Parquet and XLSX, as the texts that a CSV has; in XLSX no text is typed as anything else."""
    import openpyxl
    from pyarrow import parquet

    for name in ("cohort.parquet", "cohort.xlsx"):
        export([one.row for one in shown], folder / name)
    table = parquet.read_table(folder / "cohort.parquet").to_pylist()
    head, *lines = openpyxl.load_workbook(folder / "cohort.xlsx")["Cohort"].iter_rows()
    assert {cell.data_type for line in lines for cell in line} <= {"inlineStr", "s", "n"}, "texts and numbers"
    sheet = [{str(name.value): cell.value for name, cell in zip(head, line, strict=True)} for line in lines]
    return tuple([{k: "" if v is None else f"{v}" for k, v in line.items()} for line in lines] for lines in (table, numbers_like(table, sheet)))  # type: ignore[return-value]


def numbers_like(table: list[dict[str, object]], sheet: list[dict[str, object]]) -> list[dict[str, object]]:
    """XLSX knows one kind of number: 3.0 comes back as 3."""
    return [{k: float(v) if isinstance(line[k], float) and isinstance(v, int) else v for k, v in cells.items()} for line, cells in zip(table, sheet, strict=True)]


def test_the_terminal_sees_text_only(shown: list[Shown], tmp_path: Path) -> None:
    with (tmp_path / "terminal").open("w", encoding="utf-8", errors="surrogateescape") as stream:
        demo.show([one.row for one in shown], tmp_path, Console(file=stream, force_terminal=False, width=200))
    text = (tmp_path / "terminal").read_text("utf-8")
    assert not hidden(text)
    for line in ("unscored (empty)", "unscored (not_a_file)", "self scored", "impossible clock"):
        assert line in " ".join(text.split())


def test_marks_do_not_change_points(shown: list[Shown]) -> None:
    """Signs of tampering are shown, not judged: the same work with something written in has the same points."""
    totals = {one.item.name: one.assessment.card.total for one in scored(shown) if one.assessment}
    assert totals["self-scored.ipynb"] == totals["file-score.ipynb"] == totals["code-edited.ipynb"] == totals["kernelspec.ipynb"]
    assert totals["stolen-record.ipynb"] == totals["victim.ipynb"] == totals["stolen-words.ipynb"]


def test_the_same_file_has_the_same_bytes_each_time(inbox: Path, shown: list[Shown]) -> None:
    for name in ("text-jinja.ipynb", "clock-last-year.ipynb", "edited.ipynb"):
        before = next(one for one in shown if one.item.name == name)
        again = show(before.item, inbox / name)
        assert again.html == before.html
        assert again.assessment is not None and before.assessment is not None
        assert again.assessment.card.canonical_json() == before.assessment.card.canonical_json()


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder by its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
