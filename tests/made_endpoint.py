"""A language model's endpoint of its own, over HTTP on this machine, that says what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Asked", BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    number: int
    """From 0."""
    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def data(self) -> dict[str, str]:
        """What is between the two marked lines."""
        first, data, last = self.body["messages"][1]["content"].split("\n")
        assert first == last
        found: dict[str, str] = json.loads(data)
        return found


@dataclass
class Server:
    """The running endpoint and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    now: int = 0
    most: int = 0
    """Requests at once."""
    gate: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: lets slow replies end."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def say(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Answer with these bytes."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: object) -> bytes:
    """An answer of the usual shape."""
    text = content if isinstance(content, str) else json.dumps(content)
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


def opinion(same: str = "yes", why: str = "It names the same cause.", quote: str | None = None) -> Reply:
    """A well-formed answer; without a quote the first words of the remark."""

    def reply(asked: Asked, handler: BaseHTTPRequestHandler) -> None:
        words = " ".join(asked.data["remark"].split()[:4]) if quote is None else quote
        say(handler, completion({"same": same, "quote": words, "why": why}))

    return reply


@contextmanager
def endpoint(reply: Reply) -> Iterator[Server]:
    """Serve until the test is done."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                asked = Asked(len(server.asked), self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                server.asked.append(asked)
                server.now += 1
                server.most = max(server.most, server.now)
            try:
                with suppress(BrokenPipeError, ConnectionResetError):
                    reply(asked, self)
            finally:
                with server.lock:
                    server.now -= 1

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_address[1]}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gate.set()
        http.shutdown()
        http.server_close()
        thread.join()
