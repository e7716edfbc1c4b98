"""`reviewkit intake`: serve, hand in a file, back up, verify, tokens of the hiring side."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, TypeVar

import typer

from reviewkit.errors import IntakeError, UsageError

if TYPE_CHECKING:
    from reviewkit.intake.rows import Receipt
    from reviewkit.intake.storage import Storage
    from reviewkit.invite import Invite

intake_app = typer.Typer(help="The service that receives records and submissions.", no_args_is_help=True)
token_app = typer.Typer(help="Hiring-side tokens of an intake.", no_args_is_help=True)
intake_app.add_typer(token_app, name="token")

DB_VARIABLE = "REVIEWKIT_INTAKE_DB"
INVITE_VARIABLE = "REVIEWKIT_INVITE"
T = TypeVar("T")

DbOption = Annotated[
    str, typer.Option("--db", envvar=DB_VARIABLE, help="File of the database, or postgresql://user@host/name.")
]
ReceiptsOption = Annotated[
    Optional[Path],  # noqa: UP045 - typer reads the annotation at run time
    typer.Option("--receipts", help="File of the receipt log. Default: beside the database file."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DB = "reviewkit-intake/intake.sqlite"


@intake_app.command()
def serve(
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8700,
    pubkey: Annotated[
        str, typer.Option("--pubkey", help="Public keys of invites, or a file of them. Default: REVIEWKIT_PUBKEY.")
    ] = "",
) -> None:
    """Serve until it is told to stop. Put TLS in front of it (docs/deploy.md).

    Example: reviewkit intake serve --pubkey invite.pub
    """
    try:
        from reviewkit.intake.serving import serve as run
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The intake needs {error.name}.", "Install it with: pip install 'reviewkit[intake]'"
        ) from None
    from reviewkit.keyring import given_public_keys

    keys = given_public_keys(pubkey or None)
    url, log = _places(db, receipts, make=True)
    shown = f"[{host}]" if ":" in host else host
    asyncio.run(
        run(
            url, log, keys, host, port, lambda taken: typer.echo(f"The intake takes requests at http://{shown}:{taken}")
        )
    )


@intake_app.command()
def add(
    file: Annotated[Path, typer.Argument(help="Completed notebook that a candidate sent.")],
    invite: Annotated[
        str,
        typer.Option(
            "--invite", envvar=INVITE_VARIABLE, help="The candidate's link, its token, or the invite's id; - reads it."
        ),
    ],
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
    pubkey: Annotated[str, typer.Option("--pubkey", help="Public keys of invites, or a file of them.")] = "",
    store: Annotated[
        str, typer.Option("--store", help="Store of the invites, where the invite is given by its id.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Hand in a file for a candidate whose network failed. The same rules as for the service hold.

    Example: reviewkit intake add c-17.ipynb --invite 3f0c2a9b51d74e08
    """
    from reviewkit.intake.handin import hand_in, read_file

    body = read_file(file)
    text = typer.get_text_stream("stdin").readline() if invite == "-" else invite
    found, token = _invite(text.strip(), pubkey, store)
    url, log = _places(db, receipts, make=True)

    async def work(storage: Storage) -> Receipt:
        return await hand_in(storage, found, token, body, time.time())

    receipt = _with_storage(url, log, work)
    if as_json:
        typer.echo(
            json.dumps({"receipt": receipt.receipt, "sha256": receipt.sha256, "received_at": receipt.received_at})
        )
    else:
        words = "is stored" if receipt.is_new else "was stored before"
        typer.echo(f"{file.name} {words} for {found.candidate}. Receipt: {receipt.receipt}")


@intake_app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="New folder for the copy.")],
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
) -> None:
    """Copy database and receipt log.

    The service may go on; the copy is verified.

    Example: reviewkit intake backup backups/2026-11-28
    """
    from reviewkit.intake.upkeep import backup as copy

    url, log = _places(db, receipts)
    target = _with_storage(url, log, lambda storage: copy(storage, url, folder))
    typer.echo(
        f"{target}: copied and verified, with its receipt log. It holds personal data: keep it as safe as the database."
    )


