"""Jupyter server extension: the routes through which a page reads its grant and keeps its record.

Contract: docs/record.md, section 4. The server acts only on notebooks that it, or `reviewkit open`, made itself. Errors
are JSON with one `message` and name no path.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import to_os_path, url_path_join
from tornado.ioloop import PeriodicCallback
from tornado.web import GZipContentEncoding, HTTPError, authenticated

from reviewkit import log
from reviewkit.bank import BANK_VARIABLE
from reviewkit.errors import DataError, EventError, GrantError, JournalError
from reviewkit.grants import PARENT_VARIABLE, Granted, Grants, issue
from reviewkit.journal import Journal, journal_path
from reviewkit.trust import sign

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from jupyter_server.utils import ApiPath

PARENT_LOOK_MS: Final = 1000
BODY_MAX: Final = 1_000_000
"""Bytes of one posted event."""
INSUFFICIENT_STORAGE: Final = 507
NO_GRANT: Final = "This notebook was not made here, so nothing is recorded. Open the workbook from its own link."
_ENVELOPE: Final = {"op", "kind", "data"}
_JOURNALS: Final = "reviewkit_journals"
_RECORD: Final = r"([A-Za-z0-9_-]{1,80})"
_PLAIN: Final = {
    403: "You are not logged in to this Jupyter server. Open it again from its own link.",
    404: "There is nothing at this address. Reload the page.",
    405: "This address does not take such a request. Reload the page.",
}
T = TypeVar("T")
Answer = TypeVar("Answer", bound=Callable[..., Awaitable[None]])


def for_the_owner(method: Answer) -> Answer:
    """Let a route's method run only for who is logged in and may use the server."""
    return cast("Answer", authenticated(authorized(method)))


