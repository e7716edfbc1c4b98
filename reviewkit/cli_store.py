"""`reviewkit store`: what is kept, and deleting a person's data for good."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from reviewkit.errors import UsageError

store_app = typer.Typer(help="What is kept of candidates.", no_args_is_help=True)


@store_app.command("purge")
def purge(
    candidate: Annotated[str, typer.Argument(help="Opaque id of the candidate.")],
    out: Annotated[Path, typer.Option("--out", help="Output folder of scoring.")] = Path("reviewkit-out"),
    store: Annotated[str, typer.Option("--store", help="File or URL of the store. Default: REVIEWKIT_STORE, else store.sqlite of --out.")] = "",
    intake: Annotated[str, typer.Option("--intake", envvar="REVIEWKIT_INTAKE", help="Address of the intake, or file or URL of its database.")] = "",
    receipts: Annotated[str, typer.Option("--receipts", help="Receipt log of the intake's database, where it is no file.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:  # fmt: skip
    """Delete a person's data for good.

    Says what went: store rows, files, and what the intake holds.

    Backups and sent reports are out of its reach. It can be run again; what is gone stays gone.

    Example: reviewkit store purge c-17 --intake https://intake.example.org
    """
    from reviewkit.database import sqlite_path, store_url
    from reviewkit.purge import hashes_in, purge_files, purge_store
    from reviewkit.storeplace import store_of

    if not candidate:
        raise UsageError("No candidate is named.", "Give the opaque id, such as c-17.")
    urls = [url for url in dict.fromkeys((store_url(store or None, out), store_of(out))) if _is_there(sqlite_path(url))]
    hashes = hashes_in(out, candidate)
    rows: Counter[str] = Counter()
    # The intake first: should it be out of reach, the stores still know the invites when this is run again.
    invites = [invite for url in urls for invite in asyncio.run(_known_invites(url, candidate))]
    at_intake = asyncio.run(_purge_intake(intake, receipts, candidate, invites)) if intake else {}
    for url in urls:  # of the invites, and of the folder's rows and decisions
        gone, hashes, _invites = asyncio.run(purge_store(url, candidate, hashes))
        rows.update(gone)
    files = purge_files(out, candidate, hashes) if out.is_dir() else ()
    if as_json:
        typer.echo(json.dumps({"store": rows, "files": list(files), "intake": at_intake}))
        return
    for name, count in rows.items():
        typer.echo(f"store: {count} rows of {name}")
    for name in files:
        typer.echo(f"deleted: {out / name}")
    for name, count in at_intake.items():
        typer.echo(f"intake: {count} {name}")
    if not (rows or files or any(at_intake.values())):
        typer.echo("Nothing of this candidate was found.")
    if not intake:
        typer.echo("No intake was named (--intake), so none was purged.")
    typer.echo("Copies in backups, mail and other folders are not deleted by this.")


def use_store(out: Path, place: str) -> None:
    """Let an output folder keep its rows on a server; that, or the one that it remembers, is asked before anything is scored.

    Args:
        out: Output folder, which may not exist yet.
        place: URL of the store, or empty.

    Raises:
        UsageError: If the folder keeps its rows elsewhere, or that is no URL of a server.
        DataError: If the server cannot be used, or the store is of a later version.
    """
    from reviewkit.storeplace import PLACE, choose_store, store_of

    if not place and not (out / PLACE).exists():
        return
    from reviewkit.batch import prepare
    from reviewkit.blocking import finished
    from reviewkit.store import make_ready

    if place:
        prepare(out)
        choose_store(out, place, lambda url: finished(make_ready(url)))
    else:
        finished(make_ready(store_of(out)))


def _is_there(file: Path | None) -> bool:
    """Whether there is a store: one on a server, or a file."""
    return file is None or file.is_file()


async def _known_invites(url: str, candidate: str) -> list[str]:
    from reviewkit.invite_store import InviteStore

    return [known.invite.id for known in await InviteStore(url).all() if known.invite.candidate == candidate]


async def _purge_intake(place: str, receipts: str, candidate: str, invites: list[str]) -> dict[str, int]:
    """Withdraw all the candidate's invites at the intake, then delete what it holds."""
    if place.startswith(("http://", "https://")):
        from reviewkit.intake.client import HIRING_VARIABLE, IntakeClient

        token = os.environ.get(HIRING_VARIABLE, "")
        if not token:
            raise UsageError(f"{HIRING_VARIABLE} is not set.", "Make a token: reviewkit intake token create NAME")
        async with IntakeClient(place, token) as client:
            for invite in invites:
                await client.change_invite(invite, "revoked")
            return await client.purge(candidate)
    from reviewkit.database import database_url, sqlite_path
    from reviewkit.event import timestamp
    from reviewkit.intake.opening import log_path, open_storage

    url = database_url(place)
    file = sqlite_path(url)
    if file is not None and not await asyncio.to_thread(file.is_file):
        raise UsageError(f"{file}: there is no such database.", "Name the intake's database or address with --intake.")
    storage = await open_storage(url, log_path(url, Path(receipts) if receipts else None))
    try:
        for invite in invites:
            await storage.change_invite(invite, "revoked", 0, timestamp())
        return await storage.purge(candidate, timestamp())
    finally:
        await storage.close()