@intake_app.command()
def verify(
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Go on after a loss: note what is missing in the receipt log.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check receipts, hashes and chains.

    Says what is wrong with the database file, and exits with 1 then.

    Example: reviewkit intake verify --db intake.sqlite
    """
    from reviewkit.intake import upkeep

    url, log = _places(db, receipts)
    if accept:
        for text in asyncio.run(upkeep.accept(url, log)):
            typer.echo(f"given up: {text}")
    problems = asyncio.run(upkeep.verify(url, log))
    if as_json:
        typer.echo(json.dumps(problems))
    else:
        for problem in problems:
            typer.echo(problem)
        typer.echo(f"{len(problems)} problems" if problems else "Everything that was confirmed is there and unchanged.")
    raise typer.Exit(1 if problems else 0)


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="What it is for; shown in the list.")],
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
) -> None:
    """Make a token that reads everything, and show it this once.

    Example: reviewkit intake token create scoring
    """
    from reviewkit.event import timestamp
    from reviewkit.intake.access import make_token

    if not name.isprintable() or len(name) > 80:
        raise UsageError("A token's name has at most 80 printable characters.", "Use one such as scoring.")
    url, log = _places(db, receipts, make=True)
    typer.echo(_with_storage(url, log, lambda storage: make_token(storage, name, timestamp())))


@token_app.command("list")
def token_list(db: DbOption = DB, receipts: ReceiptsOption = None, as_json: JsonOption = False) -> None:
    """List the tokens; they themselves are kept nowhere.

    Example: reviewkit intake token list
    """
    from reviewkit.intake.access import list_tokens
    from reviewkit.views import print_table

    rows = _with_storage(*_places(db, receipts), list_tokens)
    if as_json:
        typer.echo(json.dumps(rows))
    else:
        print_table(
            "Tokens", [{key: "" if value is None else str(value) for key, value in row.items()} for row in rows]
        )


@token_app.command("revoke")
def token_revoke(
    number: Annotated[int, typer.Argument(help="As the list shows it.")],
    db: DbOption = DB,
    receipts: ReceiptsOption = None,
) -> None:
    """Withdraw a token; it stops working at once.

    Example: reviewkit intake token revoke 2
    """
    from reviewkit.event import timestamp
    from reviewkit.intake.access import revoke_token

    _with_storage(*_places(db, receipts), lambda storage: revoke_token(storage, number, timestamp()))
    typer.echo(f"Token {number} is withdrawn.")


def _places(db: str, receipts: Path | None, *, make: bool = False) -> tuple[str, Path]:
    """URL of the database and path of its receipt log."""
    from reviewkit.database import database_url, sqlite_path
    from reviewkit.intake.opening import log_path

    url = database_url(db)
    file = sqlite_path(url)
    if file is not None and make:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif file is not None and not file.exists():
        raise UsageError(f"{file}: there is no such database.", f"Name it with --db or {DB_VARIABLE}.")
    return url, log_path(url, receipts)


def _with_storage(url: str, log: Path, work: Callable[[Storage], Awaitable[T]]) -> T:
    from reviewkit.intake.opening import open_storage

    async def run() -> T:
        storage = await open_storage(url, log)
        try:
            return await work(storage)
        finally:
            await storage.close()

    return asyncio.run(run())


def _invite(text: str, pubkey: str, store: str) -> tuple[Invite, str]:
    """The invite that a token, a link or an id names, and its token where one was given."""
    from reviewkit.database import store_url
    from reviewkit.invite import looks_like_token, read, token_of
    from reviewkit.invite_store import InviteStore
    from reviewkit.keyring import PUBKEY_VARIABLE, given_public_keys, keys_folder, public_text, read_keys

    token = token_of(text)
    if not looks_like_token(token):
        known = asyncio.run(InviteStore(store_url(store or None, Path("reviewkit-out"))).get(token))
        if known.revoked_at is not None:
            raise IntakeError("revoked", "This invite was withdrawn", "Make a new one: reviewkit invite create")
        return known.invite, ""
    own = "" if pubkey or os.environ.get(PUBKEY_VARIABLE) else public_text(read_keys(keys_folder()))
    return read(token, given_public_keys(pubkey or own or None)), token
