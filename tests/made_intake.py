"""Invites, a running intake of its own process, and requests to it, for tests."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from made_records import RECORD, SAMPLES, SLUG, VERSION, chain

from reviewkit import base64url
from reviewkit.database import database_url
from reviewkit.event import Event
from reviewkit.intake.access import make_token
from reviewkit.intake.opening import log_path, open_storage
from reviewkit.intake.rows import Bearer
from reviewkit.intake.storage import Storage
from reviewkit.invite import Invite, key_id, public_key, sign
from reviewkit.record import notebook_metadata

PRIVATE = bytes(range(32))
PUBLIC = public_key(PRIVATE)
KEYS = {key_id(PUBLIC): PUBLIC}
NOW = 1_795_000_000
AT = "2026-11-21T10:00:00.000Z"
T = TypeVar("T")


def invite(number: int = 1, **fields: Any) -> Invite:
    base: dict[str, Any] = {
        "id": f"invite-{number:06d}", "kid": key_id(PUBLIC), "candidate": f"c-{number}", "slug": SLUG, "version": VERSION,
        "seed": 7, "minutes": 60, "policy": "declared", "policy_text": "ai-declared-1", "retention_days": 90,
        "iat": NOW - 1000, "exp": 2**36,
    }  # fmt: skip
    return Invite.model_validate(base | fields)


def token(number: int = 1, **fields: Any) -> str:
    return sign(invite(number, **fields), PRIVATE)


def bearer(number: int = 1) -> Bearer:
    return Bearer(invite(number), "0" * 64)


def notebook(number: int = 1, *, size: int = 0, events: list[Event] | None = None, **changed: Any) -> bytes:
    """A completed workbook of an invite, with so many bytes of output."""
    own = notebook_metadata(SLUG, VERSION, RECORD, f"c-{number}", chain(SAMPLES) if events is None else events)
    own |= changed
    cell = {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "x" * size}
    return json.dumps({"cells": [cell], "metadata": {"reviewkit": own}, "nbformat": 4, "nbformat_minor": 5}).encode()


def long_chain(count: int, text: str = "slow") -> list[Event]:
    """A record of so many events."""
    step = {"claim": "c1", "verdict": "true", "why": text}
    return chain([("claim.judged", step)] * count)


def batch(events: list[Event]) -> bytes:
    return json.dumps({"events": [event.model_dump(mode="json") for event in events]}).encode()


def with_storage(folder: Path, work: Callable[[Storage], Awaitable[T]], **options: Any) -> T:
    """Open the database of a folder, run work on it, close it."""
    url = database_url(str(folder / "intake.sqlite"))

    async def run() -> T:
        storage = await open_storage(url, log_path(url, None), **options)
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(run())


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Intake:
    """A service in a process of its own."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    limits: Callable[[], None] | None = None
    hiring: str = ""
    pubkey: str = base64url.encode(PUBLIC)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        """Everything that the service logged so far."""
        return (self.folder / "log").read_text("utf-8")

    def start(self) -> Intake:
        if not self.hiring and not (self.folder / "intake.sqlite").exists():
            self.hiring = with_storage(self.folder, lambda storage: make_token(storage, "tests", AT))
        command = [sys.executable, "-m", "reviewkit.cli", "intake", "serve", "--port", str(self.port)]
        command += ["--db", str(self.folder / "intake.sqlite"), "--pubkey", self.pubkey]
        environment = {**os.environ, "REVIEWKIT_LOG": "json", **self.environment}
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, preexec_fn=self.limits, cwd=self.folder
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert "takes requests at" in line, self.said
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, bearer: str | None = None, headers: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> Answer:  # fmt: skip
        sent = {"Content-Type": "application/json"} if body is not None else {}
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            got = connection.getresponse()
            return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        finally:
            connection.close()

    def submit(self, number: int, body: bytes, key: str, **options: Any) -> Answer:
        return self.ask("POST", "/v1/submissions", body, bearer=token(number), headers={"Idempotency-Key": key}, **options)

    def send(self, number: int, record: str, events: list[Event], **options: Any) -> Answer:
        return self.ask("POST", f"/v1/records/{record}/events", batch(events), bearer=token(number), **options)


def patience(seconds: float, done: Callable[[], bool]) -> bool:
    """Whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
