"""Jupyter server extension: the routes through which a page reads its grant and keeps its record.

Contract: docs/record.md, section 4. The server acts only on notebooks that it, or `reviewkit open`, made itself. Errors
are JSON with one `message` and name no path.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from jupyter_server.utils import to_os_path, url_path_join
from tornado.ioloop import IOLoop, PeriodicCallback
from tornado.web import GZipContentEncoding, HTTPError

from reviewkit import log, redact
from reviewkit.bank import BANK_VARIABLE
from reviewkit.deskroute import PAGE_OPTION, DeskHandler, hiring_bank
from reviewkit.errors import DataError, GrantError
from reviewkit.eventdata import Kind
from reviewkit.grants import PARENT_VARIABLE, Granted, Grants, issue
from reviewkit.handlers import NO_GRANT, PLAIN, ReviewkitHandler, for_the_owner, sender_of, start_sending
from reviewkit.openroute import OpenHandler
from reviewkit.outboxroute import OutboxHandler
from reviewkit.outgoing import Outgoings
from reviewkit.terms import DISAGREED, is_agreed
from reviewkit.trust import sign

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from jupyter_server.utils import ApiPath

    from reviewkit.journal import JournalView

PARENT_LOOK_MS: Final = 1000
_ENVELOPE: Final = {"op", "kind", "data"}
_RECORD: Final = r"([A-Za-z0-9_-]{1,80})"


def view_of(granted: Granted, view: JournalView, after: int = 0) -> dict[str, Any]:
    """A record as a page gets it, with the events after a number."""
    return {
        "id": granted.grant.record,
        "events": [event.model_dump(mode="json") for event in view.events if event.seq > after],
        "head": view.head.hash,
        "count": len(view.events),
        "problems": [{"code": p.code, "seq": p.seq, "message": p.text} for p in view.problems],
    }


class GrantHandler(ReviewkitHandler):
    """`GET api/grant?path=<contents path>`."""

    @for_the_owner
    async def get(self) -> None:
        """Answer with the grant of a notebook and what its record holds, which a page needs at once; 404 without a grant."""
        notebook = _below(str(self.contents_manager.root_dir), self.get_query_argument("path", ""))
        granted = await self.off_loop(lambda: Grants().granted(notebook)) if notebook else None
        if granted is None:
            raise HTTPError(404, NO_GRANT)
        self.reply(200, {**granted.grant.model_dump(mode="json"), "view": await self._view(granted)})

    async def _view(self, granted: Granted) -> dict[str, Any] | None:
        """As `GET api/record` answers; None where the journal cannot be read: asked there, the page learns why."""
        try:
            return view_of(granted, await self.off_loop(self.journal(granted).read))
        except HTTPError:
            return None


class RecordHandler(ReviewkitHandler):
    """`GET` and `POST api/record/<record>`."""

    @for_the_owner
    async def get(self, record: str) -> None:
        """Answer with the events, all or those after `?after=<seq>`."""
        after = self.get_query_argument("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) < 16):
            raise HTTPError(400, "`after` must be the number of an event. Reload the page.")
        granted = await self.granted(record)
        self.reply(200, view_of(granted, await self.off_loop(self.journal(granted).read), int(after)))

    @for_the_owner
    async def post(self, record: str) -> None:
        """Store one event: 201, or 200 when the same operation was stored before."""
        started = time.monotonic()
        granted = await self.granted(record)
        body = self.body(_ENVELOPE)
        if granted.grant.preview:
            raise HTTPError(409, "This is a preview: nothing in it is recorded. Open the workbook to work on it.")
        journal = self.journal(granted)
        if granted.grant.terms is not None and body["kind"] != Kind.CONSENT:
            known = (await self.off_loop(journal.read)).events
            if not is_agreed(granted.grant.terms, known):
                raise HTTPError(409, DISAGREED)
        event, is_new = await self.off_loop(lambda: journal.append(body["op"], body["kind"], body["data"]))
        sender = sender_of(self.settings, record)
        if sender is not None:
            sender.wake()
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
        raise HTTPError(404, PLAIN[404])


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


def _go_on_sending(settings: dict[str, Any], root: str) -> None:
    """Take up what a server that ended had not sent on yet; only for notebooks that this one shows."""
    for record in Outgoings().records():
        try:
            granted = Grants().of_record(record)
        except GrantError as error:
            log.get().error(log.JOURNAL_FAILED, reason="grant", fact=error.fact)
            return
        if granted is not None and granted.notebook.is_relative_to(os.path.realpath(root)):
            start_sending(settings, granted)


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
    routes: list[tuple[str, Any]] = [
        (r"open/(.*)", OpenHandler),
        (rf"api/outbox/{_RECORD}", OutboxHandler),
        (r"api/grant", GrantHandler),
        (rf"api/record/{_RECORD}", RecordHandler),
        (r"api/start", StartHandler),
        (r"api/desk", DeskHandler),
        (r"api/.*", UnknownHandler),
    ]
    rules: list[Any] = [(url_path_join(base, "reviewkit", route), handler) for route, handler in routes]
    application.add_handlers(".*$", rules)
    if GZipContentEncoding not in application.transforms:
        application.transforms.append(GZipContentEncoding)
    root = str(getattr(app.contents_manager, "root_dir", app.root_dir))
    if hiring_bank(Path(root)) is not None:
        application.settings.setdefault("page_config_data", {})[PAGE_OPTION] = True
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent.isdecimal():
        _end_with(int(parent))
    redact.install(
        app.log,
        logging.getLogger("tornado.access"),
        logging.getLogger("tornado.application"),
        logging.getLogger("tornado.general"),
    )
    IOLoop.current().add_callback(_go_on_sending, application.settings, root)
    log.get().info(log.EXTENSION_LOADED, base_url=base, bank_given=bool(os.environ.get(BANK_VARIABLE)))
