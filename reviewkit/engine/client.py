"""papermill's client on a forked kernel: how messages become outputs, and what errors and timeouts do, stays nbclient's."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.client import KernelClient
from jupyter_client.session import Session
from nbclient.exceptions import CellTimeoutError
from papermill.clientwrap import PapermillNotebookClient

from reviewkit.engine.owner import ForkedProcess, ForkServer
from reviewkit.engine.wire import Receiver, Sender, Watch, unsigned_session

SHUTDOWN_SECONDS = 5.0
"""How long a kernel may take for its exit functions; ipykernel's clients wait as long."""
LAST_WORDS_SECONDS = 1.0
"""How long to wait for what an ended kernel said: a process that it left may hold its sockets."""


class Messages:
    """A channel of nbclient's, over a socket."""

    def __init__(self, session: Session, receiver: Receiver) -> None:
        self._session, self.receiver, self._sender = session, receiver, Sender(receiver.source)
        self.open = 0
        """Requests without a reply so far."""

    def send(self, message: dict[str, Any]) -> None:
        """Send a request."""
        self.open += message["header"]["msg_type"].endswith("_request")
        self._sender.send([*self._session.serialize(message), *message.get("buffers", ())])

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """The next message; from an ended kernel there is none, as from one that says nothing.

        Raises:
            queue.Empty: If there is none in time.
        """
        try:
            _idents, frames = self._session.feed_identities(await self.receiver.receive(timeout))
        except EOFError:
            if timeout is None:
                await asyncio.get_running_loop().create_future()  # until it is cancelled
            raise Empty from None
        message = self._session.deserialize(frames)
        self.open -= message["header"]["msg_type"].endswith("_reply")
        return message  # type: ignore[no-any-return]


class Leash(Watch):
    """Sees when a kernel ends."""

    def __init__(self, process: ForkedProcess) -> None:
        super().__init__(process.leash)
        self._process = process

    def read(self) -> bool:
        """See `Watch`."""
        return self._process.alive()

    async def end(self, seconds: float | None = None) -> bool:
        """Wait for the end; False when it did not come in time."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self._process.alive():
            if not await self.change(None if deadline is None else max(0.0, deadline - time.monotonic())):
                return False
        return True


class ForkedKernelClient(KernelClient):  # type: ignore[misc]
    """Asks a forked kernel."""

    def __init__(self, process: ForkedProcess) -> None:
        super().__init__(session=unsigned_session())
        self.process, self.leash = process, Leash(process)
        self._watched = (Receiver(process.shell), Receiver(process.iopub))
        self._shell_channel, self._iopub_channel = (Messages(self.session, receiver) for receiver in self._watched)

    async def start_channels(self, *_args: object, **_options: object) -> None:
        """Read both from now on."""
        for watched in self._watched:
            watched.attach()

    def stop_channels(self) -> None:
        """Let go of the kernel."""
        for watched in (*self._watched, self.leash):
            watched.detach()
        self.process.close()

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait until the kernel says that it starts.

        Raises:
            RuntimeError: If it ends first, or takes longer.
        """
        try:
            await self._iopub_channel.get_msg(timeout=timeout)
        except Empty:
            if not self.process.alive():
                raise RuntimeError("Kernel died before replying to kernel_info") from None
            raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds") from None

    async def is_alive(self) -> bool:
        """Whether the kernel has not ended."""
        return self.process.alive()

    async def death(self) -> None:
        """Wait for the end of the kernel and for everything that it said before."""
        await self.leash.end()
        outputs, deadline = self._iopub_channel.receiver, time.monotonic() + LAST_WORDS_SECONDS
        while not outputs.ended and (left := deadline - time.monotonic()) > 0:
            await outputs.change(left)


class ForkedKernelManager:
    """What nbclient knows of a kernel manager, for one kernel."""

    ipykernel = True
    """It takes ipykernel's arguments."""

    def __init__(self, server: ForkServer, env: Mapping[str, str], ready: Sequence[str] = ()) -> None:
        self._server, self._env, self._ready = server, env, ready
        self._process: ForkedProcess | None = None
        self._client: ForkedKernelClient | None = None

    @property
    def has_kernel(self) -> bool:
        """Whether one was started."""
        return self._process is not None

    def start_kernel(self, extra_arguments: Sequence[str] = (), cwd: str | None = None, **options: Any) -> None:
        """Have one forked."""
        env = {**os.environ, **options.get("env", {}), **self._env, "JPY_PARENT_PID": str(os.getpid())}
        self._process = self._server.fork(extra_arguments, str(Path(cwd or ".").absolute()), env, self._ready)

    def client(self) -> ForkedKernelClient:
        """The one client."""
        if self._process is None:
            raise RuntimeError("No kernel is running!")
        self._client = ForkedKernelClient(self._process)
        return self._client

    async def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.alive()

    def interrupt_kernel(self) -> None:
        """Interrupt what runs."""
        if self._process is not None:
            self._process.signal(signal.SIGINT)

    async def shutdown_kernel(self, now: bool = False) -> None:
        """Ask the kernel to end, and end it when it does not, or is busy."""
        if self._process is None:
            return
        client, ended = self._client, False
        leash = client.leash if client is not None else Leash(self._process)
        if not now and client is not None and client.shell_channel.open <= 0:
            client.shell_channel.send(client.session.msg("shutdown_request", {"restart": False}))
            ended = await leash.end(SHUTDOWN_SECONDS)
        if not ended:
            self._process.signal(signal.SIGKILL)
            await leash.end()

    def cleanup_resources(self) -> None:
        """Nothing is left that the client does not hold."""


class ForkedNotebookClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client that has its kernel forked."""

    def __init__(
        self, nb_man: Any, server: ForkServer, env: Mapping[str, str], ready: Sequence[str] = (), **options: Any
    ) -> None:
        super().__init__(nb_man, **options)
        self._server, self._env, self._ready = server, env, ready

    def create_kernel_manager(self) -> ForkedKernelManager:
        """See nbclient."""
        self.km = ForkedKernelManager(self._server, self._env, self._ready)
        return self.km

    async def _async_handle_timeout(self, timeout: int, cell: Any = None) -> Any:
        """As nbclient's, which leaves the task that reads a cell's outputs waiting for ever."""
        try:
            return await super()._async_handle_timeout(timeout, cell)
        except CellTimeoutError:
            for task in asyncio.all_tasks():
                if getattr(task.get_coro(), "__name__", "") == "_async_poll_output_msg":
                    task.cancel()
            raise

    async def _async_poll_kernel_alive(self) -> None:
        """As nbclient's, without looking once a second."""
        await self.kc.death()
        if self.task_poll_for_reply is not None:
            self.task_poll_for_reply.cancel()
