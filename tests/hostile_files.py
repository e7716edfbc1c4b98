"""The corpus of hostile files: made by code, the same on every run, none of them a blob in the repository.

Each item says how to make one file and what reading it must give: a reason code, or the marks of a submission that is scored.
"""

from __future__ import annotations

import io
import json
import os
import socket
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import made_submissions as made
from hostile_texts import HARM, OUTSIDE, TEXTS

from reviewkit.record import Head, append_event, notebook_metadata

SLUG = made.SLUG
DAY = "2026-11-22"
Steps = list[tuple[str, dict[str, Any]]]
Json = dict[str, Any]


@dataclass(frozen=True)
class Hostile:
    """One hostile file."""

    name: str
    """Of the file, as `os.fsdecode` gives it."""
    make: Callable[[Path], object]
    """Puts the file at a path."""
    reason: str = ""
    """Reason code; empty when it is scored."""
    marks: frozenset[str] = frozenset()
    """Codes that must be among the marks of one that is scored."""


# --- making notebooks -------------------------------------------------------------------------------------------------
SEEN = {**made.SEEN, "id": "f0", "side": "R", "after_exercises": False}


def finding(number: int = 0, **changed: Any) -> tuple[str, Json]:
    return "finding.added", {**SEEN, "id": f"f{number}", **changed}


def notebook(
    steps: Iterable[tuple[str, Json]], candidate: str = "h-1", record: str = "", time: Callable[[int], str] | None = None
) -> Json:
    """A completed notebook of a chain that is sound; op ids and times belong to its candidate."""
    record = record or f"rec-{candidate.encode().hex()}"
    head, events = Head(), []
    opened = ("workbook.opened", {"slug": SLUG, "version": "1.0.0", "client": "test"})
    for number, (kind, data) in enumerate([opened, *steps, ("workbook.submitted", {})]):
        clock = time(number) if time else f"{DAY}T{10 + number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000Z"
        event = append_event(head, op=f"{record[:40]}-{number}", kind=kind, data=data, t=clock)
        events.append(event)
        head = Head(event.seq, event.hash)
    document: Json = json.loads((made.ROOT / "notebooks" / f"{SLUG}.ipynb").read_text("utf-8"))
    document["metadata"]["reviewkit"] = notebook_metadata(SLUG, "1.0.0", record, candidate, events)
    return document


def everywhere(text: str) -> Steps:
    """A review that holds a text in every field that takes one."""
    return [
        finding(0, body=text, why=text, fix=text),
        finding(1, file=None, side=None, line=None, end_line=None, body=f"x {text}"),
        finding(2, file="txservice/none.py", body=text, why=text),
        ("claim.judged", {"claim": "c1", "verdict": "false", "why": text}),
        ("probe.run", {"probe": "again", "tree": "head", "verdict": text[:8000]}),
        ("evidence.run", {"id": "e1", "finding": "f0", "code": text, "outcome": "fails", "seen": text[:8000]}),
        ("evidence.run", {"id": "e2", "finding": "f2", "code": text, "outcome": "fails", "seen": ""}),
        ("evidence.run", {"id": "e3", "finding": "none", "code": text, "outcome": "error", "seen": ""}),
        ("review.closed", {}),
        ("exercise.edited", {"exercise": "mend", "file": "txservice/models.py", "text": text}),
        ("exercise.edited", {"exercise": "mend", "file": "new/file.py", "text": text}),
        ("exercise.run", {"exercise": "mend", "results": [{"check": "kept", "passed": True, "seen": text[:8000]}]}),
        ("exercise.answered", {"exercise": "explain", "answer": {"text": text}}),
        ("exercise.answered", {"exercise": "other", "answer": dict.fromkeys(("cause", "evidence", "fix", "trade_off"), text)}),
        ("verdict.given", {"decision": "block", "summary": text, "top": ["f0", "f1"]}),
    ]


