"""HTTP connections with deadlines: uvicorn's own protocol waits for ever for a header that never ends.

One timer per connection runs whenever no request is being answered. When all connections are taken, the one that has
waited longest without a request makes room, so that idle or dripping clients lock nobody out.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from reviewkit.intake.guard import SAFE, refusal_body
from reviewkit.intake.limits import CONNECTIONS_MAX, HEADER_SECONDS, Refusal

_BAD = Refusal(400, "invalid", "This is not an HTTP request that the intake understands.")
_SLOW = Refusal(408, "too_slow", "The request did not arrive in time. Nothing was accepted. Please retry.")
_BUSY = Refusal(503, "busy", "The intake has too many connections. Nothing was accepted. Please retry.")


class DeadlineProtocol(H11Protocol):
    """A connection that has `HEADER_SECONDS` from its start, or from its last answer, to the end of the next header."""

    _timer: asyncio.TimerHandle | None = None
    waiting_since: float = 0.0

    @property
    def is_answering(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: Any) -> None:
        """Take a connection; where there is no room, end the one that has waited longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) <= CONNECTIONS_MAX:
            return
        waiting = [
            c for c in self.connections if isinstance(c, DeadlineProtocol) and not c.is_answering and c is not self
        ]
        if waiting:
            min(waiting, key=lambda c: c.waiting_since).refuse(_BUSY)
        else:
            self.refuse(_BUSY)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a dripping header does not reset its timer."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.is_answering:
            self._stop_waiting()
        elif self._timer is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._wait()
        super().on_response_complete()
        if self.is_answering:  # a pipelined one
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP."""
        self.refuse(_BAD)

    def refuse(self, refusal: Refusal) -> None:
        """Say why, where an answer is possible, and end the connection."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not self.is_answering:
            body = refusal_body(refusal)
            fixed = [
                (b"content-type", b"application/json"),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
            ]
            try:
                response = h11.Response(status_code=refusal.status, headers=[*fixed, *SAFE])
                sent = [self.conn.send(event) or b"" for event in (response, h11.Data(data=body), h11.EndOfMessage())]
                self.transport.write(b"".join(sent))
            except h11.LocalProtocolError:
                pass  # half a request: no answer has a place
        self.transport.close()

    def _wait(self) -> None:
        self._stop_waiting()
        self.waiting_since = time.monotonic()
        self._timer = self.loop.call_later(HEADER_SECONDS, self.refuse, _SLOW)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
