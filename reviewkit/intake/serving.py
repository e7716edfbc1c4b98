"""Runs the intake: opens the database, listens, and stops within ten seconds of a signal."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import uvicorn

from reviewkit import log
from reviewkit.errors import IntakeError, UsageError
from reviewkit.intake.access import Verified
from reviewkit.intake.app import make_app
from reviewkit.intake.limits import HEADER_BYTES_MAX, HEADER_SECONDS, STOP_SECONDS
from reviewkit.intake.opening import open_storage
from reviewkit.intake.protocol import DeadlineProtocol
from reviewkit.intake.service import Service


class _Server(uvicorn.Server):
    """Signals end streams first, so that the rest has its whole time; a clean stop leaves with exit code 0."""

    def __init__(self, config: uvicorn.Config, service: Service, tell: Callable[[int], None]) -> None:
        super().__init__(config)
        self._service, self._tell = service, tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            self._tell(sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._service.close()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


async def serve(
    url: str, receipts: Path, keys: Mapping[str, bytes], host: str, port: int, tell: Callable[[int], None]
) -> None:
    """Serve until a signal comes.

    Args:
        url: Of the database.
        receipts: Path of the receipt log.
        keys: Public keys of invites.
        host: Address to listen on.
        port: 0 takes a free one.
        tell: Called with the port once requests are accepted.

    Raises:
        UsageError: If the address cannot be listened on.
        IntakeError: If the database cannot be opened, or the service had to stop because the disk failed.
    """
    listening = _listen(host, port)
    storage = await open_storage(url, receipts)
    service = Service(storage, Verified(keys))
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # ours says what happened, without what was sent
    config = uvicorn.Config(
        make_app(service), http=DeadlineProtocol, ws="none", loop="asyncio", lifespan="on", log_config=None, access_log=False,
        server_header=False, proxy_headers=False, timeout_keep_alive=int(HEADER_SECONDS), backlog=1024,
        timeout_graceful_shutdown=STOP_SECONDS, h11_max_incomplete_event_size=HEADER_BYTES_MAX,
    )  # fmt: skip
    server = _Server(config, service, tell)

    def stop() -> None:
        server.should_exit = True

    storage.on_stop = stop
    log.get().info(log.INTAKE_STARTED, database="sqlite" if storage.database.file else "postgresql", keys_n=len(keys))
    started = time.monotonic()
    try:
        await server.serve([listening])
    finally:
        await storage.close()
        log.get().info(log.INTAKE_STOPPED, served_s=round(time.monotonic() - started))
    if storage.stopped is not None:
        log.get().error(log.STORAGE_STOPPED, reason=storage.stopped.reason)
        step = "Look at the disk, then start the intake again: it compares what it holds with what it confirmed."
        raise IntakeError(storage.stopped.reason, storage.stopped.fact, step)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, _proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise UsageError(
            f"Port {port} of {host} cannot be used ({error.strerror}).", "Name others with --host and --port."
        ) from None
    return listening
