"""What was confirmed survives kill -9 at any moment, and a client that sends again loses and doubles nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from made_records import RECORD, blank_workbook, remark

from reviewkit.journal import Journal, journal_path
from reviewkit.serve import Served, resume, serve

Noted = Callable[[str, object], None]
WRITER = (
    "import sys; from pathlib import Path; from reviewkit.journal import Journal\n"
    "made = Journal(Path(sys.argv[1]), 'abc123')\n"
    "for n in range(100_000):\n"
    "    made.append(f'{sys.argv[2]}-{n}', 'exercise.edited', {'exercise': 'm', 'file': 'a.py', 'text': 'x' * (n % 7000)})\n"
    "    print(f'{sys.argv[2]}-{n}', flush=True)\n"
)


def test_a_killed_writer_loses_nothing_it_confirmed(tmp_path: Path, burst_count: int, record_property: Noted) -> None:
    path = journal_path(tmp_path / "demo.ipynb", RECORD)
    chance, confirmed = random.Random(7), []
    for burst in range(5 * burst_count):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), f"b{burst}"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        confirmed.append(writer.stdout.readline().strip())
        time.sleep(chance.random() * 0.2)
        writer.kill()
        confirmed += writer.stdout.read().split()
        writer.wait()
        view = Journal(path, RECORD).read()
        assert not [p for p in view.problems if p.is_tampering]
        assert set(confirmed) <= {e.op for e in view.events}
    assert len(confirmed) > 5 * burst_count
    record_property("acknowledged", len(confirmed))
    Journal(path, RECORD).append("last", "review.closed", {})
    assert Journal(path, RECORD).read().problems == ()


class Page:
    """A client as the page is: an operation stays in its outbox until the server confirms it."""

    def __init__(self) -> None:
        self.outbox: dict[str, bytes] = {}
        self.confirmed: list[str] = []

    def make(self, number: int) -> None:
        kind, data = remark(f"f{number}", body="slow " * 200)
        self.outbox[f"op-{number}"] = json.dumps({"op": f"op-{number}", "kind": kind, "data": data}).encode()

    def send(self, served: Served) -> None:
        """Send the outbox in order; stops where the server is gone."""
        address = f"{served.base_url}reviewkit/api/record/{served.granted.grant.record}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for name, body in list(self.outbox.items()):
            request = urllib.request.Request(address, body, {"Authorization": f"token {served.token}"})  # noqa: S310
            with opener.open(request, timeout=60) as answer:
                assert answer.status in (200, 201)
            self.confirmed.append(name)
            del self.outbox[name]


@pytest.mark.kernel
def test_a_killed_server_loses_nothing(
    tmp_path: Path, burst_count: int, monkeypatch: pytest.MonkeyPatch, record_property: Noted
) -> None:
    monkeypatch.setenv("REVIEWKIT_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    page, chance, made_n = Page(), random.Random(11), 0
    served = serve(blank_workbook(tmp_path), folder=tmp_path / "work")
    notebook, record = served.granted.notebook, served.granted.grant.record
    for _ in range(burst_count):
        pid = served.process.pid
        killer = threading.Timer(0.05 + chance.random() * 0.4, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(OSError):  # refused, reset or cut off in the middle of an answer
            while True:
                page.make(made_n)
                made_n += 1
                page.send(served)
        killer.join()
        served.stop()
        stored = {e.op for e in Journal(journal_path(notebook, record), record).read().events}
        assert set(page.confirmed) <= stored
        served = resume(notebook, bank=tmp_path)
        page.send(served)
        assert page.outbox == {}
    served.stop()
    view = Journal(journal_path(notebook, record), record).read()
    assert sorted(e.op for e in view.events) == sorted(f"op-{n}" for n in range(made_n))
    assert view.problems == ()
    assert made_n > 2 * burst_count
    record_property("acknowledged", len(page.confirmed))
