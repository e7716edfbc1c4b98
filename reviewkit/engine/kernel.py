"""ipykernel's application, kernel and shell in a forked process, with two sockets of ours instead of five of ZeroMQ.

Everything that decides what a cell does is ipykernel's: profile and its start-up files, shell, magics, displays, comms,
tracebacks. Requests come one after another on the shell socket, as a client of one notebook sends them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from types import SimpleNamespace
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop

from reviewkit.engine.streams import Channel, Publisher
from reviewkit.engine.wire import Receiver, unsigned_session


class ForkedKernel(IPythonKernel):  # type: ignore[misc]
    """ipykernel's kernel without threads of its own and without subshells."""

    _supports_kernel_subshells = False

    def _abort_queues(self, *_args: object) -> None:
        """Nothing is queued: the client waits for each reply."""

    async def answer(self, frames: list[bytes], channel: Channel) -> bool:
        """Work off one request, as ipykernel does it; False when it was the last one."""
        idents, frames = self.session.feed_identities(frames)
        message = self.session.deserialize(frames)
        kind = message["header"]["msg_type"]
        if kind == "shutdown_request":
            await self._end_children()
            return False
        self.set_parent(idents, message, channel="shell")
        self._publish_status("busy", "shell")
        self.pre_handler_hook()
        try:
            result = self.shell_handlers[kind](channel, idents, message)
            if result is not None:
                await result
        except Exception:
            self.log.exception("Exception in message handler")
        except KeyboardInterrupt:
            self.log.exception("KeyboardInterrupt caught in kernel")
        finally:
            self.post_handler_hook()
        sys.stdout.flush()
        sys.stderr.flush()
        self._publish_status("idle", "shell")
        return True

    async def _end_children(self) -> None:
        """Let processes that the notebook left end by themselves, if there are any: looking for them takes time."""
        if _has_children():
            await self._at_shutdown()


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


class ForkedKernelApp(IPKernelApp):  # type: ignore[misc]
    """ipykernel's application, connected by a shell socket and one for output."""

    def connect(self, shell: socket.socket, iopub: socket.socket) -> None:
        """Say where requests come from and outputs go; before `initialize`."""
        self.kernel_class = ForkedKernel
        self.outstream_class = "reviewkit.engine.streams.PipedStream"
        self.session = unsigned_session(self)
        self._replies, self._outputs = Channel(shell), Channel(iopub)
        self._requests = Receiver(shell)

    def init_poller(self) -> None:
        """The fork server ends this process when its client ends."""

    def init_connection_file(self) -> None:
        """There is none."""

    def init_heartbeat(self) -> None:
        """The fork server sees when this process ends."""

    def write_connection_file(self, **_options: Any) -> None:
        """There is none."""

    def log_connection_info(self) -> None:
        """No other client can connect."""

    def init_sockets(self) -> None:
        """Publish through our socket."""
        self.iopub_socket = self._outputs
        self.iopub_thread = Publisher(self._outputs)

    def init_io(self) -> None:
        """Capture output, then start to look after it."""
        super().init_io()
        self.iopub_thread.start()
        os.register_at_fork(after_in_child=self._replies.after_fork)

    def init_kernel(self) -> None:
        """Create the kernel."""
        self.kernel = kernel = self.kernel_class.instance(
            parent=self, session=self.session, iopub_thread=self.iopub_thread, iopub_socket=self.iopub_socket,
            shell_channel_thread=SimpleNamespace(parent_thread=threading.main_thread()),
            log=self.log, profile_dir=self.profile_dir, user_ns=self.user_ns,
        )  # fmt: skip
        self.displayhook.get_execution_count = lambda: kernel.execution_count

    def run(self) -> None:
        """Answer requests until the last one, or until a cell ends the kernel."""
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        task = loop.create_task(self._answer())
        task.add_done_callback(lambda _task: loop.stop())
        loop.run_forever()
        if task.done():
            task.result()

    async def _answer(self) -> None:
        self.kernel.io_loop = self.io_loop = IOLoop.current()
        self.kernel.shell.exit_now = False
        self.kernel._publish_status("starting", "shell")
        with contextlib.suppress(EOFError):
            while await self.kernel.answer(await self._requests.receive(), self._replies):
                pass


def run_kernel(shell: socket.socket, iopub: socket.socket, arguments: list[str]) -> None:
    """Be the kernel of one notebook.

    Args:
        shell: Requests and replies.
        iopub: Outputs.
        arguments: Command line of the kernel.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    app = ForkedKernelApp.instance()
    app.connect(shell, iopub)
    app.initialize(arguments)
    app.run()
