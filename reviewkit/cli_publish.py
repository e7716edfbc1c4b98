"""`reviewkit publish`: parse, call, print."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from reviewkit.cli_options import BankOption, JsonOption, RubricsOption
from reviewkit.errors import UsageError
from reviewkit.words import RunsIn

if TYPE_CHECKING:
    from reviewkit.keyring import SigningKeyPair


def publish(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Made when missing; else empty, or an earlier publication.")
    ],
    slugs: Annotated[Optional[list[str]], typer.Argument(help="Scenarios; all by default.")] = None,  # noqa: UP045
    runs_in: Annotated[
        Optional[list[RunsIn]],  # noqa: UP045
        typer.Option("--runs-in", help="Instead of names: the scenarios whose code runs in it; may be given again."),
    ] = None,
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    pubkey: Annotated[
        Path | None, typer.Option("--pubkey", help="File of public keys. Default: those of your signing keys.")
    ] = None,
    wheel: Annotated[
        Path | None, typer.Option("--wheel", help="reviewkit's wheel. Default: made of the running package.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the repository that candidates open.

    Scenarios, blank notebooks, binder/, licence, a README, your public keys and reviewkit's wheel; equal input gives equal
    bytes. Every file is searched for canaries and statements of all rubrics and for private keys; on a find nothing is written.

    Examples: reviewkit publish ../interviews checkout stock; reviewkit publish ../small --runs-in python
    """
    from reviewkit.bank import find_bank
    from reviewkit.imageparts import running_in
    from reviewkit.keyring import keys_folder, read_keys
    from reviewkit.publishing import publish as write

    if slugs and runs_in:
        raise UsageError("Scenarios are named and --runs-in chooses others.", "Give the names, or --runs-in.")
    found = find_bank(bank, rubrics)
    chosen = running_in(found, runs_in) if runs_in else slugs or ()
    keys = read_keys(keys_folder())
    made = write(found, chosen, folder, keys=keys, public_keys=_public(keys, pubkey), wheel=wheel)
    if as_json:
        told = {
            "folder": str(made.folder),
            "scenarios": made.scenarios,
            "files": made.files,
            "left_out": made.left_out,
            "key": made.has_key,
        }
        typer.echo(json.dumps(told))
        return
    typer.echo(f"{made.folder}: {len(made.files)} files, {', '.join(made.scenarios)}; nothing of the key is in them.")
    for name in made.left_out:
        typer.echo(f"{name}: no part of a scenario, left out")
    if not made.has_key:
        typer.echo("No public key is in it, so it opens no invites. Make one (reviewkit invite key) and publish again.")


def _public(keys: list[SigningKeyPair], file: Path | None) -> str:
    """The public keys to publish, on one line: those of a file, else of the signing keys, else of REVIEWKIT_PUBKEY."""
    from reviewkit import base64url
    from reviewkit.keyring import PUBKEY_VARIABLE, given_public_keys, public_text

    if file is None and (keys or not os.environ.get(PUBKEY_VARIABLE)):
        return public_text(keys)
    if file is not None and not file.is_file():
        raise UsageError(
            f"{file}: there is no such file of public keys.", "Make it: reviewkit invite key --public > invite.pub"
        )
    return " ".join(base64url.encode(key) for key in given_public_keys(str(file) if file else None).values())
