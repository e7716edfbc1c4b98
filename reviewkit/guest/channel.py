"""How guest code asks the world for something, from a coroutine or from a thread that may block."""

from __future__ import annotations

from typing import Any, Protocol


class GuestClosed(BaseException):
    """The job is over; unwinds code that would otherwise wait for ever."""


class Channel(Protocol):
    """The only way out of the guest. Payloads are plain values (see `plain`)."""

    async def request(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the world and wait without blocking the loop."""

    def request_sync(self, op: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Ask the world and block the calling thread, as a real synchronous client would."""

    def tell(self, op: str, payload: dict[str, Any]) -> None:
        """Say something that nobody answers; what is asked or answered afterwards arrives afterwards."""

    def wait_closed(self) -> None:
        """Block the calling thread until the job ends, then raise `GuestClosed`."""
