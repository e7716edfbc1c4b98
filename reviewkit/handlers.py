"""What all routes of the server extension share: login, JSON errors of one sentence, the journals and senders of this server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, authenticated

from reviewkit import log
from reviewkit.errors import EventError, GrantError, JournalError
from reviewkit.grants import Granted, Grants
from reviewkit.journal import Journal, journal_path
from reviewkit.outgoing import Outgoings
from reviewkit.sender import Sender

BODY_MAX: Final = 1_000_000
"""Bytes of one posted event."""
INSUFFICIENT_STORAGE: Final = 507
NO_GRANT: Final = "This notebook was not made here, so nothing is recorded. Open the workbook from its own link."
_JOURNALS: Final = "reviewkit_journals"
_SENDERS: Final = "reviewkit_senders"
PLAIN: Final = {
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
        text = PLAIN.get(status_code, "The server could not do this. Try again; your work is kept in the page.")
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
        return journal_of(self.settings, granted)

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


def journal_of(settings: dict[str, Any], granted: Granted) -> Journal:
    """The journal of a record, one object per file so that it is read only once."""
    journals: dict[Path, Journal] = settings.setdefault(_JOURNALS, {})
    path = journal_path(granted.notebook, granted.grant.record)
    return journals.setdefault(path, Journal(path, granted.grant.record))


def sender_of(settings: dict[str, Any], record: str) -> Sender | None:
    """What sends a record on from this server, or None."""
    senders: dict[str, Sender] = settings.setdefault(_SENDERS, {})
    return senders.get(record)


def start_sending(settings: dict[str, Any], granted: Granted) -> Sender:
    """Send a record on from now, unless that is done already. Call it in the server's event loop."""
    senders: dict[str, Sender] = settings.setdefault(_SENDERS, {})
    record = granted.grant.record
    sender = senders.setdefault(record, Sender(granted, journal_of(settings, granted), Outgoings()))
    sender.granted = granted
    sender.start()
    return sender
