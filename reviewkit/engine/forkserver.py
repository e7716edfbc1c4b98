"""The process that kernels are forked from: started by exec, one thread, with the modules imported that kernels need.

    python -c 'from reviewkit.engine.forkserver import main; main()' CONTROL OWNER MODULE...

The owner asks over the socket CONTROL; each request is a length (4 bytes) with three descriptors, then JSON
`{"cwd", "env", "arguments", "ready"}`. What `ready` names (`[module, function, argument...]`, or nothing) is called once in the
server before the kernel is forked. The descriptors are the kernel's shell and iopub sockets and its leash. On the leash the
server writes the exit status (4 bytes) when the kernel has ended, and takes signal numbers (one byte each). A leash that is
closed ends its kernel, and the end of the owner ends everything.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import Any, NoReturn

KERNEL_MODULES = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.iostream", "ipykernel.displayhook",
    "ipykernel.debugger", "ipykernel.comm", "IPython.core.async_helpers", "IPython.core.completerlib", "IPython.core.debugger",
    "IPython.core.logger", "IPython.core.magic_arguments", "IPython.core.magics.execution", "IPython.core.magics.namespace",
    "IPython.core.oinspect", "IPython.core.ultratb", "IPython.display", "IPython.extensions.storemagic", "IPython.utils.timing",
    "asttokens", "executing", "faulthandler", "pexpect", "pure_eval", "pygments.formatters.terminal256", "pygments.lexers.python",
    "pygments.styles.default", "sqlite3", "stack_data", "tornado.platform.asyncio", "reviewkit.engine.kernel",
)  # fmt: skip
"""What a kernel imports by its first cells, where it is installed: IPython imports much of it late."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Kernel:
    """A forked process."""

    pid: int
    leash: socket.socket

    def signal(self, number: int) -> None:
        """Signal it with what it started; it has not been waited for, so the number is still its own."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:  # it has no group of its own yet
            os.kill(self.pid, number)


class Server:
    """Forks kernels and looks after them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._kernels: dict[int, Kernel] = {}
        self._made_ready: set[tuple[str, ...]] = set()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        for end in (self._woken, self._wake):
            end.setblocking(False)

    def run(self, owner: int) -> None:
        """Serve until the owner has gone."""
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._selector.register(self._control, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        life = _life(owner)
        if life is not None:
            self._selector.register(life, selectors.EVENT_READ)
        try:
            while self._serve(life):
                pass
        finally:
            for kernel in list(self._kernels.values()):
                kernel.signal(signal.SIGKILL)

    def _serve(self, life: int | None) -> bool:
        for key, _events in self._selector.select():
            if key.fileobj == life or (key.fileobj is self._control and not self._fork()):
                return False
            if key.fileobj is self._woken:
                with contextlib.suppress(BlockingIOError):
                    self._woken.recv(4096)
            elif isinstance(key.data, Kernel):
                self._pull(key.data)
        self._reap()
        return True

    def _pull(self, kernel: Kernel) -> None:
        """Pass signals on; the end of the leash is the end of the kernel."""
        try:
            numbers = kernel.leash.recv(64)
        except OSError:
            numbers = b""
        for number in numbers or bytes([signal.SIGKILL]):
            kernel.signal(number)
        if not numbers:
            self._selector.unregister(kernel.leash)

    def _reap(self) -> None:
        for kernel in list(self._kernels.values()):
            ended = os.waitid(os.P_PID, kernel.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                continue
            with contextlib.suppress(OSError):
                os.killpg(kernel.pid, signal.SIGKILL)  # what it left behind
            _pid, status = os.waitpid(kernel.pid, 0)
            del self._kernels[kernel.pid]
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(kernel.leash)
            with contextlib.suppress(OSError):
                kernel.leash.send(struct.pack("!i", os.waitstatus_to_exitcode(status)))
            kernel.leash.close()

    def _fork(self) -> bool:
        """Fork a kernel if one is asked for; False at the end of the owner."""
        request = _request(self._control)
        if request is None:
            return False
        order, ends = request
        self._make_ready(tuple(order["ready"]))
        shell, iopub, leash = (socket.socket(fileno=end) for end in ends)
        server = os.getpid()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # numeric libraries have threads, and prepare them for forks
            pid = os.fork()
        if pid == 0:
            self._become_kernel(server, shell, iopub, leash, order)
        shell.close()
        iopub.close()
        self._kernels[pid] = kernel = Kernel(pid, leash)
        self._selector.register(leash, selectors.EVENT_READ, kernel)
        return True

    def _make_ready(self, what: tuple[str, ...]) -> None:
        """Do what kernels need to find done; a kernel meets for itself what goes wrong here."""
        if not what or what in self._made_ready:
            return
        self._made_ready.add(what)
        module, function, *arguments = what
        try:
            getattr(importlib.import_module(module), function)(*arguments)
        except Exception:
            sys.excepthook(*sys.exc_info())
        _keep_shared(f"{module}.{function}")

    def _become_kernel(
        self, server: int, shell: socket.socket, iopub: socket.socket, leash: socket.socket, order: dict[str, Any]
    ) -> NoReturn:
        """In the fork: let go of everything of the server's, be the kernel, end as a process does."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _die_with(server)
            self._selector.close()
            for end in (self._control, self._woken, self._wake, leash, *(k.leash for k in self._kernels.values())):
                end.close()
            os.environ.clear()
            os.environ.update(order["env"])
            os.chdir(order["cwd"])
            sys.argv = ["ipykernel_launcher.py", *order["arguments"]]
            _fresh_randomness()
            gc.enable()
            from reviewkit.engine.kernel import run_kernel

            run_kernel(shell, iopub, order["arguments"])
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException:
            sys.__excepthook__(*sys.exc_info())
        finally:
            _leave(code)


def _request(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    head, ends, _flags, _address = socket.recv_fds(control, 4, 3)
    if len(head) < 4:
        return None
    (length,) = struct.unpack("!I", head)
    data = b""
    while len(data) < length:
        more = control.recv(length - len(data))
        if not more:
            return None
        data += more
    return json.loads(data), ends


def _life(owner: int) -> int | None:
    """A descriptor that can be read once the owner has ended; None where there is no such thing."""
    try:
        return os.pidfd_open(owner)
    except (AttributeError, OSError):
        return None


def _die_with(parent: int) -> None:
    """End with the server, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _fresh_randomness() -> None:
    """Python's own generator seeds itself anew in a fork; numpy's does not."""
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()


def _leave(code: int) -> NoReturn:
    """End as an interpreter does (threads, then exit functions), without taking every object apart."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    finally:
        os._exit(code)


def prepare(modules: list[str]) -> None:
    """Import, and keep what was imported out of the collector's way, so that forks share its memory.

    Raises:
        RuntimeError: If an import started a thread, which a fork would lose.
    """
    gc.disable()
    for name in KERNEL_MODULES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    _read_a_cell()
    for name in modules:
        importlib.import_module(name)
        _refuse_threads(f"importing {name}")
    _keep_shared("what was imported")


def _read_a_cell() -> None:
    """Have the patterns compiled with which IPython reads cells."""
    with contextlib.suppress(ImportError):
        manager = importlib.import_module("IPython.core.inputtransformer2").TransformerManager()
        manager.transform_cell("%time f(x)\n!true\ny = [1]\n")
        manager.check_complete("y = 1")


def _refuse_threads(culprit: str) -> None:
    if threading.active_count() > 1:
        raise RuntimeError(f"{culprit} starts a thread; it cannot be run before kernels are forked")


def _keep_shared(culprit: str) -> None:
    """Keep all that there is now out of the collector's way, so that forks share its memory."""
    _refuse_threads(culprit)
    gc.collect()
    gc.freeze()


def main() -> None:
    """Serve; see the module."""
    control, owner, *modules = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt at the keyboard is the owner's
    os.dup2(2, 1)
    prepare(modules)
    with socket.socket(fileno=int(control)) as end:
        Server(end).run(int(owner))
