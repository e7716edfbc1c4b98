"""Where the output of a forked kernel goes: messages, standard output and standard error, without ipykernel's sockets.

The streams are ipykernel's own, with its buffers and its interval, so that outputs come in the same pieces; what is written
to descriptors 1 and 2 (by C code or other processes) joins them through pipes. One thread looks after all of it.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import contextlib
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from ipykernel.iostream import IOPubThread, OutStream

from reviewkit.engine.wire import packed

PIPE_BYTES = 1 << 16
_EVERY = frozenset(map(int, signal.valid_signals()))
# The call behind Python's own, which makes an enum of each number each time: a tenth of what a short notebook took.
_mask = _signal.pthread_sigmask


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """No signal is handled in here: an interrupt in the middle of a message would garble all that follow."""
    before = _mask(signal.SIG_BLOCK, _EVERY)
    try:
        yield
    finally:
        _mask(signal.SIG_SETMASK, before)


class Channel:
    """What the kernel takes for a socket."""

    def __init__(self, target: socket.socket) -> None:
        self.socket = target
        self._lock = threading.RLock()

    def send_multipart(self, frames: Sequence[bytes | memoryview], *_args: object, **_options: object) -> None:
        """Send a message; without an effect when the other end has gone."""
        with undisturbed(), self._lock, contextlib.suppress(OSError):
            self.socket.sendall(packed(frames))

    def after_fork(self) -> None:
        """Let go of it in a process that the notebook forked."""
        self.socket.close()
        self._lock = threading.RLock()


class Publisher(IOPubThread):  # type: ignore[misc] # streams insist on this class
    """Stands in for ipykernel's thread: sends at once, by whoever asks, and watches clock and pipes in a thread."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.lock = threading.RLock()
        """Held while a stream is flushed, so that pieces leave in their order."""
        self.io_loop = self  # of which streams want `call_later` alone
        self.thread = None  # streams then flush where they are called
        self._streams: list[PipedStream] = []
        self._due: dict[Callable[[], None], float] = {}
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)

    def watch(self, stream: PipedStream) -> None:
        """Look after the pipe of a stream."""
        self._streams.append(stream)

    def start(self) -> None:
        """Begin; signals are for the main thread."""
        os.register_at_fork(before=self.lock.acquire, after_in_parent=self.lock.release, after_in_child=self._after_fork)
        with undisturbed():
            threading.Thread(target=self._run, name="reviewkit-output", daemon=True).start()

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something later, in the thread."""
        self._due[work] = time.monotonic() + seconds
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake, b"\0")

    def schedule(self, work: Callable[[], None]) -> None:
        """Do something now."""
        work()

    def send_multipart(self, frames: Sequence[bytes | memoryview], *_args: object, **_options: object) -> None:
        """Send a message."""
        self.channel.send_multipart(frames)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        by_pipe = {stream.pipe: stream for stream in self._streams}
        for pipe in by_pipe:
            poll.register(pipe, select.POLLIN)
        while True:
            due = dict(self._due)
            wait = None if not due else max(0.0, min(due.values()) - time.monotonic()) * 1000
            for pipe, _event in poll.poll(wait):
                if pipe == self._woken:
                    os.read(self._woken, PIPE_BYTES)
                else:
                    by_pipe[pipe].drain()
            for work, at in due.items():
                if at <= time.monotonic() and self._due.pop(work, None) is not None:
                    work()

    def _after_fork(self) -> None:
        self.lock = threading.RLock()
        self.channel.after_fork()
        for stream in self._streams:
            stream.after_fork()


class PipedStream(OutStream):  # type: ignore[misc]
    """ipykernel's stream, flushed by whoever asks; its pipe is read before anything is written, which keeps their order."""

    pipe = -1
    _torn = b""
    _flush_pending: bool

    def _setup_stream_redirects(self, name: str) -> None:
        self.pipe, end = os.pipe()
        self._original_stdstream_fd = 1 if name == "stdout" else 2
        self._original_stdstream_copy = os.dup(self._original_stdstream_fd)
        os.dup2(end, self._original_stdstream_fd)
        os.close(end)
        os.set_blocking(self.pipe, False)
        self._poll = select.poll()
        self._poll.register(self.pipe, select.POLLIN)
        self.pub_thread.watch(self)

    def drain(self) -> None:
        """Take what lies in the pipe; letters that come in two pieces are put together."""
        if self.pipe < 0 or not self._poll.poll(0):
            return
        with self.pub_thread.lock, undisturbed():
            data = self._torn
            with contextlib.suppress(BlockingIOError):
                while more := os.read(self.pipe, PIPE_BYTES):
                    data += more
            whole = _whole(data)
            self._torn = data[whole:]
            if whole:
                super().write(data[:whole].decode("utf-8", "replace"))

    def write(self, string: str) -> int | None:
        """See `OutStream`."""
        if self._is_master_process():
            self.drain()
        return super().write(string)  # type: ignore[no-any-return]

    def _flush(self) -> None:
        if not self._is_master_process():
            for _parent, text in self._flush_buffers():
                os.write(1 if self.name == "stdout" else 2, text.encode("utf-8", "replace"))
            self._subprocess_flush_pending = False
            return
        with self.pub_thread.lock, undisturbed():
            self.drain()
            try:
                super()._flush()
            except Exception as error:  # text that no message can carry is lost, as in a kernel, and the cell goes on
                target = 2 if self.pipe < 0 else self._original_stdstream_copy
                os.write(target, f"{self.name} could not be sent: {error}\n".encode())

    def _schedule_flush(self) -> None:
        if not self._flush_pending:
            self._flush_pending = True
            self.pub_thread.call_later(self.flush_interval, self._flush)

    def after_fork(self) -> None:
        """In a process that the notebook forked: what was said before the fork is the notebook's to send."""
        self._buffer_lock = threading.RLock()
        self._rotate_buffers()


def _whole(data: bytes) -> int:
    """How many bytes end with a whole letter of UTF-8; all of them where it is none."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(data) - back if length > back else len(data)
        if byte < 0x80:
            break
    return len(data)
