"""A candidate's Jupyter server of its own process with our extension, and invites to open on it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from made_intake import PUBLIC, token
from made_records import SLUG, blank_workbook

from reviewkit import base64url
from reviewkit.grants import Granted, Grants
from reviewkit.journal import Journal, journal_path
from reviewkit.serve import of_the_image
from reviewkit.shareddocument import PAGE_OFF, SERVER_OFF

LOGIN = "token-of-the-tests"
BASE = "/user/x/"
FINDING = {
    "id": "f1", "file": "shop/api.py", "side": "R", "line": 3, "end_line": 5, "severity": "major", "category": "concurrency",
    "body": "blocks", "why": "", "fix": "", "after_exercises": False,
}  # fmt: skip


def consent(intake: str = "") -> dict[str, Any]:
    """The event with which a candidate agrees."""
    data = {"policy_text": "ai-declared-1", "retention_days": 90, "intake": intake}
    return {"op": "consent-x", "kind": "consent.given", "data": data}


@dataclass
class Candidate:
    """A server; `folder/home` is what it shows and the bank too."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    is_shared: bool = False
    """Whether its notebooks are shared documents; needs jupyter-collaboration."""

    @property
    def root(self) -> Path:
        return self.folder / "home"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def prepare(self) -> Candidate:
        """A home that holds one scenario, and the settings of the server."""
        self.root.mkdir(parents=True)
        blank_workbook(self.root)
        (self.root / "scenarios" / SLUG).mkdir(parents=True)
        config = {
            "ServerApp": {
                "ip": "127.0.0.1", "port": 0, "base_url": BASE, "root_dir": str(self.root), "open_browser": False, "allow_root": True,
                "jpserver_extensions": {
                    **of_the_image("server-config.json")["ServerApp"]["jpserver_extensions"],
                    "reviewkit": True, "jupyterlab": True, "notebook": True, **({} if self.is_shared else SERVER_OFF),
                },
            },
            "IdentityProvider": {"token": LOGIN},
        }  # fmt: skip
        left_out = of_the_image("lab-page.json")["disabledExtensions"]
        page = {"disabledExtensions": left_out if self.is_shared else {**left_out, **PAGE_OFF}}
        (self.folder / "config" / "labconfig").mkdir(parents=True)
        (self.folder / "config" / "labconfig" / "page_config.json").write_text(json.dumps(page))
        (self.folder / "config" / "jupyter_server_config.json").write_text(json.dumps(config))
        return self

    def start(self) -> Candidate:
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "REVIEWKIT_STATE": str(self.state),
            "REVIEWKIT_PUBKEY": base64url.encode(PUBLIC),
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
            **self.variables,
        }
        environment.pop("REVIEWKIT_BANK", None)
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "jupyter_server", "--debug"]
            if self.port:  # started again: pages that are open find it where it was
                command += [f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"]
            self.process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, cwd=self.root, start_new_session=True
            )
        info = self.folder / "runtime" / f"jpserver-{self.process.pid}.json"
        deadline = time.monotonic() + 90
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, self.said[-3000:]
            try:
                self.port = int(json.loads(info.read_bytes())["port"])
                socket.create_connection(("127.0.0.1", self.port), timeout=30).close()  # the file comes first
                return self
            except (FileNotFoundError, ValueError, ConnectionRefusedError):
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the server; after SIGKILL its kernels are ended too, as a machine that goes down does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number)
        self.process.wait(60)
        if number == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def ask(
        self, method: str, route: str, body: object = None, *, login: bool = True
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of one request below `reviewkit/`, or below the base address after a slash."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"token {LOGIN}"} if login else {}
        place = route[1:] if route.startswith("/") else f"reviewkit/{route}"
        try:
            connection.request(method, BASE + place, None if body is None else json.dumps(body).encode(), headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def json(self, method: str, route: str, body: object = None) -> tuple[int, Any]:
        status, raw, _ = self.ask(method, route, body)
        return status, json.loads(raw)

    def open(self, text: str | None = None, **fields: Any) -> tuple[int, str, str]:
        """Status, page text and the address led to, of the link of an invite."""
        status, raw, headers = self.ask("GET", f"open/{token(**fields) if text is None else text}")
        return status, raw.decode(), headers.get("location", "")

    def granted(self, record: str) -> Granted:
        found = Grants(self.state).of_record(record)
        assert found is not None
        return found

    def journal(self, record: str) -> Journal:
        return Journal(journal_path(self.granted(record).notebook, record), record)

    def post(self, record: str, op: str, kind: str, data: dict[str, Any]) -> int:
        return self.ask("POST", f"api/record/{record}", {"op": op, "kind": kind, "data": data})[0]

    def agree(self, record: str, intake: str = "") -> int:
        return self.ask("POST", f"api/record/{record}", consent(intake))[0]
