"""The change as data: what a reader sees must be exactly the two trees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.token import STANDARD_TYPES

from reviewkit.diff import NO_NEWLINE, change_files, file_change, tokens_by_line
from reviewkit.errors import DataError

LINES = st.lists(st.text(alphabet="ab\f\u2028 é=\"'#\t", max_size=6), max_size=12)
TEXTS = st.builds(lambda lines, tail: "\n".join(lines) + tail, LINES, st.sampled_from(["", "\n"]))


def shown(row: list[Any]) -> str:
    return "".join(row[3][1::2]).removesuffix(NO_NEWLINE)


def rebuilt(old: str, change: dict[str, Any], side: str) -> list[str]:
    """One version of a file from the other and the hunks, as `patch` would."""
    lines = old.split("\n") if old else []
    out: list[str] = []
    at = 0
    for hunk in change["hunks"]:
        numbers = [row[1] for row in hunk["rows"] if row[1] is not None]
        start = numbers[0] - 1 if numbers else int(hunk["head"].split("-")[1].split(",")[0])
        out += lines[at:start]
        out += [shown(row) for row in hunk["rows"] if row[0] in (" ", side)]
        at = start + len(numbers)
    return out + lines[at:]


@settings(max_examples=150, deadline=None)
@given(old=TEXTS, new=TEXTS)
def test_old_text_and_hunks_give_the_new_text(old: str, new: str) -> None:
    """Line numbers and texts are those of the files, also around form feeds and U+2028."""
    if old == new:
        return
    change = file_change("any.py", old, new)
    expected = new.split("\n")
    got = rebuilt(old, change, "+")
    assert [line for line in got if line] == [line for line in expected if line]
    for hunk in change["hunks"]:
        for kind, old_no, new_no, tokens in hunk["rows"]:
            assert kind in " +-"
            assert (old_no is None, new_no is None) == (kind == "+", kind == "-")
            text = shown([kind, old_no, new_no, tokens])
            if kind != "+":
                assert old.split("\n")[old_no - 1] == text
            if kind != "-":
                assert new.split("\n")[new_no - 1] == text


@settings(max_examples=100, deadline=None)
@given(text=TEXTS, name=st.sampled_from(["a.py", "a.ts", "a.yaml", "a.unknown", "Makefile"]))
def test_tokens_of_a_line_join_to_the_line(text: str, name: str) -> None:
    lines = tokens_by_line(name, text)
    assert ["".join(tokens[1::2]) for tokens in lines] == text.split("\n")
    assert {cls for tokens in lines for cls in tokens[::2]} <= set(STANDARD_TYPES.values())


def test_a_hunk_that_begins_inside_a_docstring_is_still_a_docstring() -> None:
    old = '"""First.\n\n' + "".join(f"line {n} of the text\n" for n in range(20)) + '"""\n'
    change = file_change("a.py", old, old.replace("line 10 of", "row 10 of"))
    classes = {tuple(row[3][::2]) for row in change["hunks"][0]["rows"]}
    assert classes == {("sd",)}


def test_counts_numbers_and_heading_of_a_hunk() -> None:
    body = "".join(f"    step({n})\n" for n in range(12))
    change = file_change("a.py", f"def first():\n{body}", f"def first():\n{body.replace('step(9)', 'leap(9)')}")
    assert (change["status"], change["added"], change["removed"]) == ("modified", 1, 1)
    (hunk,) = change["hunks"]
    assert hunk["head"] == "@@ -8,6 +8,6 @@ def first():"
    assert [row[0] for row in hunk["rows"]] == [" ", " ", " ", "-", "+", " ", " "]
    assert [row[1:3] for row in hunk["rows"]][3:5] == [[11, None], [None, 11]]


def test_added_and_removed_files_and_a_missing_last_line_break() -> None:
    assert file_change("a.txt", None, "x\n")["hunks"] == [{"head": "@@ -0,0 +1,1 @@", "rows": [["+", None, 1, ["", "x"]]]}]
    assert file_change("a.txt", "x\ny\n", None)["status"] == "removed"
    rows = file_change("a.txt", "x\n", "x")["hunks"][0]["rows"]
    assert rows == [["-", 1, None, ["", "x"]], ["+", None, 1, ["", "x", "go", NO_NEWLINE]]]


def test_files_come_from_two_trees_in_the_order_given(tmp_path: Path) -> None:
    for tree, files in {"base": {"b.py": "b = 1\r\n"}, "head": {"b.py": "b = 2\n", "a.py": "a = 1\n"}}.items():
        for name, text in files.items():
            path = tmp_path / tree / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(text.encode())
    files = change_files(tmp_path / "base", tmp_path / "head", ["b.py", "a.py"])
    assert [(file["path"], file["status"]) for file in files] == [("b.py", "modified"), ("a.py", "added")]


@pytest.mark.parametrize(("base", "head", "said"), [(None, None, "neither tree"), (b"x", b"x", "the same"), (b"\xff", b"x", "not UTF-8")])
def test_a_file_that_cannot_be_shown_is_named_with_the_next_step(tmp_path: Path, base: bytes | None, head: bytes | None, said: str) -> None:
    for tree, content in {"base": base, "head": head}.items():
        (tmp_path / tree).mkdir()
        if content is not None:
            (tmp_path / tree / "a.py").write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        change_files(tmp_path / "base", tmp_path / "head", ["a.py"])
    assert str(caught.value).startswith("a.py: ")
    assert caught.value.next_step
