"""Cell magics: `%%ts`, `%%tsx`, `%%java`, `%%elixir`, `%%sql`. With a file name a cell writes that file; without one it runs, and may use such files."""

from __future__ import annotations

import argparse
import atexit
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from IPython.display import display

from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.runtimes import elixir, java
from reviewkit.runtimes.base import HostError, Show
from reviewkit.runtimes.fileview import MOST_CHARACTERS, view
from reviewkit.runtimes.frames import LIVE_HEIGHT, framed
from reviewkit.runtimes.node import CellError, CellStopped, NodeHost
from reviewkit.runtimes.sql import SqlHost
from reviewkit.runtimes.sqlserver import check_name

CELL_SECONDS: Final = 20.0
JAVA_SECONDS: Final = 60.0
"""A first Spring context takes 7 s of processor time."""
CELL_ROWS: Final = 50

Root = Callable[[], Path]
"""Gives the folder that cells write to and import from."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", " ".join(self.format_usage().split()))


def _parser(magic: str) -> _Parser:
    parser = _Parser(prog=f"%%{magic}", add_help=False)
    parser.add_argument("file", nargs="?", help="file of the workspace to write; without it the cell runs")
    parser.add_argument("--timeout", type=float, default=JAVA_SECONDS if magic == "java" else CELL_SECONDS, help="seconds until the cell is ended")
    parser.add_argument("--expect-error", action="store_true", help="show an error as output")
    if magic == "sql":
        parser.add_argument("--db", metavar="NAME", help="SQLite file of the workspace, without it one that goes with the kernel; or database of --postgres")
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--postgres", action="store_true", help="a PostgreSQL server of the kernel's own")
        where.add_argument("--url", help="address of a PostgreSQL database: postgresql://...")
        parser.add_argument("--session", default="main", metavar="NAME", help="connection that stays open between cells")
        parser.add_argument("--rows", type=int, default=CELL_ROWS, help="most rows to show of a result")
    else:
        parser.add_argument("--db", metavar="NAME", help="database of the kernel's own PostgreSQL server, whose address is DATABASE_URL")
        parser.add_argument("--check", action="store_true", help="compile the files of the workspace" if magic in ("java", "elixir") else "look for type errors, too")
    _add_fresh(parser)
    if magic in ("ts", "tsx"):
        parser.add_argument("--session", nargs="?", const="main", metavar="NAME", help="share variables with the cells of this session")
        parser.add_argument("--live", action="store_true", help="show the component in a frame")
        parser.add_argument("--height", type=int, default=LIVE_HEIGHT, help="height of the frame in pixels")
        parser.add_argument("--reset", action="store_true", help="begin the session anew")
    return parser


def _add_fresh(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fresh", action="store_true", help="begin the database anew")
    parser.add_argument("--like", metavar="NAME", default="", help="as a copy of this one")


def _url_parser() -> _Parser:
    parser = _Parser(prog="%sql_url", add_help=False)
    parser.add_argument("db", metavar="NAME", help="database of the kernel's own PostgreSQL server")
    _add_fresh(parser)
    return parser


class _Compiling(Protocol):
    """A host that compiles the files of a workspace for its cells."""

    def run(self, code: str, root: Path, name: str, *, seconds: float, show: Show, database: str = "") -> None: ...

    def check(self, root: Path, show: Show) -> None: ...


class Magics:
    """The cells of one kernel. A language's host starts with its first cell that runs and ends with the kernel."""

    def __init__(self, shell: Any, root: Root | None = None) -> None:
        self.shell = shell
        self.node, self.jvm, self.beam, self.database = NodeHost(), java.JavaHost(), elixir.ElixirHost(), SqlHost()
        self._root = root or self._own_root
        self._own: Path | None = None
        self._owner = os.getpid()
        atexit.register(self.close)

    def _own_root(self) -> Path:
        if self._own is None:
            self._own = Path(tempfile.mkdtemp(prefix="reviewkit-cells-"))
        return self._own

    def ts(self, line: str, cell: str) -> None:
        """`%%ts [FILE] [--check] [--live [--height PIXELS] | --session [NAME] [--reset]] [--db NAME] [--timeout SECONDS] [--expect-error]`: TypeScript."""
        self._cell("ts", self._do_node, line, cell)

    def tsx(self, line: str, cell: str) -> None:
        """`%%tsx`: as `%%ts`, with JSX."""
        self._cell("tsx", self._do_node, line, cell)

    def java(self, line: str, cell: str) -> None:
        """`%%java [FILE] [--check] [--db NAME [--fresh [--like NAME]]] [--timeout SECONDS] [--expect-error]`: Java."""
        self._cell("java", self._do_java, line, cell)

    def elixir(self, line: str, cell: str) -> None:
        """`%%elixir [FILE] [--check] [--db NAME [--fresh [--like NAME]]] [--timeout SECONDS] [--expect-error]`: Elixir."""
        self._cell("elixir", self._do_elixir, line, cell)

    def sql(self, line: str, cell: str) -> None:
        """`%%sql [FILE] [--db FILE | --postgres [--db NAME [--fresh [--like NAME]]] | --url URL] [--session NAME] [--rows N] [--timeout SECONDS]`: SQL."""
        self._cell("sql", self._do_sql, line, cell)

    def sql_url(self, line: str) -> str:
        """`url = %sql_url NAME [--fresh [--like NAME]]`: address of a database of the kernel's own PostgreSQL server, for a cell of Python."""
        try:
            return self._url("%sql_url", _url_parser().parse_args(shlex.split(line)))
        except ValueError as error:
            raise CellError(f"%sql_url: {error}.") from None
        except KeyboardInterrupt:
            raise CellStopped(self._name) from None
        except ReviewkitError as error:  # without an address the cell cannot go on
            raise CellError(str(error)) from None

    def view(self, line: str) -> None:
        """`%view FILE`: a file of the workspace with its lines numbered, coloured by its language."""
        try:
            names = shlex.split(line)
            if len(names) != 1:
                raise UsageError("%view: name one file.", "For example: %view src/orders.ts")
            self.shell.display_pub.publish(view(names[0], _read(self._root(), names[0])))
        except ValueError as error:
            print(f"%view: {error}.")
        except ReviewkitError as error:
            print(error)

    def _cell(self, magic: str, do: Callable[[str, argparse.Namespace, str], None], line: str, cell: str) -> None:
        expected = "--expect-error" in line
        try:
            do(magic, _parser(magic).parse_args(shlex.split(line)), cell)
        except CellError as error:
            if not expected:
                raise
            print(error, file=sys.stderr)
        except KeyboardInterrupt:
            raise CellStopped(self._name) from None
        except ValueError as error:
            print(f"%%{magic}: {error}.")
        except HostError as error:
            # Where a part is missing the rest of the notebook goes on; a process that died is an error of this cell.
            if type(error) is HostError and not expected:
                raise CellError(str(error)) from None
            print(error)
        except ReviewkitError as error:
            print(error)

    def _do_node(self, loader: str, options: argparse.Namespace, cell: str) -> None:
        root = self._root()
        if (options.session or options.reset) and (options.file or options.check):
            raise UsageError(f"%%{loader}: a cell of a session neither is a file nor can be checked for types by itself.")
        if options.session and options.live:
            raise UsageError(f"%%{loader}: a live component belongs to no session.")
        if options.reset and not options.session:
            raise UsageError(f"%%{loader}: --reset goes with --session.")
        database = self._cell_url(loader, options)
        if options.file is not None:
            _write(root, options.file, cell)
            if options.check:
                self.node.check([options.file], root, _show)
        elif options.check:
            self._check_cell(loader, root, cell)
        if options.live:
            name = options.file or self._name
            page = self.node.page(cell, root, name, file=options.file or "", loader=loader, show=_show)
            display(framed(page, name, options.height), raw=True)
        if options.file is not None or options.live:
            return
        self.node.run(
            cell, root, self._name, loader=loader, seconds=options.timeout, show=_show,
            session=options.session or "", reset=options.reset, database=database,
        )  # fmt: skip

    def _do_java(self, magic: str, options: argparse.Namespace, cell: str) -> None:
        self._do_compiled(magic, options, cell, self.jvm, ".java", java.PLACES)

    def _do_elixir(self, magic: str, options: argparse.Namespace, cell: str) -> None:
        self._do_compiled(magic, options, cell, self.beam, ".ex", elixir.PLACES)

    def _do_compiled(self, magic: str, options: argparse.Namespace, cell: str, host: _Compiling, ending: str, places: tuple[str, ...]) -> None:
        root = self._root()
        database = self._cell_url(magic, options)
        if options.file is None:
            if options.check:
                raise UsageError(f"%%{magic}: --check goes with a file.", "A cell that runs is compiled, with all files, in any case.")
            host.run(cell, root, self._name, seconds=options.timeout, show=_show, database=database)
            return
        _write(root, options.file, cell)
        place = Path(os.path.relpath(root / options.file, root)).as_posix()
        if place.endswith(ending) and not place.startswith(places):
            print(f"{options.file}: no cell sees this file; those below {' and '.join(places)} are compiled")
        if options.check:
            host.check(root, _show)

    def _do_sql(self, _magic: str, options: argparse.Namespace, cell: str) -> None:
        if options.file is not None:
            _write(self._root(), options.file, cell)
            return
        if options.rows < 1:
            raise UsageError("%%sql: --rows must be 1 or more.")
        if options.url and not options.url.startswith(("postgresql://", "postgres://")):
            raise UsageError("%%sql: --url takes an address such as postgresql://user@host/database.", "For SQLite use --db FILE.")
        if options.url and options.db:
            raise UsageError("%%sql: an address names its database; --db goes with --postgres, or stands alone.")
        if (options.fresh or options.like) and not options.postgres:
            raise UsageError("%%sql: --fresh and --like go with --postgres --db NAME.")
        if options.postgres:
            _check_names("%%sql", options)
            database = f"postgres/{options.db}" if options.db else "postgres"
        else:
            database = options.url or (str(_below(self._root(), options.db)) if options.db else "")
        self.database.run(
            cell, database, options.session, self._name, rows=options.rows, seconds=options.timeout, show=_show,
            fresh=options.fresh, like=options.like,
        )  # fmt: skip

    def _cell_url(self, magic: str, options: argparse.Namespace) -> str:
        """Address of the database that a cell asks for; empty for none."""
        if options.db and (options.file or getattr(options, "live", False)):
            raise UsageError(f"%%{magic}: --db goes with a cell that runs.")
        return self._url(f"%%{magic}", options)

    def _url(self, magic: str, options: argparse.Namespace) -> str:
        _check_names(magic, options)
        return self.database.url(options.db, fresh=options.fresh, like=options.like) if options.db else ""

    @property
    def _name(self) -> str:
        return f"cell [{self.shell.displayhook.prompt_count}]"

    def _check_cell(self, loader: str, root: Path, cell: str) -> None:
        file = root / f"cell-{self.shell.displayhook.prompt_count}.{loader}"
        file.write_text(cell, "utf-8")
        try:
            self.node.check([file.name], root, _show)
        finally:
            file.unlink()

    def close(self) -> None:
        """End the hosts and remove an own workspace; a process forked off the kernel leaves both alone."""
        if os.getpid() != self._owner:
            return
        self.node.close()
        self.jvm.close()
        self.beam.close()
        self.database.close()
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
            self._own = None


