"""`reviewkit cockpit`: follow a live session with the key beside it, in a JupyterLab of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from reviewkit.cli_desk import store_place
from reviewkit.cli_invite import StoreOption
from reviewkit.cli_options import BankOption, OutOption, RubricsOption


def cockpit(
    invite: Annotated[str, typer.Argument(help="Id of the candidate's invite, as `reviewkit invite list` shows it.")],
    rater: Annotated[str, typer.Option("--rater", envvar="REVIEWKIT_RATER", help="Your opaque id: who said what stays known.")],
    out: OutOption = Path("reviewkit-out"), bank: BankOption = None, rubrics: RubricsOption = None, store: StoreOption = "",
    quiet: Annotated[int, typer.Option("--quiet", min=0, max=120, help="Minutes of focus time, in which only presence is shown, where you want more than the invite promises.")] = 0,
) -> None:  # fmt: skip
    """Follow a session live, beside the key.

    Findings by what they mean, open flaws, the guide's next question, your notes and marks.

    Serves a notebook of the hiring side and prints its link, which holds a token and works on this machine only. Nothing of it
    reaches the candidate's server. The intake is followed with the token in REVIEWKIT_INTAKE_TOKEN.

    Example: reviewkit cockpit 3f0c9a --rater i-2
    """
    from reviewkit.bank import find_bank
    from reviewkit.blocking import finished
    from reviewkit.database import store_url
    from reviewkit.errors import UsageError
    from reviewkit.hiringserver import serve_notebook
    from reviewkit.intake.client import HIRING_VARIABLE
    from reviewkit.invite_store import InviteStore
    from reviewkit.live.cockpit import Cockpit
    from reviewkit.outfolder import OutFolder

    if not os.environ.get(HIRING_VARIABLE):
        raise UsageError(f"{HIRING_VARIABLE} is not set, so nothing can be followed.", "Make one: reviewkit intake token create NAME")
    found = find_bank(bank, rubrics)
    known = finished(InviteStore(store_url(store or None, out)).get(invite))
    Cockpit(found, known.invite, OutFolder(out.absolute()), rater)  # what is missing is said before a server is started
    place = store_place(store, out)
    parameters = {"invite": invite, "rater": rater, "out": str(out.absolute()), "store": place, "quiet": quiet}
    with serve_notebook("cockpit", parameters, found) as served:
        typer.echo(f"The cockpit of {known.invite.candidate}:\n\n    {served.url}\n\nCtrl+C ends it; your entries stay.")
        served.wait()
