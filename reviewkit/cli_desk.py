"""`reviewkit desk`: the hiring desk in a JupyterLab of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reviewkit.cli_invite import LOCAL, BinderOption, HubOption, LocalOption, RepoOption, StoreOption
from reviewkit.cli_options import BankOption, OutOption, RubricsOption


def desk(
    out: OutOption = Path("reviewkit-out"), bank: BankOption = None, rubrics: RubricsOption = None, store: StoreOption = "",
    repo: RepoOption = "", binder: BinderOption = "", hub: HubOption = "", local: LocalOption = LOCAL,
    intake: Annotated[str, typer.Option("--intake", envvar="REVIEWKIT_INTAKE", help="Address of the intake, for new invites.")] = "",
) -> None:  # fmt: skip
    """Pick, invite, see who is how far, score: in JupyterLab.

    Serves a notebook of the hiring side and prints its link, which holds a token and works on this machine only. The intake
    is asked with the token in REVIEWKIT_INTAKE_TOKEN.

    Example: reviewkit desk --repo owner/interviews --intake https://intake.example.org
    """
    from reviewkit.bank import find_bank
    from reviewkit.hiringserver import serve_notebook
    from reviewkit.invite_links import Places, links

    links("rk1.x.y", Places(repo, binder, hub, local))  # a wrong address is said before a server is started
    found = find_bank(bank, rubrics)
    parameters = {
        "out": str(out.absolute()), "store": store_place(store, out), "repo": repo, "binder": binder, "hub": hub, "local": local,
        "intake": intake,
    }  # fmt: skip
    with serve_notebook("desk", parameters, found) as served:
        typer.echo(f"The hiring desk:\n\n    {served.url}\n\nCtrl+C ends it; invites and results stay.")
        served.wait()


def store_place(given: str, out: Path) -> str:
    """The store for a kernel that runs in another folder; empty where it finds it itself: a URL may hold a password."""
    from reviewkit.storeplace import PLACE, STORE, STORE_VARIABLE

    place = given or os.environ.get(STORE_VARIABLE, "")
    if "://" in place:
        return given
    if not place and (out / PLACE).exists():
        return ""  # the output folder knows
    return str(Path(place or out / STORE).absolute())
