"""The fork server: imports what guests need once, then makes one process per job. It holds no secret.

Started by a clean exec as `python forkserver.py FD`, never by a fork of the parent, whose memory holds the key. Messages
over the SOCK_SEQPACKET control socket FD are JSON objects; see `reviewkit.sandbox.line` for the other end.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import types
from typing import Any, NoReturn

MAX_MESSAGE = 65_536
GC_THRESHOLDS = (5_000, 20, 20)
"""A guest is short-lived: it collects garbage more seldom than a process that is to last."""
LOCKED, FAILED = b"\x01", b"\x00"
"""First byte on the wire: frames follow, or the reason why the guest could not lock itself down."""
WARM = {
    "": (
        "array", "ast", "asyncio", "asyncio.taskgroups", "asyncio.timeouts", "base64", "binascii", "bisect", "calendar",
        "cmath", "codecs", "collections", "concurrent.futures", "concurrent.futures.thread", "configparser", "contextlib",
        "contextvars", "copy", "copyreg", "csv", "dataclasses", "datetime", "decimal", "difflib", "email.message",
        "email.parser", "email.policy", "email.utils", "encodings.ascii", "encodings.cp1252", "encodings.hex_codec",
        "encodings.idna", "encodings.latin_1", "encodings.punycode", "encodings.raw_unicode_escape",
        "encodings.unicode_escape", "encodings.utf_16", "encodings.utf_32", "encodings.utf_8_sig", "enum", "errno",
        "fnmatch", "fractions", "functools", "getpass", "glob", "graphlib", "gzip", "hashlib", "heapq", "hmac", "html",
        "http", "http.client", "http.cookies", "importlib.metadata", "importlib.resources", "importlib.util", "inspect",
        "io", "ipaddress", "itertools", "json", "keyword", "linecache", "locale", "logging", "logging.config", "math",
        "mimetypes", "mmap", "numbers", "operator", "pathlib", "pickle", "pkgutil", "platform", "pprint", "queue",
        "random", "re", "reprlib", "resource", "sched", "secrets", "select", "selectors", "shlex", "shutil", "signal",
        "socket", "sqlite3", "ssl", "stat", "statistics", "string", "stringprep", "struct", "tempfile", "textwrap",
        "threading", "time", "timeit", "tokenize", "tomllib", "traceback", "tracemalloc", "types", "typing",
        "unicodedata", "urllib.error", "urllib.parse", "urllib.request", "uuid", "warnings", "weakref",
        "xml.etree.ElementTree", "zipfile", "zlib", "zoneinfo",
    ),
    "aiosqlite": (),
    "fastapi": ("anyio._backends._asyncio", "fastapi.responses", "fastapi.telemetry._runtime", "pydantic.v1", "starlette.middleware.base", "starlette.concurrency"),
    "httpx": ("anyio._backends._asyncio", "httpx._transports.asgi", "httpcore"),
    "pydantic": ("pydantic.deprecated.decorator", "pydantic.root_model", "pydantic.networks", "pydantic.types"),
    "sqlalchemy": (
        "sqlalchemy.ext.asyncio", "sqlalchemy.orm", "sqlalchemy.dialects.sqlite.aiosqlite",
        "sqlalchemy.dialects.sqlite.pysqlite", "sqlalchemy.dialects.postgresql", "greenlet",
    ),
    "structlog": ("structlog.contextvars", "structlog.stdlib", "structlog.processors", "structlog.testing"),
}  # fmt: skip
"""Modules that are imported late by what a guest does; where no file can be opened they must be there before."""


def main(fd: int) -> NoReturn:
    """Set up, report, serve."""
    control = socket.socket(fileno=fd)
    setup = json.loads(control.recv(MAX_MESSAGE))
    try:
        _prepare(setup)
        server = _Server(control, setup)
        _change_user(setup["user"])
    except Exception as error:
        _tell(control, {"failed": f"{type(error).__name__}: {error}"})
        os._exit(1)
    _tell(control, {"ready": True, "landlock": server.landlock})
    server.run()
    os._exit(0)


def _tell(control: socket.socket, message: dict[str, Any], fds: list[int] | None = None) -> None:
    socket.send_fds(control, [json.dumps(message).encode()[:MAX_MESSAGE]], fds or [])


def _prepare(setup: dict[str, Any]) -> None:
    gc.disable()  # until guests are made: what is imported stays
    sys.path += setup["sys_path"]
    _bare_package("reviewkit", setup["package"])
    _bare_package("reviewkit.sandbox", f"{setup['package']}/sandbox")
    if setup["program"]:  # guests leave this interpreter behind
        importlib.import_module("reviewkit.sandbox.inner.lockdown")
        return
    for name in WARM[""]:
        importlib.import_module(name)
    for package in setup["packages"]:
        importlib.import_module(package)
        for name in WARM.get(package, ()):
            with contextlib.suppress(ModuleNotFoundError):  # from one version to the next libraries move their inner modules
                importlib.import_module(name)
    importlib.import_module("reviewkit.harness")  # for guests that hold a candidate's check
    importlib.import_module("reviewkit.sandbox.inner.member")
    importlib.import_module("reviewkit.sandbox.inner.memory")
    importlib.import_module("reviewkit.sandbox.inner.lockdown")
    share_tls_context()
    importlib.import_module("reviewkit.sandbox.inner.warm").warm_up(setup["packages"])
    threading.stack_size(importlib.import_module("reviewkit.sandbox.inner.limits").THREAD_STACK_BYTES)


def _bare_package(name: str, folder: str) -> None:
    """A package without its `__init__`, so that only what lies inside for guests is ever imported."""
    module = types.ModuleType(name)
    module.__path__ = [folder]
    sys.modules[name] = module


def share_tls_context() -> None:
    """Guests have no network; reading the list of authorities for each client would be pure cost, or need a file."""
    transports = sys.modules.get("httpx._transports.default")
    if transports is None:
        return
    import ssl

    context = ssl.create_default_context()
    transports.create_ssl_context = lambda *_args, **_kwargs: context  # type: ignore[attr-defined]


def _change_user(user: int | None) -> None:
    if user is None:
        return
    os.setgroups([])
    try:
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError:  # a container that maps few numbers
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)


class _Server:
    def __init__(self, control: socket.socket, setup: dict[str, Any]) -> None:
        from reviewkit.sandbox.inner import hidden, landlock, lockdown, pages, seccomp

        self._owner = control.fileno()
        self._lines = {self._owner: control}
        """Control sockets by descriptor: the owner's, and those that it handed over for others."""
        self._namespaces: bool = setup["namespaces"]
        self.landlock = landlock.abi() if setup["landlock"] else 0
        if setup["landlock_needed"] and self.landlock < 1:
            raise OSError("this kernel has no landlock")
        self._program = tuple(setup["program"])
        self._environment: dict[str, str] = setup["environment"]
        # Only with namespaces has a guest a file system of its own to write to.
        table = seccomp.Filter(files=setup["files"], changes=self._namespaces, program=bool(self._program))
        self._locks = lockdown.Locks(
            self._namespaces, self.landlock > 0, setup["files"], table,
            tuple(setup["readable"]), setup["processes"], "".join(self._program[:1]), setup["cpu_seconds"],
        )  # fmt: skip
        self._hidden = hidden.HiddenPackages(setup["sys_path"], setup["readable"])
        self._collapse = pages.collapse  # imported as long as this user may read everything
        self._self = os.pidfd_open(os.getpid())
        self._jobs: dict[int, tuple[int, int, int]] = {}
        """By pidfd: line, number of the job there, process id."""
        self._poll = select.poll()

    def run(self) -> None:
        gc.collect()
        self._collapse(gc.get_objects())
        gc.freeze()
        gc.enable()
        gc.set_threshold(*GC_THRESHOLDS)
        self._poll.register(self._owner, select.POLLIN)
        while True:
            for fd, _event in self._poll.poll():
                if fd in self._jobs:
                    self._reap(fd)
                elif fd in self._lines and not self._accept(self._lines[fd]):
                    self._cut(fd)
                    if fd == self._owner:
                        return

    def _accept(self, line: socket.socket) -> bool:
        """Take one message; False when the line is cut."""
        try:
            data, fds, _flags, _address = socket.recv_fds(line, MAX_MESSAGE, 1)
        except OSError:
            return False
        if not data:
            return False
        order = json.loads(data)
        if "line" in order:
            further = socket.socket(fileno=fds[0])
            self._lines[further.fileno()] = further
            self._poll.register(further, select.POLLIN)
            return True
        pid = self._fork(order, fds[0])
        os.close(fds[0])
        pidfd = os.pidfd_open(pid)
        self._jobs[pidfd] = (line.fileno(), order["job"], pid)
        self._poll.register(pidfd, select.POLLIN)
        self._say(line.fileno(), {"started": order["job"]}, [pidfd])
        return True

    def _fork(self, order: dict[str, Any], fd: int) -> int:
        from reviewkit.sandbox.inner import kernel

        if self._namespaces:
            kernel.unshare(kernel.CLONE_NEWPID)  # the next child is the first process of a namespace of its own
        pid = os.fork()
        if pid == 0:
            self._become_guest(order, fd)
        if self._namespaces:
            kernel.setns(self._self, kernel.CLONE_NEWPID)
        return pid

    def _become_guest(self, order: dict[str, Any], fd: int) -> None:
        try:
            from reviewkit.sandbox.inner import lockdown

            if self._program:
                self._become_program(lockdown, order, fd)
                return
            from reviewkit.sandbox.inner import member, memory

            tree = None if self._locks.files else memory.MemoryTree(order["folder"], order["modules"])
            connection, root = self._locked(lockdown, order, fd)
            self._hidden.install(order["modules"])
            if tree is not None:
                tree.install()
            connection.sendall(LOCKED)
            member.serve(connection, order["seed"], root)
        finally:
            os._exit(70)  # nothing of the server may ever run on in a child

    def _locked(self, lockdown: types.ModuleType, order: dict[str, Any], fd: int) -> tuple[socket.socket, str]:
        """The guest's connection and its tree, behind every lock; where one is refused that is said, and the process ends."""
        connection = lockdown.keep_only(socket.socket(fileno=fd))
        try:
            return connection, lockdown.apply(self._locks, order["folder"])
        except OSError as error:
            connection.sendall(FAILED + str(error).encode("utf-8", "replace")[:200])
            raise

    def _become_program(self, lockdown: types.ModuleType, order: dict[str, Any], fd: int) -> None:
        connection, root = self._locked(lockdown, order, fd)
        connection.sendall(LOCKED)
        lockdown.become(connection, (*self._program, str(lockdown.RPC), root), order["seed"], self._environment)

    def _reap(self, pidfd: int) -> None:
        self._poll.unregister(pidfd)
        line, number, pid = self._jobs.pop(pidfd)
        _pid, status, usage = os.wait4(pid, 0)
        os.close(pidfd)
        cpu = usage.ru_utime + usage.ru_stime
        self._say(line, {"ended": number, "status": status, "cpu": cpu, "peak_kib": usage.ru_maxrss})

    def _say(self, line: int, message: dict[str, Any], fds: list[int] | None = None) -> None:
        """Tell a line something; one that was cut in between hears no more."""
        if line in self._lines:
            with contextlib.suppress(OSError):
                _tell(self._lines[line], message, fds)

    def _cut(self, line: int) -> None:
        """Kill what was ordered over a line; the owner's takes everything along."""
        self._poll.unregister(line)
        for pidfd, (orderer, _number, _pid) in self._jobs.items():
            if line in (orderer, self._owner):
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        self._lines.pop(line).close()


if __name__ == "__main__":
    main(int(sys.argv[1]))
