"""`%view`: a file of the workspace as it is read."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from reviewkit.runtimes.fileview import MOST_CHARACTERS, MOST_LINES, view
from reviewkit.runtimes.magics import _read, register

SOURCE = "export const a: string = '<b>&amp;';\n\n// one </pre><script>alert(1)</script>\n"


class Seen(HTMLParser):
    """Elements and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def drawn(bundle: dict[str, str]) -> Seen:
    seen = Seen()
    seen.feed(re.sub(r"<style>.*?</style>", "", bundle["text/html"]))
    return seen


def test_lines_are_numbered_coloured_and_escaped() -> None:
    bundle = view("src/a.ts", SOURCE)
    seen = drawn(bundle)
    assert bundle["text/plain"] == SOURCE
    assert set(seen.tags) == {"details", "summary", "pre", "span"}
    assert seen.text == "src/a.ts, 3 lines" + "\n".join(f"{n}  {line}" for n, line in enumerate(SOURCE.splitlines(), 1))
    coloured = {unescape(word): short for short, word in re.findall(r'<span class="rk-(\w+)">([^<]*)</span>', bundle["text/html"])}
    assert coloured["export"].startswith("k") and coloured["'<b>&amp;'"].startswith("s")
    assert all(f".rk-{short}" in bundle["text/html"].split("</style>")[0] for short in set(coloured.values()) if short[0] in "ksc")


@pytest.mark.parametrize(("name", "text", "words"), [("a.ts", "", "a.ts, 0 lines"), ("no ending", "x", "no ending, 1 line1  x"), ("a.java", "int a", "a.java, 1 line1  int a")])
def test_any_text_is_drawn(name: str, text: str, words: str) -> None:
    assert drawn(view(name, text)).text == words


def test_a_long_file_is_cut_and_says_so() -> None:
    bundle = view("a.txt", "x\n" * (MOST_LINES + 3))
    assert drawn(bundle).text.endswith("\n5000  x\n... 3 more lines")
    assert bundle["text/plain"] == "x\n" * MOST_LINES + "... 3 more lines"


def test_a_file_of_any_size_is_read_and_drawn_in_part(tmp_path: Path) -> None:
    """Cut before it is coloured; the file itself is not read on."""
    with (tmp_path / "a.txt").open("wb") as file:
        file.write(b"y\n" + b"x=1;" * MOST_CHARACTERS)
        file.truncate(1 << 36)
    bundle = view("a.js", _read(tmp_path, "a.txt"))
    assert bundle["text/plain"].endswith("x=\n... cut after 500,000 characters")
    assert drawn(bundle).text.startswith("a.js, 2 lines or more1  y\n2  x=1;x")
    assert all(len(data) < MOST_CHARACTERS + 5_000 for data in bundle.values())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "%view: name one file."), ("a b", "%view: name one file."), ("../a", "'../a' is no file of the workspace."), ('"', "%view: No closing quotation"),
        ("none.ts", "none.ts cannot be read (No such file or directory)."), ("src", "src cannot be read (Is a directory)."), ("bytes", "bytes is no text."),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_in_one_line(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "bytes").write_bytes(b"\xff")
    shell = InteractiveShell()
    register(shell, lambda: tmp_path)
    with capture_output() as seen:
        shell.run_line_magic("view", line)
    assert seen.stdout.startswith(words) and seen.stdout.count("\n") == 1


def test_a_cell_shows_a_file_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.ts").write_text(SOURCE)
    shell = InteractiveShell()
    register(shell, lambda: tmp_path)
    shell.display_pub = CapturingDisplayPublisher()
    shell.run_line_magic("view", "src/a.ts")
    (output,) = shell.display_pub.outputs
    assert output["data"] == view("src/a.ts", SOURCE)
