"""`GET reviewkit/open/<invite>`: verifies, makes or finds the candidate's copy, and leads to it.

The kernel is left to JupyterLab, which starts it after the first drawing: its start takes a second of a processor that the
page needs, and the first screen needs none.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join

from reviewkit import log
from reviewkit.bank import BANK_VARIABLE
from reviewkit.errors import DataError, GrantError, IntakeError, UsageError
from reviewkit.grants import Granted, Grants
from reviewkit.handlers import for_the_owner, start_sending
from reviewkit.invite import REASONS, Invite
from reviewkit.keyring import given_public_keys
from reviewkit.opening import Opened, RefusedError, Said, find_blank, find_copy, genuine, keep_token, permit, take_up
from reviewkit.outgoing import Outgoings
from reviewkit.page import POLICY, refusal_page
from reviewkit.sender import one_try
from reviewkit.trust import sign

PATIENCE: Final = 3.0
"""Seconds for the intake to answer; without an answer the work goes on offline."""
_STORED: Final = "Free some space on this server, then open the link again."
_DAMAGED: Final = "Tell the people who invited you; the server's log says more."


class OpenHandler(JupyterHandler):  # type: ignore[misc]  # its base has no types
    """The address in an invitation. Answers with a redirect to the workbook, or a page of our own that says why not."""

    auth_resource = "reviewkit"

    @for_the_owner
    async def get(self, token: str) -> None:
        """Open an invite."""
        started = time.monotonic()
        try:
            granted, is_new, said = await self._open(token)
            place = self._place(granted)
        except RefusedError as refused:
            log.get().warning(log.INVITE_REFUSED, reason=refused.reason)
            self._page(refused)
            return
        log.get().info(
            log.INVITE_OPENED,
            record=granted.grant.record,
            slug=granted.grant.slug,
            is_new=is_new,
            is_offline=said.is_offline,
            elapsed_ms=round(1000 * (time.monotonic() - started)),
        )
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")  # the address holds the token
        self.redirect(place)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Our own page for what was not foreseen; what the error says stays in the server's log."""
        if status_code == 400:  # the address is not even text
            self._page(RefusedError("malformed", *REASONS["malformed"]))
            return
        refused = RefusedError(
            "failed",
            "The server could not open this link",
            "Try again; if it happens again, tell the people who invited you.",
        )
        self._page(refused, status_code)

    async def _open(self, token: str) -> tuple[Granted, bool, Said]:
        try:
            keys = given_public_keys()
        except UsageError:
            step = "It needs the public key of the people who invited you: REVIEWKIT_PUBKEY."
            raise RefusedError("no_keys", "This server opens no invites: it has no public key", step) from None
        invite = genuine(token, keys)
        said = await ask_intake(invite, token)
        kept = Outgoings()
        try:
            before = await asyncio.to_thread(find_copy, invite, Grants())
            try:
                permit(invite, time.time(), said)
            except RefusedError as refused:
                path = self._path(before) if before is not None else None
                raise RefusedError(refused.reason, refused.fact, refused.next_step, path or "") from None
            opened = await asyncio.to_thread(self._copy, invite, before)
            if opened.is_new:
                sign(opened.granted.notebook, self.contents_manager.notary)  # its signatures belong to this thread
            if invite.intake:
                await asyncio.to_thread(keep_token, invite, token, kept, keys)
                await self._send(opened)
        except GrantError as error:
            log.get().error(log.JOURNAL_FAILED, reason="grant", fact=error.fact)
            raise RefusedError(
                "not_stored", "Your copy of the workbook could not be stored on this server", _STORED
            ) from error
        except DataError as error:
            log.get().error(log.WORKBOOK_ISSUED, slug=invite.slug, fact=error.fact)
            raise RefusedError("failed", "The workbook of this scenario is damaged on this server", _DAMAGED) from error
        return opened.granted, opened.is_new, said

    def _copy(self, invite: Invite, before: Granted | None) -> Opened:
        root = Path(str(self.contents_manager.root_dir))
        bank = os.environ.get(BANK_VARIABLE)
        if before is not None and (before.grant.slug, before.grant.candidate) == (invite.slug, invite.candidate):
            return Opened(before, is_new=False)  # also where the bank has another version by now
        return take_up(invite, find_blank(invite, root, Path(bank) if bank else None), Grants())

    async def _send(self, opened: Opened) -> None:
        """Start sending; a fresh copy waits a moment for what the intake may hold of it already."""
        sender = start_sending(self.settings, opened.granted)
        if opened.is_new:
            try:
                async with asyncio.timeout(PATIENCE):
                    await sender.aligned.wait()
            except TimeoutError:
                pass  # goes on in the background

    def _path(self, granted: Granted) -> str | None:
        """Contents path of a notebook; None when it lies outside what this server shows."""
        root = os.path.realpath(str(self.contents_manager.root_dir))
        notebook = granted.notebook
        return Path(notebook).relative_to(root).as_posix() if notebook.is_relative_to(root) else None

    def _place(self, granted: Granted) -> str:
        """Address of the workbook: a workspace of its own in JupyterLab, or the page of Notebook 7."""
        path = self._path(granted)
        if path is None:
            fact = f"Your workbook {granted.notebook.name} lies in a folder that this server does not show"
            raise RefusedError("elsewhere", fact, "Start Jupyter in the folder where you opened it first.")
        where = f"doc/workspaces/rk-{granted.grant.record}/tree" if self._is_lab() else "notebooks"
        return str(url_path_join(self.base_url, where, quote(path)))

    def _is_lab(self) -> bool:
        asked = self.get_query_argument("ui", "")
        if asked in ("lab", "notebook"):
            return bool(asked == "lab")
        app = self.serverapp
        if getattr(getattr(app, "starter_app", None), "name", "") == "notebook":
            return False  # who started `jupyter notebook` wants its pages
        points = app.extension_manager.extension_points if app is not None else {}
        apps = {getattr(point.app, "name", "") for point in points.values()}
        return "lab" in apps or "notebook" not in apps

    def _page(self, refused: RefusedError, status: int | None = None) -> None:
        self.clear()
        self.set_status(status or refused.status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        where = "doc/tree" if refused.kept and self._is_lab() else "notebooks"
        kept = url_path_join(self.base_url, where, quote(refused.kept)) if refused.kept else ""
        self.finish(refusal_page(refused, kept))


async def ask_intake(invite: Invite, token: str) -> Said:
    """What the invite's intake says of it; offline when it cannot be asked in time."""
    if not invite.intake:
        return Said()
    try:
        async with asyncio.timeout(PATIENCE), one_try(invite.intake, token) as client:
            facts = await client.invite()
            return Said(exp=int(facts["exp"]))
    except IntakeError as error:
        if error.reason in ("revoked", "expired"):
            return Said(is_revoked=error.reason == "revoked", is_expired=error.reason == "expired")
        log.get().warning(log.SENDING_FAILED, record=invite.id, reason=error.reason, phase="opening")
        return Said(is_offline=True)
    except (TimeoutError, ValueError, KeyError, TypeError):
        log.get().warning(log.SENDING_FAILED, record=invite.id, reason="unreachable", phase="opening")
        return Said(is_offline=True)
