"""Cells of other languages, run as a kernel runs them, and the stop button."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reviewkit.runtimes.magics import Magics
from reviewkit.runtimes.node import CellError

GONE_SECONDS = 3.0
"""After which nothing of a killed kernel is left."""


class Shell:
    """As much of IPython's as magics use."""

    class displayhook:  # noqa: N801 - IPython's name
        prompt_count = 7


class Notebook:
    """Cells of one kernel, one after another: what each of them put out."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.magics = Magics(Shell(), lambda: root)

    def ts(self, line: str, cell: str) -> tuple[str, str]:
        """What a cell of TypeScript wrote to standard output and to standard error."""
        return self._both(self.magics.ts, line, cell)

    def java(self, line: str, cell: str) -> tuple[str, str]:
        """What a cell of Java wrote to standard output and to standard error."""
        return self._both(self.magics.java, line, cell)

    def tsx(self, line: str, cell: str) -> tuple[str, str]:
        """The same of a cell with JSX."""
        return self._both(self.magics.tsx, line, cell)

    def elixir(self, line: str, cell: str) -> tuple[str, str]:
        """What a cell of Elixir wrote to standard output and to standard error."""
        return self._both(self.magics.elixir, line, cell)

    @staticmethod
    def _both(run: Callable[[str, str], None], line: str, cell: str) -> tuple[str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run(line, cell)
        return out.getvalue(), err.getvalue()

    def sql(self, line: str, cell: str) -> str:
        """What a cell of SQL wrote."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.magics.sql(line, cell)
        return out.getvalue()


def failing(run: Callable[[str, str], object], line: str, cell: str) -> str:
    """What a reader sees of a cell that fails."""
    with pytest.raises(CellError) as caught:
        run(line, cell)
    return "\n".join(caught.value._render_traceback_())


def is_gone(pid: int) -> bool:
    """Whether a process has ended, or does so within the time that nothing may outlive a host."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], GONE_SECONDS)[0])
    finally:
        os.close(fd)


@contextlib.contextmanager
def stopped_when(said: str) -> Iterator[None]:
    """Interrupt this process, as the stop button does, when the cell that runs meanwhile has written this."""
    pid = os.getpid()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored

    class Interrupting(io.StringIO):
        def write(self, text: str) -> int:
            if said in text:
                threading.Thread(target=os.kill, args=(pid, signal.SIGINT)).start()
            return len(text)

    try:
        with contextlib.redirect_stdout(Interrupting()):
            yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def stopped_when_read(pipe: Path) -> Iterator[None]:
    """Interrupt this process when somebody reads this file, which is made and has no end before this is over."""
    os.mkfifo(pipe)
    over = threading.Event()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def hold() -> None:
        with pipe.open("w"):
            if not over.is_set():
                os.kill(os.getpid(), signal.SIGINT)
                over.wait()

    writer = threading.Thread(target=hold)
    writer.start()
    try:
        yield
    finally:
        over.set()
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # for a writer that nobody has read from
        writer.join()
        signal.signal(signal.SIGINT, before)
