"""`POST reviewkit/api/desk`: a hirer's own JupyterLab opens the hiring desk. Only where the server has rubrics."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tornado.web import HTTPError

from reviewkit import log
from reviewkit.bank import Bank, find_bank
from reviewkit.durable import replace_file
from reviewkit.errors import ReviewkitError
from reviewkit.grants import PARENT_VARIABLE
from reviewkit.handlers import INSUFFICIENT_STORAGE, ReviewkitHandler, for_the_owner
from reviewkit.trust import sign

PAGE_OPTION: Final = "reviewkitDesk"
"""Tells the page that this server has a desk; in the configuration that Jupyter writes into its pages."""
NO_DESK: Final = "This server has no rubrics, so it has no hiring desk. Start Jupyter in the folder of your bank, or set REVIEWKIT_RUBRICS."
_NAME: Final = "hiring-desk"
_OUT: Final = "reviewkit-out"
_LOCK: Final = "reviewkit_desk_lock"
_PLACES: Final = ("repo", "binder", "hub", "local", "intake")


def hiring_bank(root: Path) -> Bank | None:
    """The bank of a server of the hiring side: it has rubrics. None on a candidate's, and on those that reviewkit starts itself.

    Args:
        root: Folder that the server shows.
    """
    if os.environ.get(PARENT_VARIABLE):
        return None
    try:
        bank = find_bank(start=root)
    except ReviewkitError:
        return None
    return bank if bank.rubrics is not None else None


def parameters(bank: Bank, root: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """Values for the desk's `parameters` cell; what is not set keeps the notebook's own value."""
    named = {name: variables.get(f"REVIEWKIT_{name.upper()}", "") for name in _PLACES}
    given = {name: value for name, value in named.items() if value}
    return {"out": str(root / _OUT), "bank": str(bank.root), "rubrics": str(bank.rubrics or ""), **given}


def free_place(root: Path, document: Mapping[str, Any]) -> Path:
    """Where the desk's notebook goes: over an earlier one with the same cells, never over what somebody changed."""
    wanted = _sources(document)
    for number in count(1):
        path = root / (f"{_NAME}.ipynb" if number == 1 else f"{_NAME}-{number}.ipynb")
        try:
            if _sources(json.loads(path.read_bytes())) == wanted:
                return path
        except FileNotFoundError:
            return path
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    raise AssertionError("numbers do not end")


def _sources(document: Mapping[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in document["cells"]]


class DeskHandler(ReviewkitHandler):
    """`POST api/desk`."""

    @for_the_owner
    async def post(self) -> None:
        """Write the desk's notebook and run it, so that its form is there; answers with its contents path."""
        root = Path(os.path.realpath(str(self.contents_manager.root_dir)))  # noqa: ASYNC240 - one link, once
        bank = hiring_bank(root)
        if bank is None:
            raise HTTPError(404, NO_DESK)
        lock: asyncio.Lock = self.settings.setdefault(_LOCK, asyncio.Lock())
        async with lock:  # a second click waits for the first and finds its notebook
            try:
                name = await self._open(bank, root)
            except OSError as error:
                raise HTTPError(INSUFFICIENT_STORAGE, f"The hiring desk could not be written ({error.strerror}). Free some space.") from error
            except ReviewkitError as error:
                raise HTTPError(500, str(error)) from error
        self.reply(201, {"path": name})

    async def _open(self, bank: Bank, root: Path) -> str:
        from reviewkit.hiringserver import notebook_path, with_parameters

        blank = json.loads(notebook_path("desk").read_text("utf-8"))
        document = with_parameters(blank, parameters(bank, root, os.environ))
        file = await asyncio.to_thread(free_place, root, document)
        sessions = self.session_manager
        if file.is_file() and await sessions.session_exists(path=file.name):
            return file.name  # it runs already
        session = await sessions.create_session(path=file.name, type="notebook", name=file.name, kernel_name="python3")
        connection = Path(str(self.kernel_manager.get_kernel(session["kernel"]["id"]).connection_file))
        try:
            # Not `to_thread`: it lends this loop to the thread, in which the client wants one of its own.
            await asyncio.get_running_loop().run_in_executor(None, self._run, document, connection, file)
        except BaseException:
            await sessions.delete_session(session["id"])
            raise
        sign(file, self.contents_manager.notary)  # its signatures belong to this thread
        log.get().info(log.DESK_OPENED, path=quote(file.name))
        return file.name

    @staticmethod
    def _run(document: dict[str, Any], connection: Path, file: Path) -> None:
        from reviewkit.prerun import executed

        replace_file(file, json.dumps(executed(document, connection), indent=1).encode())
