"""Promises of the server extension, asked of a real Jupyter server below a base URL of its own."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from made_records import blank_workbook, remark

from reviewkit.grants import Granted, Grants, issue
from reviewkit.journal import Journal, journal_path

pytestmark = pytest.mark.kernel
TOKEN = "token-of-the-tests"
BASE = "/user/x/"


@dataclass
class Running:
    """A server, its contents root, and the state folder of its grants."""

    port: int
    root: Path
    state: Path

    def ask(
        self, method: str, route: str, body: object = None, *, headers: dict[str, str] | None = None, login: bool = True
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, parsed JSON and headers of one request below `reviewkit/`, or below the base URL after a slash."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Authorization": f"token {TOKEN}"} if login else {}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        place = route[1:] if route.startswith("/") else f"reviewkit/{route}"
        connection.request(method, BASE + place, data, {**sent, **(headers or {})})
        answer = connection.getresponse()
        raw, got = answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        if got.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        return answer.status, json.loads(raw or b"null"), got

    def issue(self, *, preview: bool = False) -> Granted:
        """A granted notebook at the top of the contents root."""
        return issue(
            self.root / "bank" / "notebooks" / "demo.ipynb", self.root, preview=preview, grants=Grants(self.state)
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    root, state = folder / "root", folder / "state"
    root.mkdir()
    blank_workbook(root / "bank")
    config = {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": 0,
            "base_url": BASE,
            "root_dir": str(root),
            "open_browser": False,
            "allow_root": True,
            "jpserver_extensions": {"reviewkit": True},
        },
        "IdentityProvider": {"token": TOKEN},
    }
    (folder / "config").mkdir()
    (folder / "config" / "jupyter_server_config.json").write_text(json.dumps(config))
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "REVIEWKIT_STATE": str(state),
        "REVIEWKIT_BANK": str(root / "bank"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
    }
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server"], env=environment, stdout=log, stderr=log, cwd=folder
    )
    info = folder / "runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + 60
    try:
        while not info.exists() or not info.read_bytes():
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        time.sleep(0.1)
        yield Running(json.loads(info.read_bytes())["port"], root, state)
    finally:
        process.terminate()
        process.wait(15)
        log.close()


def op(name: str, step: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"op": name, "kind": step[0], "data": step[1]}


def test_a_granted_notebook_has_a_grant_and_no_other(server: Running) -> None:
    granted = server.issue()
    status, answer, headers = server.ask("GET", f"api/grant?path={granted.notebook.name}")
    view = answer.pop("view")
    assert (status, answer) == (200, granted.grant.model_dump(mode="json"))
    assert headers["cache-control"] == "no-store"
    assert (view["events"], view["count"]) == ([], 0)
    server.ask("POST", f"api/record/{granted.grant.record}", op("o-1", remark()))
    view = server.ask("GET", f"api/grant?path={granted.notebook.name}")[1]["view"]
    assert view == server.ask("GET", f"api/record/{granted.grant.record}")[1], "the record comes along: one request less"
    assert [event["op"] for event in view["events"]] == ["o-1"]
    for path in ("bank/notebooks/demo.ipynb", "", "none.ipynb", "%00", "..%2Fx", "../" * 9 + "etc/passwd", "a" * 5000):
        status, answer, _ = server.ask("GET", f"api/grant?path={path}")
        assert status == 404
        assert "not made here" in answer["message"]


def test_a_granted_notebook_outside_the_root_is_not_named(server: Running) -> None:
    """A server answers only for what it shows."""
    outside = server.root.parent / "outside"
    outside.mkdir()
    made = issue(server.root / "bank" / "notebooks" / "demo.ipynb", outside, grants=Grants(server.state))
    assert server.ask("GET", f"api/grant?path=../outside/{made.notebook.name}")[0] == 404


def test_an_event_is_stored_before_it_is_confirmed(server: Running) -> None:
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    assert server.ask("GET", route)[1] == {
        "id": granted.grant.record,
        "events": [],
        "head": "0" * 64,
        "count": 0,
        "problems": [],
    }
    status, first, _ = server.ask("POST", route, op("o-1", remark()))
    assert status == 201
    assert set(first) == {"seq", "t", "hash", "prev"}
    stored = Journal(journal_path(granted.notebook, granted.grant.record), "x").read().events
    assert [(e.seq, e.hash, e.data) for e in stored] == [(1, first["hash"], remark()[1])]
    assert server.ask("POST", route, op("o-1", remark()))[:2] == (200, first), "the same operation again"
    assert server.ask("POST", route, op("o-2", ("review.closed", {})))[1]["prev"] == first["hash"]
    record = server.ask("GET", f"{route}?after=1")[1]
    assert [e["op"] for e in record["events"]] == ["o-2"]
    assert record["count"] == 2
    assert record["head"] == record["events"][0]["hash"]


def test_events_of_the_kernel_are_seen(server: Running) -> None:
    granted = server.issue()
    server.ask("POST", f"api/record/{granted.grant.record}", op("o-1", remark()))
    kernel = Journal(journal_path(granted.notebook, granted.grant.record), "x")
    kernel.append("k-1", "probe.run", {"probe": "rush", "tree": "head", "verdict": "5 of 5"})
    events = server.ask("GET", f"api/record/{granted.grant.record}?after=1")[1]["events"]
    assert [(e["seq"], e["kind"]) for e in events] == [(2, "probe.run")]


def test_a_torn_line_is_reported(server: Running) -> None:
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    server.ask("POST", route, op("o-1", remark()))
    with journal_path(granted.notebook, granted.grant.record).open("ab") as file:
        file.write(b'{"seq": 2')
    problems = server.ask("GET", route)[1]["problems"]
    assert [(p["code"], p["seq"]) for p in problems] == [("torn", None)]
    assert problems[0]["message"].endswith(".")
    assert server.ask("POST", route, op("o-2", ("review.closed", {})))[1]["seq"] == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"op": "a", "kind": "review.closed"}',
        b'{"op": "a", "kind": "review.closed", "data": {}, "t": "2020"}',
        b'{"op": 1, "kind": "review.closed", "data": {}}',
        b'{"op": "a b", "kind": "review.closed", "data": {}}',
        b'{"op": "a", "kind": ["x"], "data": {}}',
        b'{"op": "a", "kind": "no.such%s%d", "data": {}}',
        b'{"op": "a", "kind": "review.closed", "data": NaN}',
        b'{"op": "a", "kind": "finding.deleted", "data": {"id": "\\ud800"}}',
        b'{"op": "a", "kind": "finding.deleted", "data": {"id": ' + b"9" * 5000 + b"}}",
        b'{"op": "a", "kind": "\\u202e\\u0007x", "data": {}}',
    ],
)
def test_a_wrong_event_is_400_with_one_sentence(server: Running, body: bytes) -> None:
    granted = server.issue()
    status, answer, headers = server.ask("POST", f"api/record/{granted.grant.record}", body)
    assert status == 400
    assert list(answer) == ["message"]
    assert answer["message"].endswith(".")
    assert answer["message"].isprintable()
    assert str(server.root) not in answer["message"]
    assert headers["content-type"].startswith("application/json")
    assert not journal_path(granted.notebook, granted.grant.record).exists()


def test_more_than_a_megabyte_is_413(server: Running) -> None:
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    status, answer, _ = server.ask("POST", route, b" " * 1_000_001)
    assert status == 413
    assert "1 MB" in answer["message"]
    assert server.ask("POST", route, op("o", remark(body="x" * 70_000)))[0] == 201, "a long remark is fine"


def test_a_preview_is_409_and_stores_nothing(server: Running) -> None:
    granted = server.issue(preview=True)
    route = f"api/record/{granted.grant.record}"
    status, answer, _ = server.ask("POST", route, op("o", remark()))
    assert status == 409
    assert "preview" in answer["message"]
    assert server.ask("GET", route)[1]["count"] == 0


def test_what_is_not_granted_is_404(server: Running) -> None:
    for record in ("unknown", "x" * 81, "..%2F..%2Fx", "a/b"):
        assert server.ask("GET", f"api/record/{record}")[0] == 404
        assert server.ask("POST", f"api/record/{record}", op("o", remark()))[0] == 404
    granted = server.issue()
    for after in ("-1", "x", "1e3", "%D9%A1", "9" * 20, ""):
        assert server.ask("GET", f"api/record/{granted.grant.record}?after={after}")[0] == 400


def test_who_is_not_logged_in_gets_403(server: Running) -> None:
    granted = server.issue()
    for route in (f"api/grant?path={granted.notebook.name}", f"api/record/{granted.grant.record}"):
        status, answer, _ = server.ask("GET", route, login=False)
        assert status == 403
        assert "logged in" in answer["message"]
    headers = cookies(server, "login")  # a stranger's browser has the XSRF token of the login page
    for route, body in ((f"api/record/{granted.grant.record}", op("o", remark())), ("api/start", {"slug": "demo"})):
        status, answer, _ = server.ask("POST", route, body, headers=headers, login=False)
        assert status == 403
        assert "logged in" in answer["message"]
    assert not journal_path(granted.notebook, granted.grant.record).exists()


def cookies(server: Running, *pages: str) -> dict[str, str]:
    """Headers of a browser that has seen these pages: its cookies, and the XSRF token as a script sends it."""
    jar: dict[str, str] = {}
    for page in pages:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", BASE + page, headers={"Cookie": "; ".join(f"{n}={v}" for n, v in jar.items())})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            jar[name] = value
    return {"Cookie": "; ".join(f"{n}={v}" for n, v in jar.items()), "X-XSRFToken": jar["_xsrf"]}


def test_a_browser_needs_the_xsrf_token(server: Running) -> None:
    """With a cookie instead of a token in the header, as a page has it."""
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    headers = cookies(server, f"api/status?token={TOKEN}", "tree")
    token = headers.pop("X-XSRFToken")
    assert server.ask("GET", route, headers=headers, login=False)[0] == 200
    assert server.ask("POST", route, op("o", remark()), headers=headers, login=False)[0] == 403
    headers["X-XSRFToken"] = token
    assert server.ask("POST", route, op("o", remark()), headers=headers, login=False)[0] == 201


def trusted(server: Running, path: str) -> bool:
    """Whether Jupyter trusts the code cells of a notebook."""
    cells = server.ask("GET", f"/api/contents/{path}")[1]["content"]["cells"]
    return all(cell["metadata"]["trusted"] for cell in cells if cell["cell_type"] == "code")


def test_start_makes_a_fresh_granted_copy(server: Running) -> None:
    status, answer, _ = server.ask("POST", "api/start", {"slug": "demo"})
    assert status == 201
    grant = server.ask("GET", f"api/grant?path={answer['path']}")[1]
    assert (grant["slug"], grant["preview"]) == ("demo", False)
    made = json.loads((server.root / answer["path"]).read_bytes())
    assert made["metadata"]["reviewkit"]["record"]["id"] == grant["record"]
    assert trusted(server, answer["path"])
    copy = server.root / "copy.ipynb"
    made["cells"][1]["source"] = "print(2)"
    copy.write_text(json.dumps(made))
    assert not trusted(server, "copy.ipynb"), "what this server did not make as it is"
    for slug in ("none", "../demo", "", 1, None, ["demo"], "demo\0", "*"):
        status, answer, _ = server.ask("POST", "api/start", {"slug": slug})
        assert status == 404
        assert "no workbook" in answer["message"]


def test_errors_of_the_disk_are_507(server: Running) -> None:
    granted = server.issue()
    journal = journal_path(granted.notebook, granted.grant.record)
    journal.parent.mkdir(exist_ok=True)
    journal.mkdir()
    status, answer, _ = server.ask("POST", f"api/record/{granted.grant.record}", op("o", remark()))
    assert status == 507
    assert str(server.root) not in answer["message"]
    journal.rmdir()
    assert server.ask("POST", f"api/record/{granted.grant.record}", op("o", remark()))[0] == 201


def test_other_methods_and_addresses_are_json_errors(server: Running) -> None:
    assert server.ask("DELETE", "api/start")[0] == 405
    assert server.ask("GET", "api/other")[:2] == (
        404,
        {"message": "There is nothing at this address. Reload the page."},
    )
    assert server.ask("PUT", "api/grant", {})[1]["message"].endswith(".")


def test_many_posts_at_once_make_one_chain(server: Running) -> None:
    """Two tabs and retries: every operation once, in one order."""
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    statuses: list[int] = []

    def tab(name: str) -> None:
        for number in range(10):
            event = op(f"{name}-{number}", remark(f"{name}{number}"))
            statuses.extend(server.ask("POST", route, event)[0] for _ in range(2))

    threads = [threading.Thread(target=tab, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 20 + [201] * 20
    record = server.ask("GET", route)[1]
    assert (record["count"], record["problems"]) == (20, [])


def test_answers_are_compressed(server: Running) -> None:
    granted = server.issue()
    route = f"api/record/{granted.grant.record}"
    server.ask("POST", route, op("o", remark(body="same words " * 500)))
    _, record, headers = server.ask("GET", route, headers={"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert int(headers["content-length"]) < 1500
    assert record["count"] == 1