def stored(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def item(name: str, data: bytes | Json, reason: str = "", *marks: str) -> Hostile:
    """A plain file."""
    return Hostile(f"{name}.ipynb", write(data if isinstance(data, bytes) else stored(data)), reason, frozenset(marks))


def with_own(change: Callable[[Json], object], steps: Steps | None = None) -> Json:
    """A sound notebook with its own metadata changed."""
    document = notebook(steps if steps is not None else [finding()])
    change(document["metadata"]["reviewkit"])
    return document


# --- groups -----------------------------------------------------------------------------------------------------------
def not_json() -> list[Hostile]:
    good = stored(notebook([finding()]))
    deep = b'{"nbformat":4,"metadata":' + b'{"a":' * 900_000
    return [
        item("empty", b"", "empty"),
        item("spaces", b" \n\t", "empty"),
        item("truncated", good[: len(good) // 2], "not_json"),
        item("binary", bytes(range(256)), "not_utf8"),
        item("utf-16", good[:2000].decode().encode("utf-16"), "not_utf8"),
        item("latin-1", "{'a': 'Grö\u00dfe'}".encode("latin-1"), "not_utf8"),
        item("surrogate-bytes", b'{"a":"\xed\xa0\x80"}', "not_utf8"),
        item("half-character", b'{"nbformat":4,"a":"\\ud83d"}', "not_json"),
        item("nan", b'{"nbformat":NaN}', "not_json"),
        item("infinity", b'{"nbformat":4,"metadata":{"a":1e999},"cells":[]}', "not_json"),
        item("long-number", b'{"nbformat":' + b"9" * 4_000_000 + b"}", "not_json"),
        item("doubled-key", good.replace(b'"nbformat"', b'"nbformat": 3, "nbformat"', 1), "not_json"),
        item("two-documents", good + good, "not_json"),
        item("python", b"import os; os.system('id')", "not_json"),
        item("pickle", b"cos\nsystem\n(S'id'\ntR.", "not_json"),
        item("yaml", b"!!python/object/apply:os.system ['id']", "not_json"),
        item("deep-lists", b"[" * 20_000_000, "not_json"),
        item("deep-objects", deep, "not_json"),
        item("deep-valid", b"[" * 200 + b"]" * 200, "not_json"),
        item("wide", b'{"a":[' + b"0," * 9_000_000 + b"0]}", "not_json"),
        item("open-string", b'"' + b'\\"' * 9_000_000, "not_json"),
        item("html", f"<!doctype html><script>{HARM}</script>".encode(), "not_json"),
        item("xml-bomb", b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', "not_json"),
        Hostile("zip.ipynb", lambda path: path.write_bytes(_zip()), "not_utf8"),
        Hostile("tar.ipynb", lambda path: path.write_bytes(_tar()), "not_json"),
        Hostile("gzip.ipynb", lambda path: path.write_bytes(_bomb()), "not_utf8"),
    ]


def _zip() -> bytes:
    """An archive with a traversal, an absolute name and a link."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(zipfile.ZipInfo("../../outside.txt"), "x")
        archive.writestr(zipfile.ZipInfo("/outside.txt"), "x" * 100)
        link = zipfile.ZipInfo("link.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return whole.getvalue() + b"\xff"


def _tar() -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, kind, target in (
            ("../../outside.txt", tarfile.REGTYPE, ""), ("link.ipynb", tarfile.SYMTYPE, "/etc/passwd"),
            ("hard.ipynb", tarfile.LNKTYPE, "/etc/passwd"), ("device.ipynb", tarfile.CHRTYPE, ""), ("pipe", tarfile.FIFOTYPE, ""),
        ):  # fmt: skip
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    return whole.getvalue()


def _bomb() -> bytes:
    import gzip

    return gzip.compress(b"0" * 50_000_000, mtime=0)


def wrong_shapes() -> list[Hostile]:
    def top(**changed: Any) -> Json:
        return {**notebook([finding()]), **changed}

    def own(**changed: Any) -> Json:
        return with_own(lambda m: m.update(changed))

    def record(**changed: Any) -> Json:
        return with_own(lambda m: m["record"].update(changed))

    return [
        item("null", b"null", "not_a_notebook"),
        item("list", b"[[]]", "not_a_notebook"),
        item("format-3", top(nbformat=3), "not_a_notebook"),
        item("format-true", top(nbformat=True), "not_a_notebook"),
        item("format-99", top(nbformat=99), "not_a_notebook"),
        item("cells-object", top(cells={"0": {}}), "not_a_notebook"),
        item("metadata-list", top(metadata=[]), "not_a_notebook"),
        item("no-metadata", {"nbformat": 4, "cells": []}, "not_a_notebook"),
        item("foreign", {"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": {}}, "foreign"),
        item("own-list", top(metadata={"reviewkit": []}), "foreign"),
        item("schema-old", own(schema=0), "older_schema"),
        item("schema-new", own(schema=10**60), "newer_schema"),
        item("schema-text", own(schema="1"), "record_invalid"),
        item("slug-path", own(slug="../transactions"), "record_invalid"),
        item("slug-unknown", own(slug="no-such-thing"), "unknown_scenario"),
        item("version-other", own(version="9.9.9"), "other_version"),
        item("version-text", own(version="1.0.0; rm -rf /"), "record_invalid"),
        item("record-text", own(record="x"), "record_invalid"),
        item("record-none", own(record=None), "record_missing"),
        item("events-object", record(events={"0": {}}), "record_invalid"),
        item("events-none", record(events=[]), "record_missing"),
        item("id-path", record(id="../../outside"), "record_invalid"),
        item("id-long", record(id="x" * 5000), "record_invalid"),
        item("candidate-markup", record(candidate="<script>"), "record_invalid"),
        item("candidate-formula", record(candidate="=1+1|x"), "record_invalid"),
        item("candidate-homoglyph", record(candidate="c-\u0430"), "record_invalid"),
        item("candidate-long", record(candidate="x" * 81), "record_invalid"),
        item("candidate-plus", notebook([finding()], "+cmd-1"), ""),
        item("candidate-at", notebook([finding()], "@SUM-1"), ""),
        item("events-shapes", with_own(_insert_shapes), "", "event_invalid"),
        item("events-only-wrong", record(events=[None, [], 7, "x", {}]), "record_invalid"),
        item("events-50001", record(events=[0] * 50_001), "record_invalid"),
        item("count-text", record(count="many", head={}), "", "head_differs"),
    ]


def _insert_shapes(own: Json) -> None:
    own["record"]["events"][1:1] = [None, 3, "x", [], {"seq": {}}, {"kind": ["x"]}, [[[]]], True, 1.5]


def tampered() -> list[Hostile]:
    def events(change: Callable[[list[Json]], object]) -> Json:
        return with_own(lambda m: change(m["record"]["events"]), [finding(0), finding(1, body="Second thing"), ("review.closed", {})])

    def resigned(document: Json) -> Json:
        """Hashes made again, as somebody does who knows the format."""
        record = document["metadata"]["reviewkit"]["record"]
        steps = [(e["kind"], e["data"]) for e in record["events"]][1:-1]
        return notebook(steps, "h-forged", "forged")

    return [
        item("edited", events(lambda e: e[1]["data"].update(body="better words")), "", "edited"),
        item("removed", events(lambda e: e.pop(1)), "", "missing", "broken_chain"),
        item("doubled", events(lambda e: e.insert(2, e[1])), "", "doubled", "doubled_op"),
        item("swapped", events(lambda e: e.insert(1, e.pop(2))), "", "broken_chain"),
        item("cut-off", events(lambda e: e.pop()), "", "head_differs", "not_submitted"),
        item("all-hashes-zero", events(lambda e: [x.update(hash="0" * 64, prev="0" * 64) for x in e]), "", "edited"),
        item("forged-whole", resigned(events(lambda e: e[1]["data"].update(body="better words")))),
        item("kind-made-up", events(lambda e: e[1].update(kind="rubric.changed")), "", "event_invalid"),
        item("kind-constructor", events(lambda e: e[1].update(kind="__class__")), "", "event_invalid"),
        item("seq-huge", events(lambda e: e[1].update(seq=2**53)), "", "event_invalid"),
        item("line-reversed", events(lambda e: e[1]["data"].update(line=90, end_line=3)), "", "event_invalid"),
        item("line-text", events(lambda e: e[1]["data"].update(line="twenty")), "", "event_invalid"),
        item("line-float", events(lambda e: e[1]["data"].update(line=20.5)), "", "event_invalid"),
        item("file-traversal", events(lambda e: e[1]["data"].update(file="../../etc/passwd")), "", "event_invalid"),
        item("time-none", events(lambda e: e[1].update(t="2026-13-45T99:99:99.999Z")), "", "event_invalid"),
        item("time-digits", events(lambda e: e[1].update(t="\u0662\u0660\u0662\u0666-01-01T00:00:00.000Z")), "", "event_invalid"),
        item("self-scored", with_own(lambda m: m.update(score=100, verdict="hire", rubric={"weights": {"detection": 100}})), "", "self_scored", "unknown_keys"),
        item("self-scored-record", with_own(lambda m: m["record"].update({"Points-Max": 1, "gates": ["pass"]})), "", "self_scored"),
        item("self-scored-event", events(lambda e: e[1]["data"].update(score=5)), "", "self_scored"),
        item("scenario-other", with_own(lambda m: m["record"]["events"][0]["data"].update(slug="stock")), "", "scenario_differs", "edited"),
        item("clock-back", notebook([finding(0), finding(1)], "h-back", time=lambda n: f"{DAY}T{20 - n:02d}:00:00.000Z"), "", "impossible_clock"),
        item("clock-early", notebook([finding(0)], "h-early", time=lambda n: f"1970-01-01T00:00:{n:02d}.000Z"), "", "impossible_clock"),
        item("clock-first-year", notebook([finding(0)], "h-year", time=lambda n: f"0001-01-01T00:00:{n:02d}.000Z"), "", "impossible_clock"),
        item("clock-last-year", notebook([finding(0)], "h-late", time=lambda n: f"9999-12-31T23:59:{n:02d}.999Z")),
        item("clock-instant", notebook([("probe.run", {"probe": f"p{n}", "tree": "head", "verdict": ""}) for n in range(150)], "h-instant", time=lambda _n: f"{DAY}T10:00:00.000Z"), "", "impossible_clock"),
    ]  # fmt: skip


def large() -> list[Hostile]:
    words = ["insert", "conflict", "swallowed", "caller", "told", "worked", "nothing", "inserted", "row", "count", "answer"]

    def remark(n: int) -> str:
        return " ".join(words[(n * 7 + k * (n % 5 + 1)) % len(words)] for k in range(12)) + f" {n}"

    return [
        item("remarks-300", notebook([finding(n, body=remark(n)) for n in range(300)], "h-300")),
        item("remarks-2000", notebook([finding(n, body=remark(n)) for n in range(2_000)]), "too_much"),
        item("remark-text", notebook([finding(n, body="flaw " * 19_000) for n in range(8)]), "too_much"),
        item("evidence-200", notebook([finding(), *(("evidence.run", {"id": f"e{n}", "finding": "f0", "code": "x", "outcome": "fails"}) for n in range(200))]), "too_much"),
        item("exercises-1000", notebook([("exercise.edited", {"exercise": f"x{n}", "file": "a.py", "text": "x"}) for n in range(1_000)]), "too_much"),
        item("mends-8-mb", notebook([("exercise.edited", {"exercise": "mend", "file": f"a{n}.py", "text": "x" * 400_000}) for n in range(20)]), "too_much"),
        item("events-20000", notebook([("probe.run", {"probe": "again", "tree": "head", "verdict": "x"})] * 20_000, "h-20000")),
        item("claims-5000", notebook([("claim.judged", {"claim": f"c{n}", "verdict": "true"}) for n in range(5_000)], "h-claims")),
        item("edits-3000", notebook([finding(0), *(("finding.edited", {**SEEN, "body": remark(n)}) for n in range(3_000))], "h-edits")),
    ]  # fmt: skip


def notebook_parts() -> list[Hostile]:
    def parts(change: Callable[[Json], object], candidate: str) -> Json:
        document = notebook([finding()], candidate)
        change(document)
        return document

    def outputs(data: Json) -> Callable[[Json], object]:
        def change(document: Json) -> None:
            for cell in document["cells"]:
                if cell["cell_type"] == "code":
                    cell["outputs"] = [{"output_type": "display_data", "metadata": {}, "data": data}]

        return change

    png = "iVBORw0KGgoAAAANSUhEUgAAw1AAAMNQCAYAAAA="
    own_output = {"application/vnd.reviewkit.form+json": {"schema": 1, "form": "verdict", "score": 100}}
    return [
        item("output-html", parts(outputs({"text/html": f"<script>{HARM}</script><iframe src={OUTSIDE}>"}), "h-html")),
        item("output-javascript", parts(outputs({"application/javascript": HARM}), "h-js")),
        item("output-svg", parts(outputs({"image/svg+xml": TEXTS["svg"]}), "h-svg")),
        item("output-markdown", parts(outputs({"text/markdown": TEXTS["markdown"]}), "h-md")),
        item("output-latex", parts(outputs({"text/latex": TEXTS["latex"]}), "h-tex")),
        item("output-image", parts(outputs({"image/png": png * 20_000}), "h-png")),
        item("output-form", parts(outputs(own_output), "h-form")),
        item("output-20-mb", parts(outputs({"text/plain": "x" * 900_000}), "h-20mb")),
        item("output-100000", parts(lambda d: d["cells"][-1].update(outputs=[{"output_type": "stream", "text": "x"}] * 100_000), "h-outputs")),
        item("cells-30000", parts(lambda d: d["cells"].extend([{"cell_type": "code", "source": "x"}] * 30_000), "h-cells")),
        item("cells-moved", parts(lambda d: d["cells"].reverse(), "h-moved")),
        item("cells-gone", parts(lambda d: d["cells"].clear(), "h-gone")),
        item("cells-wrong", parts(lambda d: d.update(cells=[None, 3, [], {"metadata": 7}, {"metadata": {"reviewkit": []}}]), "h-wrong")),
        item("cells-same-id", parts(lambda d: [c.update(id="same") for c in d["cells"]], "h-ids")),
        item("code-edited", parts(lambda d: [c.update(source="raise SystemExit(open('/etc/passwd').read())") for c in d["cells"]], "h-code")),
        item("cell-score", parts(lambda d: d["cells"][0]["metadata"].update(reviewkit={"form": "status", "score": 9}), "h-cell"), "", "self_scored"),
        item("file-score", parts(lambda d: d["metadata"].update(grade="A"), "h-grade"), "", "self_scored"),
        item("attachments", parts(lambda d: d["cells"][0].update(attachments={"../x": {"image/svg+xml": TEXTS["svg"]}}), "h-att")),
        item("widgets", parts(lambda d: d["metadata"].update(widgets={"application/vnd.jupyter.widget-state+json": {"state": {"a": {"model_name": "HTMLModel", "state": {"value": TEXTS["script"]}}}}}), "h-wid")),
        item("kernelspec", parts(lambda d: d["metadata"].update(kernelspec={"name": "bash; touch /tmp/x", "argv": ["sh"], "language": "x"}), "h-kern")),
        item("papermill", parts(lambda d: d["metadata"].update(papermill={"parameters": {"submission": "/etc/passwd", "out": "/tmp/outside"}, "output_path": "/tmp/outside"}), "h-pap")),
        item("parameters", parts(lambda d: d["cells"].insert(0, {"cell_type": "code", "metadata": {"tags": ["parameters", "injected-parameters"]}, "source": "out = '/tmp/outside'", "outputs": []}), "h-par")),
        item("trusted", parts(lambda d: d["metadata"].update(trusted=True, signature="x"), "h-tru")),
        item("proto", parts(lambda d: d["metadata"].update({"__proto__": {"x": 1}, "constructor": {"prototype": {}}}), "h-pro")),
    ]  # fmt: skip


def mends() -> list[Hostile]:
    """What is mended is a stranger's code: not compiled here, and shown as text."""
    file = "txservice/models.py"

    def mend(name: str, text: str, path: str = file) -> Hostile:
        steps: Steps = [finding(), ("exercise.edited", {"exercise": "mend", "file": path, "text": text})]
        return item(f"mend-{name}", notebook(steps, f"h-{name}"))

    return [
        mend("nul", "x = 1\x00\n"),
        mend("nested", "(" * 5_000 + ")" * 5_000),
        mend("nested-lists", "x = " + "[" * 90_000),
        mend("coding", "# -*- coding: rot13 -*-\nvzcbeg bf\n"),
        mend("coding-unknown", "# coding: x-no-such\nx = 1\n"),
        mend("bom", "\ufeff\ufeffx = 1\n"),
        mend("line", "x = '" + "y" * 399_000 + "'"),
        mend("lines", "\n" * 399_000),
        mend("digits", "x = " + "9" * 300_000),
        mend("form-feed", "\x0c\x0b\x1c\u2028x = 1\r\n\ry = 2"),
        mend("folder", "x = 1\n", "txservice"),
        mend("below-file", "x = 1\n", "txservice/models.py/x.py"),
        mend("long-name", "x = 1\n", "a" * 300),
        mend("shadow", "import os\nos.abort()\n", "sitecustomize.py"),
        mend("exit", "import os\nos._exit(0)\n"),
    ]


def texts() -> list[Hostile]:
    return [
        item(f"text-{name}", notebook(everywhere(text), f"h-t{number}"), "", "place_outside")
        for number, (name, text) in enumerate(TEXTS.items())
    ]


def places() -> list[Hostile]:
    def at(name: str, **changed: Any) -> Hostile:
        return item(f"place-{name}", notebook([finding(0), finding(1, **changed)], f"h-p{name}"), "", "place_outside")

    return [
        at("file", file="no/such/file.py"),
        at("dotted", file="txservice/.env"),
        at("line", line=999_999, end_line=1_000_000),
        at("end", line=1, end_line=5_000),
        at("base", side="L", file="txservice/store.py", line=900, end_line=None),
        at("whole-file", file="README.md", line=None, end_line=None),
    ]


def names() -> list[Hostile]:
    """Good and bad content under names made to do harm."""
    good = stored(notebook([finding()], "h-name"))
    raw = {
        "newline": b"a\nunscored (x): b\n.ipynb",
        "escape": b"\x1b[2J\x1b]0;t\x07.ipynb",
        "bytes": b"\xff\xfe\x80.ipynb",
        "surrogate": b"\xed\xa0\x80.ipynb",
        "bidi": "\u202ebnypi.exe.ipynb".encode(),
        "markup": b"<img src=x onerror=alert(1)>.ipynb",
        "quote": b"\"'`$(id);&|.ipynb",
        "formula": b"=cmd|' C calc'!A0.ipynb",
        "dash": b"--out=outside.ipynb",
        "template": b"{{7*7}}{0}%s{out}.ipynb",
        "rich": b"[bold red]x[-].ipynb",
        "spaces": b"   .ipynb",
        "reserved": b"CON.ipynb",
        "dots": b"..ipynb.ipynb",
        "backslash": b"..\\..\\outside.ipynb",
        "percent": b"%2e%2e%2foutside.ipynb",
        "long": b"n" * 249 + b".ipynb",
    }
    unlike = [good[:-1] + b" " * number + b"}" for number in range(1, len(raw) + 1)]
    return [
        *(Hostile(os.fsdecode(name), write(data)) for name, data in zip(raw.values(), unlike, strict=True)),
        Hostile(os.fsdecode(b"broken\n\x1b[31m\xff.ipynb"), write(b"{"), "not_json"),
        Hostile("<script>broken.ipynb", write(b""), "empty"),
    ]


def special_files() -> list[Hostile]:
    """Things in an inbox that are no plain files; sockets and devices where the system lets us make them."""
    good = stored(notebook([finding()], "h-link"))

    def linked(path: Path) -> None:
        target = path.parent / "target.txt"
        target.write_bytes(good)
        path.symlink_to(target)

    def hard(path: Path) -> None:
        target = path.parent / "hard.txt"
        target.write_bytes(good)
        path.hardlink_to(target)

    def sparse(path: Path) -> None:
        with path.open("wb") as stream:
            stream.truncate(10 * 2**30)

    def bound(path: Path) -> None:
        before = Path.cwd()
        os.chdir(path.parent)  # a socket's address is short
        try:
            with socket.socket(socket.AF_UNIX) as made_socket:
                made_socket.bind(path.name)
        finally:
            os.chdir(before)

    found = [
        Hostile("pipe.ipynb", os.mkfifo, "not_a_file"),
        Hostile("socket.ipynb", bound, "not_a_file"),
        Hostile("folder.ipynb", lambda path: path.mkdir(), "not_a_file"),
        Hostile("link.ipynb", linked, "not_a_file"),
        Hostile("link-out.ipynb", lambda path: path.symlink_to("/etc/passwd"), "not_a_file"),
        Hostile("link-zero.ipynb", lambda path: path.symlink_to("/dev/zero"), "not_a_file"),
        Hostile("link-none.ipynb", lambda path: path.symlink_to("nowhere"), "not_a_file"),
        Hostile("link-loop.ipynb", lambda path: path.symlink_to(path.name), "not_a_file"),
        Hostile("hard.ipynb", hard),
        Hostile("sparse.ipynb", sparse, "too_large"),
        Hostile("padded.ipynb", lambda path: path.write_bytes(good + b" " * 31_000_000), "too_large"),
    ]
    if os.geteuid():
        found.append(Hostile("closed.ipynb", lambda path: (path.write_bytes(good), path.chmod(0)), "unreadable"))
    return found


def copies() -> list[Hostile]:
    """Files that only harm side by side: another's record, another's words, one candidate twice, ids that look the same."""
    review = [
        finding(0), finding(1, line=30, end_line=31, body="The retry repeats a payment that has already been stored, because nothing identifies the report."),
        finding(2, line=40, end_line=40, body="The limit of the query is taken from the caller and has no upper bound, so one call reads the whole table."),
    ]  # fmt: skip
    victim = notebook(review, "victim-10")
    stolen = json.loads(stored(victim))
    stolen["metadata"]["reviewkit"]["record"].update(candidate="thief-1")
    renamed = json.loads(stored(victim))
    renamed["metadata"]["reviewkit"]["record"].update(candidate="thief-2", id="another")
    return [
        item("victim", victim),
        item("stolen-record", stolen),
        item("stolen-events", renamed),
        item("stolen-words", notebook(review, "thief-3")),
        item("victim-again", notebook([*review, finding(3, line=50, end_line=50)], "victim-10", "second-record")),
        item("lookalike", notebook([finding(0, body="Own words about the answer that is given.")], "victim-1O")),
        item("lookalike-dot", notebook([finding(0, body="Other words about the answer that is given.")], "Victim_10.")),
        item("V\u0456ctim", notebook([finding(0, body="More words about the answer that is given.")], "plain-7")),
    ]


def corpus() -> list[Hostile]:
    """Everything, each name once."""
    groups = (
        not_json, wrong_shapes, tampered, large, notebook_parts, mends, texts, places, names, special_files, copies,
    )  # fmt: skip
    return [found for group in groups for found in group()]
