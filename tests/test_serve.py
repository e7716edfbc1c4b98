"""Promises of serving: a fresh granted workbook in a server of its own, gone without a trace when stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_records import blank_workbook

from reviewkit.errors import DataError, GrantError, ServeError
from reviewkit.journal import Journal, journal_path
from reviewkit.serve import Front, Served, resume, serve

pytestmark = pytest.mark.kernel

CELL = (
    "from reviewkit.journal import kernel_recorder\n"
    "kernel_recorder().add('probe.run', {'probe': 'rush', 'tree': 'head', 'verdict': '5 of 5'})"
)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWKIT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    )


def ask(served: Served, route: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(served.base_url + route, data, {"Authorization": f"token {served.token}"})  # noqa: S310
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
        return json.load(answer)


def trusted(served: Served) -> bool:
    """Whether Jupyter trusts the code cells of the workbook."""
    cells = ask(served, f"api/contents/{served.granted.notebook.name}")["content"]["cells"]
    return all(cell["metadata"]["trusted"] for cell in cells if cell["cell_type"] == "code")


def page(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=60) as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        return str(answer.read().decode())


@pytest.fixture(params=["lab", "notebook"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    front: Front = request.param
    with serve(blank_workbook(tmp_path), folder=tmp_path / "work", candidate="c-17", front=front) as running:
        yield running


def test_a_workbook_is_served_and_leaves_only_the_work(served: Served, tmp_path: Path) -> None:
    """In JupyterLab in a workspace of its own, in Notebook 7 by its plain address; token needed, root or not."""
    grant, notebook = served.granted.grant, served.granted.notebook
    where = f"doc/workspaces/rk-{grant.record}/tree/" if served.front == "lab" else "notebooks/"
    assert served.url == f"http://127.0.0.1:{served.port}/{where}{notebook.name}?token={served.token}"
    assert "jupyter-config-data" in page(served.url)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{served.base_url}api/contents")  # noqa: S310
    assert refused.value.code == 403
    refused.value.close()
    ask(served, f"reviewkit/api/record/{grant.record}", {"op": "o", "kind": "review.closed", "data": {}})
    assert [e.op for e in Journal(journal_path(notebook, grant.record), "x").read().events] == ["o"]
    assert served.token not in Path(f"/proc/{served.process.pid}/cmdline").read_text()
    served.stop()
    served.stop()
    assert served.process.returncode == 0
    assert not served.private.exists()
    assert {p.name for p in (tmp_path / "work").iterdir()} == {notebook.name, ".reviewkit"}


def test_lab_asks_for_no_news_links_no_commands_and_keeps_the_order_of_what_widgets_are_told(tmp_path: Path) -> None:
    with serve(blank_workbook(tmp_path), preview=True) as served:
        for name, key, value in (
            ("sanitizer", "allowCommandLinker", False),
            ("notification", "fetchNews", "false"),
            ("notification", "checkForUpdates", False),
            ("kernels-settings", "commsOverSubshells", "disabled"),
        ):
            settings = ask(served, f"lab/api/settings/@jupyterlab/apputils-extension:{name}")
            assert json.loads(settings["raw"])[key] == value
        with pytest.raises(urllib.error.HTTPError) as refused:  # nobody looks for language servers, which starts Node
            ask(served, "lsp/status")
        assert refused.value.code == 404
        refused.value.close()


def test_the_kernel_of_a_served_workbook_records(tmp_path: Path) -> None:
    """A real kernel, started by the server as the page does it, finds its grant and writes the same journal."""
    import websocket

    with serve(blank_workbook(tmp_path), folder=tmp_path / "work") as served:
        name = served.granted.notebook.name
        session = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        kernel = ask(served, "api/sessions", session)["kernel"]["id"]
        socket = websocket.create_connection(
            f"ws://127.0.0.1:{served.port}/api/kernels/{kernel}/channels?token={served.token}", timeout=60
        )
        header = {"msg_id": "m1", "username": "", "session": "s", "msg_type": "execute_request", "version": "5.3"}
        content = {"code": CELL, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        socket.send(json.dumps({**message, "buffers": []}))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            reply = json.loads(socket.recv())
            if reply["msg_type"] == "execute_reply" and reply["parent_header"].get("msg_id") == "m1":
                assert reply["content"]["status"] == "ok", reply["content"]
                break
        else:
            pytest.fail("the kernel did not answer")
        socket.close()
        record = ask(served, f"reviewkit/api/record/{served.granted.grant.record}")
        assert [e["kind"] for e in record["events"]] == ["probe.run"]


def test_a_preview_records_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with serve(blank_workbook(tmp_path), preview=True) as served:
        assert ask(served, f"reviewkit/api/grant?path={served.granted.notebook.name}")["preview"] is True
        folder = served.granted.notebook.parent
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(
                served,
                f"reviewkit/api/record/{served.granted.grant.record}",
                {"op": "o", "kind": "review.closed", "data": {}},
            )
        assert refused.value.code == 409
        refused.value.close()
    assert not folder.exists()


def test_work_is_taken_up_again(tmp_path: Path) -> None:
    workbook = blank_workbook(tmp_path)
    with serve(workbook, folder=tmp_path / "work") as first:
        route = f"reviewkit/api/record/{first.granted.grant.record}"
        ask(first, route, {"op": "o", "kind": "review.closed", "data": {}})
        assert trusted(first)
    with resume(first.granted.notebook, bank=tmp_path) as again:
        assert trusted(again)
        assert again.granted == first.granted
        assert ask(again, route)["count"] == 1


def test_what_was_not_made_here_is_not_taken_up(tmp_path: Path) -> None:
    workbook = blank_workbook(tmp_path)
    with pytest.raises(GrantError, match="not made by reviewkit"):
        resume(workbook, bank=tmp_path)
    with pytest.raises(DataError, match="no such notebook"):
        resume(tmp_path / "none.ipynb", bank=tmp_path)


def test_recorded_work_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match="needs a folder"):
        serve(blank_workbook(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(ServeError, match="another folder"):
        serve(blank_workbook(tmp_path), folder=tmp_path / "file")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_server_ends_with_who_started_it(tmp_path: Path, number: int) -> None:
    code = (
        "import sys; from pathlib import Path; from reviewkit.serve import serve\n"
        "with serve(Path(sys.argv[1]), folder=Path(sys.argv[2])) as served:\n"
        "    print(served.process.pid, served.private, flush=True); served.wait()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(blank_workbook(tmp_path)), str(tmp_path / "work")],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert starter.stdout is not None
    words = ""
    while "reviewkit-" not in words:  # log events come on standard error, or on standard output before set up
        words = starter.stdout.readline()
        assert words
    pid, private = words.split()
    starter.send_signal(number)
    assert starter.wait(150) == (-number if number == signal.SIGKILL else 128 + number)
    starter.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}").exists() and "zombie" not in Path(f"/proc/{pid}/status").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    if number != signal.SIGKILL:  # nobody is left to remove it then
        assert not Path(private).exists()
    shutil.rmtree(private, ignore_errors=True)


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Jupyter that breaks while it loads: one sentence with its last words, no folder left behind."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "jupyterlab.py").write_text("raise SystemExit('no such luck')")
    monkeypatch.setenv("PYTHONPATH", str(broken))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from reviewkit.serve import serve; from reviewkit.errors import ServeError\n"
        "try: serve(Path(sys.argv[2]), folder=Path(sys.argv[3]))\n"
        "except ServeError as error: print(error)"
    )
    here = str(Path(__file__).parents[1])
    workbook = str(blank_workbook(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", code, here, workbook, str(tmp_path / "work")], capture_output=True, text=True, check=True
    )
    assert "ended while it started (exit code 1): no such luck. Try again" in done.stdout
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_kernels_bank_holds_one_scenario_and_no_rubric(tmp_path: Path) -> None:
    """Where the kernel looks for its scenario there is nothing of the hiring side, whatever lies in the real bank."""
    from reviewkit.serve import _candidates_bank

    root = Path(__file__).resolve().parent.parent
    made = _candidates_bank(root, "transactions", tmp_path)
    assert sorted(p.name for p in made.iterdir()) == ["notebooks", "scenarios"]
    assert [p.name for p in (made / "scenarios").iterdir()] == ["transactions"]
    assert (made / "notebooks" / "transactions.ipynb").is_file()
