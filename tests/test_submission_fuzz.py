"""Completed notebooks from real browsers, changed at random: one result each, and no change of the record goes unseen."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import hostile_files as hostile
from hostile_reports import bank
from hostile_texts import TEXTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_hostile_files import Page, hidden

from reviewkit.assess import assess
from reviewkit.batchmarks import identity_of
from reviewkit.errors import SubmissionError
from reviewkit.report import render_report
from reviewkit.submission import REASONS, Submission, parse_submission

RUBRICS = Path(__file__).resolve().parent.parent / "rubrics"
NOTEBOOKS = sorted(RUBRICS.glob("*/calibration/*.ipynb"))
SOME = settings().max_examples
"""As often as the option says."""
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]


@cache
def original(path: Path) -> tuple[bytes, Submission]:
    data = path.read_bytes()
    return data, parse_submission(data, path)


@cache
def slim(path: Path) -> str:
    """A notebook without its cells: what is left is what we read."""
    document = json.loads(path.read_bytes())
    document["cells"] = document["cells"][:1]
    return json.dumps(document)


def read(data: bytes, path: Path) -> Submission | None:
    """The submission, or None for a reason; anything else is an error."""
    try:
        found = parse_submission(data, path)
    except SubmissionError as error:
        assert error.reason_code in REASONS
        assert error.sentence.isprintable() and len(error.sentence) < 500
        return None
    assert found.events or found.flags
    assert all(flag.text.isprintable() and flag.text.endswith(".") for flag in found.flags)
    return found


def no_change_goes_unseen(found: Submission | None, before: Submission) -> None:
    """What was read differs from what was recorded only where a mark says so."""
    if found is not None and found.events != before.events:
        assert found.is_tampered
    elif found is not None:
        assert found.state == before.state


PIECES = st.binary(max_size=6) | st.sampled_from(
    [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"null", b"true", b"-1", b"1e999", b"NaN", b"\\ud800", b"\xff", b"\x00", b"\n", b'"score":1,']
)
EDIT = st.tuples(st.sampled_from(["flip", "cut", "insert", "repeat", "swap", "end"]), st.floats(0, 1), st.integers(1, 2_000), PIECES)


def edited(data: bytes, edit: tuple[str, float, int, bytes], whole: bool) -> bytes:
    """One change of bytes; not `whole`: somewhere in our own metadata, which is a small part of a file."""
    kind, where, size, piece = edit
    first = 0 if whole else data.find(b'"reviewkit"')
    at = first + int(where * (len(data) - first - 1))
    match kind:
        case "flip":
            return data[:at] + bytes([data[at] ^ (1 + size % 255)]) + data[at + 1 :]
        case "cut":
            return data[:at] + data[at + size :]
        case "insert":
            return data[:at] + piece + data[at:]
        case "repeat":
            return data[: at + size] + data[at:]
        case "swap":
            return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]
        case _:
            return data[:at]


@settings(deadline=None, suppress_health_check=QUIET)
@given(st.sampled_from(NOTEBOOKS), st.lists(EDIT, min_size=1, max_size=3), st.booleans())
def test_changed_bytes_give_one_result(path: Path, edits: list[tuple[str, float, int, bytes]], whole: bool) -> None:
    data, before = original(path)
    if not whole:
        data = slim(path).encode()
    for edit in edits:
        data = edited(data, edit, whole) if data else data
    no_change_goes_unseen(read(data, path), before)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20) | st.sampled_from(list(TEXTS.values())) | st.sampled_from(["", "finding.added", "2026-02-30T00:00:00.000Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def mutate(document: dict[str, Any], data: st.DataObject) -> None:
    """One change of structure somewhere below our own metadata: replaced, removed, doubled, renamed or exchanged."""
    target: Any = document["metadata"]["reviewkit"]
    while True:
        keys = list(range(len(target))) if isinstance(target, list) else sorted(target)
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and target[key] and data.draw(st.integers(0, 4)):
            target = target[key]
            continue
        break
    kind = data.draw(st.sampled_from(["replace", "remove", "double", "rename", "exchange"]))
    other = data.draw(st.sampled_from(keys))
    if kind == "remove":
        del target[key]
    elif kind == "exchange":
        target[key], target[other] = target[other], target[key]
    elif kind == "double" and isinstance(target, list):
        target.insert(data.draw(st.integers(0, len(target))), copy.deepcopy(target[key]))
    elif kind == "rename" and isinstance(target, dict):
        target[data.draw(st.sampled_from(["score", "__class__", "", "\u202e", "id", "data"]))] = target.pop(key)
    else:
        target[key] = data.draw(VALUES)


@settings(deadline=None, suppress_health_check=QUIET)
@given(st.sampled_from(NOTEBOOKS), st.integers(1, 4), st.data())
def test_changed_structure_gives_one_result(path: Path, changes: int, data: st.DataObject) -> None:
    document = json.loads(slim(path))
    for _ in range(changes):
        if document["metadata"]["reviewkit"]:
            mutate(document, data)
    found = read(json.dumps(document).encode(), path)
    no_change_goes_unseen(found, original(path)[1])
    if found is not None:
        identity_of(found)


@settings(max_examples=max(SOME // 10, 5), deadline=None, suppress_health_check=QUIET)
@given(st.data())
def test_changed_structure_goes_through_the_report(data: st.DataObject) -> None:
    """Whatever is left of a record after some changes can be scored and shown, or has a reason."""
    base = hostile.notebook(hostile.everywhere("words"), "fuzz")
    base["cells"] = []
    for _ in range(data.draw(st.integers(1, 4))):
        if base["metadata"]["reviewkit"]:
            mutate(base, data)
    found = read(json.dumps(base).encode(), Path("a.ipynb"))
    if found is None:
        return
    try:
        scored = assess(found, bank(), None)
    except SubmissionError as error:
        assert error.reason_code in ("unknown_scenario", "other_version")
        return
    html = render_report(scored.card, scored.entry, found, "")
    assert not hidden(html)
    assert not {"script", "img", "iframe", "object", "a-b"} & Page(html).tags
    assert scored.card.canonical_json()