def _check_names(magic: str, options: argparse.Namespace) -> None:
    if (options.fresh and not options.db) or (options.like and not options.fresh):
        raise UsageError(f"{magic}: --fresh goes with {'NAME' if magic == '%sql_url' else '--db NAME'}, and --like with --fresh.")
    for name in filter(None, (options.db, options.like)):
        check_name(magic, name)
    if options.like and options.like == options.db:
        raise UsageError(f"{magic}: --like names another database than the one that begins anew.")


def _below(root: Path, file: str) -> Path:
    target = (root / file).resolve()
    if not target.is_relative_to(root.resolve()) or target == root.resolve():
        raise UsageError(f"{file!r} is no file of the workspace.", "Use a relative path such as src/orders.ts.")
    return target


def _write(root: Path, file: str, cell: str) -> None:
    target = _below(root, file)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(cell if cell.endswith("\n") else cell + "\n", "utf-8")
    print(f"{file}: written, {len(cell.splitlines())} lines")


def _read(root: Path, file: str) -> str:
    """As much of a file as is shown, and a character more where there is more."""
    try:
        with _below(root, file).open(encoding="utf-8") as stream:
            return stream.read(MOST_CHARACTERS + 1)
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text.", "Name a file of text.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read ({error.strerror}).", "Name a file of the workspace, or write it with a cell first.") from None


def _show(stream: str, text: str) -> None:
    print(text, end="", file=sys.stderr if stream == "stderr" else sys.stdout, flush=True)


def register(shell: Any, root: Root | None = None) -> Magics:
    """Let `%%ts`, `%%tsx`, `%%java`, `%%elixir`, `%%sql`, `%sql_url` and `%view` work in an IPython shell.

    Args:
        shell: The shell.
        root: Gives the folder that cells write to and import from; None for one of the kernel's own.
    """
    magics = Magics(shell, root)
    shell.register_magic_function(magics.ts, "cell", "ts")
    shell.register_magic_function(magics.tsx, "cell", "tsx")
    shell.register_magic_function(magics.java, "cell", "java")
    shell.register_magic_function(magics.elixir, "cell", "elixir")
    shell.register_magic_function(magics.sql, "cell", "sql")
    shell.register_magic_function(magics.sql_url, "line", "sql_url")
    shell.register_magic_function(magics.view, "line", "view")
    return magics