class ReviewkitHandler(APIHandler):  # type: ignore[misc]  # its base has no types
    """Base of the routes: login as for Jupyter itself, JSON errors with one sentence."""

    auth_resource = "reviewkit"

    def get_login_url(self) -> str:
        """Answer 403 instead of a redirect to a page that a script cannot use."""
        raise HTTPError(403)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with one sentence; what an unforeseen error says stays in the server's log."""
        _, error, _ = kwargs.get("exc_info", (None, None, None))
        text = _PLAIN.get(status_code, "The server could not do this. Try again; your work is kept in the page.")
        if isinstance(error, HTTPError) and error.log_message:
            text = error.log_message.replace("%%", "%")  # tornado doubles them
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps({"message": text}))

    def reply(self, status: int, body: dict[str, Any]) -> None:
        """Answer with JSON that no cache keeps."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(body))

    async def granted(self, record: str) -> Granted:
        """Notebook and grant of a record, or 404."""
        found = await self.off_loop(lambda: Grants().of_record(record))
        if found is None:
            raise HTTPError(404, NO_GRANT)
        return found

    def journal(self, granted: Granted) -> Journal:
        """The record's journal, one object per file so that it is read only once."""
        journals: dict[Path, Journal] = self.settings.setdefault(_JOURNALS, {})
        path = journal_path(granted.notebook, granted.grant.record)
        return journals.setdefault(path, Journal(path, granted.grant.record))

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Run something that waits for the disk without holding up the server; our errors become answers."""
        try:
            return await asyncio.to_thread(work)
        except EventError as error:
            log.get().warning(log.EVENT_REFUSED, status=400, fact=error.fact)
            raise HTTPError(400, str(error)) from error
        except JournalError as error:
            log.get().error(log.JOURNAL_FAILED, record=error.record, reason=error.reason, fact=error.fact)
            raise HTTPError(INSUFFICIENT_STORAGE, str(error)) from error
        except GrantError as error:
            log.get().error(log.JOURNAL_FAILED, reason="grant", fact=error.fact)
            raise HTTPError(INSUFFICIENT_STORAGE, str(error)) from error

    def body(self, keys: set[str]) -> dict[str, Any]:
        """The posted JSON object with exactly these keys, or 413 or 400."""
        if len(self.request.body) > BODY_MAX:
            raise HTTPError(413, "This is more than 1 MB at once, so it was not recorded. Shorten it.")
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise HTTPError(400, "The request is not JSON. Reload the page and try again.") from None
        if not isinstance(body, dict) or body.keys() != keys:
            raise HTTPError(400, f"The request must hold exactly: {', '.join(sorted(keys))}. Reload the page.")
        return body


class GrantHandler(ReviewkitHandler):
    """`GET api/grant?path=<contents path>`."""

    @for_the_owner
    async def get(self) -> None:
        """Answer with the grant of a notebook; 404 without one."""
        notebook = _below(str(self.contents_manager.root_dir), self.get_query_argument("path", ""))
        grant = await self.off_loop(lambda: Grants().of(notebook)) if notebook else None
        if grant is None:
            raise HTTPError(404, NO_GRANT)
        self.reply(200, grant.model_dump(mode="json"))


class RecordHandler(ReviewkitHandler):
    """`GET` and `POST api/record/<record>`."""

    @for_the_owner
    async def get(self, record: str) -> None:
        """Answer with the events, all or those after `?after=<seq>`."""
        after = self.get_query_argument("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise HTTPError(400, "`after` must be the number of an event. Reload the page.")
        granted = await self.granted(record)
        view = await self.off_loop(self.journal(granted).read)
        self.reply(
            200,
            {
                "id": record,
                "events": [event.model_dump(mode="json") for event in view.events if event.seq > int(after)],
                "head": view.head.hash,
                "count": len(view.events),
                "problems": [{"code": p.code, "seq": p.seq, "message": p.text} for p in view.problems],
            },
        )

    @for_the_owner
    async def post(self, record: str) -> None:
        """Store one event: 201, or 200 when the same operation was stored before."""
        started = time.monotonic()
        granted = await self.granted(record)
        body = self.body(_ENVELOPE)
        if granted.grant.preview:
            raise HTTPError(409, "This is a preview: nothing in it is recorded. Open the workbook to work on it.")
        journal = self.journal(granted)
        event, is_new = await self.off_loop(lambda: journal.append(body["op"], body["kind"], body["data"]))
        log.get().debug(
            log.EVENT_RECORDED,
            record=record,
            kind=event.kind.value,
            seq=event.seq,
            is_new=is_new,
            elapsed_ms=round(1000 * (time.monotonic() - started), 1),
        )
        self.reply(201 if is_new else 200, event.model_dump(mode="json", include={"seq", "t", "hash", "prev"}))


class StartHandler(ReviewkitHandler):
    """`POST api/start`."""

    @for_the_owner
    async def post(self) -> None:
        """Make a fresh copy of a workbook of the bank and answer with its contents path."""
        slug = self.body({"slug"})["slug"]
        workbook = _workbook(slug)
        if workbook is None:
            raise HTTPError(404, "There is no workbook of this name here. Choose one that the bank lists.")
        root = Path(str(self.contents_manager.root_dir))
        try:
            granted = await self.off_loop(lambda: issue(workbook, root))
            sign(granted.notebook, self.contents_manager.notary)  # its signatures belong to this thread
        except DataError as error:
            log.get().error(log.WORKBOOK_ISSUED, slug=slug, fact=error.fact)
            raise HTTPError(404, "This workbook is damaged, so it was not opened. Build it again.") from error
        log.get().info(log.WORKBOOK_ISSUED, slug=slug, record=granted.grant.record)
        self.reply(201, {"path": granted.notebook.name})  # the copy lies at the top of the contents root


class UnknownHandler(ReviewkitHandler):
    """Every other address below `reviewkit/api/`."""

    async def prepare(self) -> None:
        """Answer 404 to whatever is asked."""
        await super().prepare()
        raise HTTPError(404, _PLAIN[404])


def _below(root: str, path: str) -> Path | None:
    """Absolute path of a contents path; None when it is empty or leaves the root."""
    if not path or "\0" in path:
        return None
    notebook = os.path.normpath(to_os_path(cast("ApiPath", path), root))
    return Path(notebook) if Path(notebook).is_relative_to(os.path.normpath(root)) else None


def _workbook(slug: object) -> Path | None:
    """The bank's blank workbook of this slug, if there is a bank and it has one."""
    bank = os.environ.get(BANK_VARIABLE)
    if not bank or not isinstance(slug, str):
        return None
    return next((path for path in (Path(bank) / "notebooks").glob("*.ipynb") if path.stem == slug), None)


def _end_with(parent: int) -> None:
    """Stop this server, as a signal does, once the process that started it is gone."""

    def look() -> None:
        if os.getppid() != parent:
            watch.stop()
            os.kill(os.getpid(), signal.SIGTERM)

    watch = PeriodicCallback(look, PARENT_LOOK_MS)
    watch.start()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Name the module that Jupyter loads."""
    return [{"module": "reviewkit.server"}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    """Add the routes, and compression, without which a page is 7 MB instead of 2."""
    application = app.web_app
    if application.settings.get("reviewkit_loaded"):
        return  # enabled under two names
    application.settings["reviewkit_loaded"] = True
    log.configure()
    base = application.settings["base_url"]
    routes: list[tuple[str, type[ReviewkitHandler]]] = [
        (r"api/grant", GrantHandler),
        (rf"api/record/{_RECORD}", RecordHandler),
        (r"api/start", StartHandler),
        (r"api/.*", UnknownHandler),
    ]
    rules: list[Any] = [(url_path_join(base, "reviewkit", route), handler) for route, handler in routes]
    application.add_handlers(".*$", rules)
    if GZipContentEncoding not in application.transforms:
        application.transforms.append(GZipContentEncoding)
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent.isdecimal():
        _end_with(int(parent))
    log.get().info(log.EXTENSION_LOADED, base_url=base, bank_given=bool(os.environ.get(BANK_VARIABLE)))
