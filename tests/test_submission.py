"""Promises of reading a submission: one result per file, whatever the file is; tampering is named, not punished."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_records import (
    CANDIDATE,
    CLOSED,
    JOINED,
    OPENED,
    RECORD,
    SAMPLES,
    SHARED,
    SLUG,
    SUBMITTED,
    VERSION,
    chain,
    completed,
    remark,
)

from reviewkit.errors import DataError, SubmissionError
from reviewkit.outfolder import OutFolder
from reviewkit.submission import REASONS, SIZE_MAX, Submission, belonging_to, parse_submission, read_submission

NAME = Path("inbox/c-17.ipynb")


def parse(notebook: object) -> Submission:
    return parse_submission(json.dumps(notebook).encode(), NAME)


def reason(data: bytes) -> str:
    with pytest.raises(SubmissionError) as caught:
        parse_submission(data, NAME)
    assert caught.value.sentence.startswith("c-17.ipynb: ")
    assert caught.value.sentence.endswith(".")
    assert caught.value.sentence.isprintable()
    assert len(caught.value.sentence) < 400
    return caught.value.reason_code


def test_a_completed_notebook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps(completed(chain(SAMPLES))))
    submission = read_submission(path)
    assert (submission.slug, submission.version, submission.candidate, submission.record_id) == (
        SLUG,
        VERSION,
        CANDIDATE,
        RECORD,
    )
    assert submission.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert submission.path == path
    assert list(submission.events) == chain(SAMPLES)
    assert submission.state.finding("f1").body == "blocks the event loop"
    assert submission.flags == ()
    assert not submission.is_tampered
    assert pickle.loads(pickle.dumps(submission)) == submission  # noqa: S301


def test_a_byte_order_mark_is_allowed() -> None:
    data = b"\xef\xbb\xbf" + json.dumps(completed(chain(SAMPLES))).encode()
    assert parse_submission(data, NAME).state.events_n == len(SAMPLES)


def test_cells_outputs_and_foreign_metadata_are_not_looked_at() -> None:
    """Whatever other tools put there is neither validated nor a reason to refuse."""
    notebook = completed(chain(SAMPLES))
    notebook["cells"] = [None, 3, {"outputs": [{"data": {"text/html": "<script>"}}]}, "x"]
    notebook["metadata"]["widgets"] = {"state": [1, 2]}
    assert parse(notebook).flags == ()


BIG = b'{"a": [' + b"[]," * 800_000 + b"[]]}"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{}".ljust(SIZE_MAX + 1), "too_large"),
        (b"\xff\xfe{\x00}\x00", "not_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "not_utf8"),
        (b"\x00", "not_json"),
        (b"hello", "not_json"),
        (b'{"a": 1', "not_json"),
        (b'{"a": 1} {"b": 2}', "not_json"),
        (b'{"a": 1, "a": 2}', "not_json"),
        (b'{"a": NaN}', "not_json"),
        (b'{"a": [1e999]}', "not_json"),
        (b'{"a": -Infinity}', "not_json"),
        (b'{"a": "\\ud800"}', "not_json"),
        (b'{"\\udfff": 1}', "not_json"),
        (b'{"a": ' + b"9" * 100 + b"}", "not_json"),
        (b'{"a": 0.' + b"9" * 100 + b"}", "not_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not_json"),
        (b"[" * 2_000_000, "not_json"),
        (b'{"a":' * 1_000_000, "not_json"),
        (b"[" * 61 + b"]" * 61, "not_json"),
        (BIG, "not_json"),
        (b'"' + b'\\"' * 5_000_000, "not_json"),
        (b'"" ' * 5_000_000, "not_json"),
        (b'"\\', "not_json"),
        (b"null", "not_a_notebook"),
        (b"[]", "not_a_notebook"),
        (b"3", "not_a_notebook"),
        (b"{}", "not_a_notebook"),
        (b'{"nbformat": 3, "metadata": {}, "worksheets": []}', "not_a_notebook"),
        (b'{"nbformat": 4, "metadata": {}, "cells": {}}', "not_a_notebook"),
        (b'{"nbformat": true, "metadata": {}, "cells": []}', "not_a_notebook"),
        (b'{"nbformat": 4, "metadata": [], "cells": []}', "not_a_notebook"),
        (b'{"nbformat": 4, "metadata": {}, "cells": []}', "foreign"),
        (b'{"nbformat": 4, "metadata": {"reviewkit": null}, "cells": []}', "foreign"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value[:12]!r}-{len(value)}",
)
def test_what_is_no_submission_has_a_reason(data: bytes, code: str) -> None:
    assert reason(data) == code


def altered(**changes: object) -> bytes:
    """A completed notebook with parts of its own metadata replaced; `record__id` means `id` of `record`."""
    notebook = completed(chain(SAMPLES))
    for place, value in changes.items():
        *steps, last = place.split("__")
        target: Any = notebook["metadata"]["reviewkit"]
        for step in steps:
            target = target[step]
        target[last] = value
    return json.dumps(notebook).encode()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"schema": 0}, "older_schema"),
        ({"schema": 2}, "newer_schema"),
        ({"schema": 10**40}, "newer_schema"),
        ({"schema": "1"}, "record_invalid"),
        ({"schema": True}, "record_invalid"),
        ({"record": None}, "record_missing"),
        ({"record": {}}, "record_missing"),
        ({"record__events": []}, "record_missing"),
        ({"record": []}, "record_invalid"),
        ({"record": "x"}, "record_invalid"),
        ({"record__events": None}, "record_invalid"),
        ({"record__events": {"0": {}}}, "record_invalid"),
        ({"record__events": [None]}, "record_invalid"),
        ({"record__events": [None, 0, {}, {"seq": 1}]}, "record_invalid"),
        ({"record__id": "../x"}, "record_invalid"),
        ({"record__candidate": "=cmd|' /C calc'!A0"}, "record_invalid"),
        ({"record__candidate": 7}, "record_invalid"),
        ({"slug": "../demo"}, "record_invalid"),
        ({"slug": None}, "record_invalid"),
        ({"version": "1"}, "record_invalid"),
        ({"record__events": [{}] * 50_001}, "record_invalid"),
    ],
)
def test_what_is_no_record_has_a_reason(changes: dict[str, object], code: str) -> None:
    assert reason(altered(**changes)) == code


def test_an_untouched_workbook_holds_no_record() -> None:
    notebook = completed([])
    assert reason(json.dumps(notebook).encode()) == "record_missing"
    del notebook["metadata"]["reviewkit"]["record"]
    assert reason(json.dumps(notebook).encode()) == "record_missing"


@pytest.mark.parametrize(
    ("tamper", "codes"),
    [
        (lambda e: e[2]["data"].update(body="better"), {"edited"}),
        (lambda e: e[2].update(hash="0" * 64), {"edited", "broken_chain"}),
        (lambda e: e.pop(2), {"missing", "broken_chain", "head_differs"}),
        (lambda e: e.insert(2, copy.deepcopy(e[1])), {"doubled", "doubled_op", "broken_chain", "head_differs"}),
        (lambda e: e.pop(), {"head_differs", "not_submitted"}),
        (lambda e: e[2].update(score=100), {"event_invalid", "missing", "broken_chain", "self_scored"}),
        (lambda e: e[2]["data"].update(score=100), {"event_invalid", "missing", "broken_chain", "self_scored"}),
        (lambda e: e[2].update(t="2026-02-30T10:00:00.000Z"), {"event_invalid", "missing", "broken_chain"}),
        (lambda e: e[2].update(kind="rubric.changed"), {"event_invalid", "missing", "broken_chain"}),
        (lambda e: e[2].update(seq=10**30), {"event_invalid", "missing", "broken_chain"}),
        (lambda e: e.insert(2, None), {"event_invalid", "head_differs"}),
        (lambda e: e.insert(2, [[]]), {"event_invalid", "head_differs"}),
    ],
)
def test_tampering_is_named_and_does_not_void(tamper: Callable[[list[Any]], object], codes: set[str]) -> None:
    notebook = completed(chain(SAMPLES))
    tamper(notebook["metadata"]["reviewkit"]["record"]["events"])
    submission = parse(notebook)
    assert {flag.code for flag in submission.flags} == codes
    assert submission.is_tampered
    assert all(flag.text.endswith(".") and flag.text.isprintable() for flag in submission.flags)
    assert submission.state.claims["c1"].verdict == "not shown"


def test_a_wrong_event_voids_itself_only() -> None:
    """A place that is none, a type that is wrong: that finding is out, the others count."""
    notebook = completed(chain([OPENED, remark("f1"), remark("f2"), remark("f3"), SUBMITTED]))
    events = notebook["metadata"]["reviewkit"]["record"]["events"]
    events[1]["data"].update(line=9, end_line=3)
    events[2]["data"].update(line="three")
    submission = parse(notebook)
    assert [f.id for f in submission.state.findings] == ["f3"]
    assert [flag.code for flag in submission.flags][:2] == ["event_invalid", "event_invalid"]


def test_what_was_written_in_is_ignored_and_named() -> None:
    submission = parse_submission(altered(score=100, record__verdict="hire", record__rubric="SECRET-WORDS"), NAME)
    assert [flag.code for flag in submission.flags] == ["unknown_keys", "self_scored"]
    assert "3 keys" in submission.flags[0].text
    assert "3 entries" in submission.flags[1].text
    assert not any("SECRET" in flag.text for flag in submission.flags)


def test_contradictions_are_named() -> None:
    assert [f.code for f in parse_submission(altered(slug="other"), NAME).flags] == ["scenario_differs"]
    assert [f.code for f in parse_submission(altered(record__count=3), NAME).flags] == ["head_differs"]
    unfinished = parse(completed(chain([OPENED, remark(), CLOSED, remark(kind="finding.edited", body="later")])))
    assert [f.code for f in unfinished.flags] == ["not_submitted", "edited_late"]
    assert not unfinished.is_tampered
    again = parse(completed(chain([OPENED, SUBMITTED, remark()])))
    assert [f.code for f in again.flags] == ["changed_after_submit"]
    together = parse(completed(chain([OPENED, SHARED, remark(), SUBMITTED, ("focus.ended", {})])))
    assert [(f.code, f.seq, f.is_tampering) for f in together.flags] == [("shared", 2, False)]
    unasked = parse(completed(chain([OPENED, JOINED, remark(), SUBMITTED])))
    assert [(f.code, f.seq) for f in unasked.flags] == [("shared", 2)]


def test_thousands_of_faults_give_some_flags() -> None:
    notebook = completed(chain(SAMPLES))
    notebook["metadata"]["reviewkit"]["record"]["events"] += [{}] * 5000
    flags = parse(notebook).flags
    assert len(flags) <= 60
    assert {"more_flags", "head_differs"} <= {flag.code for flag in flags}


def test_what_is_no_file_has_a_reason(tmp_path: Path) -> None:
    """A link, a folder, a pipe, a device, nothing: none of them is opened and waited for."""
    real = tmp_path / "real.ipynb"
    real.write_text(json.dumps(completed(chain(SAMPLES))))
    (tmp_path / "link.ipynb").symlink_to(real)
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "loop.ipynb").symlink_to("loop.ipynb")
    for name in ("link", "folder", "pipe", "loop", "none", "a" * 300):
        with pytest.raises(SubmissionError) as caught:
            read_submission(tmp_path / f"{name}.ipynb")
        assert caught.value.reason_code == "not_a_file"
    with pytest.raises(SubmissionError) as caught:
        read_submission(Path("/dev/zero"))
    assert caught.value.reason_code == "not_a_file"


def test_a_huge_sparse_file_is_never_read(tmp_path: Path) -> None:
    path = tmp_path / "big.ipynb"
    path.touch()
    os.truncate(path, 10 * 2**30)
    started = time.monotonic()
    with pytest.raises(SubmissionError) as caught:
        read_submission(path)
    assert caught.value.reason_code == "too_large"
    assert time.monotonic() - started < 1


def test_a_name_cannot_break_a_line_or_a_terminal(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\x1b[31m\n\xff\xe2\x80\xae.ipynb"))
    path.write_bytes(b"")
    with pytest.raises(SubmissionError) as caught:
        read_submission(path)
    assert caught.value.sentence.isprintable()
    assert pickle.loads(pickle.dumps(caught.value)).sentence == caught.value.sentence  # noqa: S301


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_hostile_files_cost_little(tmp_path: Path) -> None:
    """Every one of them within 400 MB and 20 seconds, in a process of its own."""
    files = {
        "deep": b"[" * 29_000_000,
        "flat": b"[" + b"0," * 14_000_000 + b"0]",
        "keys": b"{" + b",".join(b'"%d":1' % n for n in range(1_500_000)) + b"}",
        "quotes": b'"' * 29_000_000,
        "escapes": b'"' + b"\\" * 29_000_000,
        "text": b'"' + b"x" * 29_000_000 + b'"',
        "wide": b'"' + "\U0001f600".encode() * 7_000_000 + b'"',
    }
    code = (
        "import resource, sys, time; from pathlib import Path\n"
        "from reviewkit.errors import SubmissionError; from reviewkit.submission import read_submission\n"
        "resource.setrlimit(resource.RLIMIT_AS, (900_000_000, 900_000_000))\n"
        "try: read_submission(Path(sys.argv[1]))\n"
        "except SubmissionError as error: print(error.reason_code)\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        "print(int(status['VmHWM'].split()[0]) // 1024, round(time.process_time()))"
    )
    for name, data in files.items():
        path = tmp_path / f"{name}.ipynb"
        path.write_bytes(data)
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        reason_code, peak, seconds = done.stdout.split()
        assert reason_code in ("not_json", "not_a_notebook"), name
        assert int(peak) < 400, (name, peak)
        assert int(seconds) < 20, (name, seconds)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b'{"nbformat":4,"cells":[],"metadata":{"reviewkit":{"schema":1,"record":{"events":[0]}}}}')
def test_any_bytes_give_one_result(data: bytes) -> None:
    try:
        parse_submission(data, NAME)
    except SubmissionError as error:
        assert error.reason_code in REASONS


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_value_anywhere_in_our_metadata_gives_one_result(data: st.DataObject) -> None:
    """One place of a sound record replaced by any JSON: a submission or a reason, never another error."""
    notebook = completed(chain(SAMPLES))
    target: Any = notebook["metadata"]
    while True:
        keys = list(range(len(target))) if isinstance(target, list) else list(target)
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and target[key] and data.draw(st.booleans()):
            target = target[key]
            continue
        target[key] = data.draw(JSON)
        break
    try:
        submission = parse(notebook)
    except SubmissionError as error:
        assert error.reason_code in REASONS
        assert str(error).isprintable()
    else:
        assert submission.events
        assert all(flag.text.isprintable() for flag in submission.flags)


def test_the_invite_decides_whose_a_submission_is_and_says_where_the_file_differs(tmp_path: Path) -> None:
    events = chain([OPENED, SUBMITTED])
    unnamed, other = (parse(completed(events, candidate=name)) for name in ("", "c-9"))
    assert belonging_to(unnamed, ()) == unnamed, "unknown stays unknown: a file alone proves nothing"
    known = belonging_to(unnamed, ["c-4"])
    assert (known.candidate, [flag.code for flag in known.flags], known.is_tampered) == ("c-4", ["candidate_missing"], False)
    taken = belonging_to(other, ["c-4"])
    assert (taken.candidate, [flag.code for flag in taken.flags], taken.is_tampered) == ("c-4", ["candidate_differs"], True)
    assert "c-9" not in taken.flags[0].text
    assert belonging_to(other, ["c-9"]) == other
    folder = OutFolder(tmp_path / "out")
    for candidate in ("c-4", "c-5", "c-4"):
        folder.know_owner(other.sha256, candidate)
    both = folder.owned(other)
    assert (both.candidate, [flag.code for flag in both.flags]) == ("", ["several_invites"])
    folder.owner_file(other.sha256).write_text('["<script>"]')
    with pytest.raises(DataError, match="whose a submission is"):
        folder.owned(other)
