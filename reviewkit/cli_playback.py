"""`reviewkit playback`: a candidate's record replayed, in a JupyterLab of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reviewkit.cli_options import BankOption, OutOption, RubricsOption


def playback(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A completed notebook; it is read as data, never run.")],
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    invite: Annotated[str, typer.Option("--invite", help="Id of the invite of a live session: shows your notes of it, too.")] = "",
    rater: Annotated[str, typer.Option("--rater", envvar="REVIEWKIT_RATER", help="With --invite: your opaque id.")] = "",
    out: OutOption = Path("reviewkit-out"),
    listed: Annotated[bool, typer.Option("--list", help="Print the steps with their minutes instead of serving the player.")] = False,
) -> None:
    """Replay a candidate's record on a time line.

    When each remark came, after which probe, what an edit of the mend changed, how a drawing grew. Speeds from 1x to 60x,
    step by step, or from remark to remark.

    Example: reviewkit playback inbox/c-17.ipynb
    """
    from reviewkit.bank import find_bank
    from reviewkit.errors import UsageError, printable
    from reviewkit.playback.frames import frames
    from reviewkit.playback.source import entry_for, head_texts
    from reviewkit.submission import read_submission

    if invite and not rater.strip():
        raise UsageError("Say whose notes are shown.", "Name yourself with --rater.")
    submission, found = read_submission(file), find_bank(bank, rubrics)
    if listed:
        entry = entry_for(submission, found)
        for frame in frames(submission.events, entry.scenario if entry else None, head_texts(entry) if entry else None):
            note = f" ({frame.after})" if frame.after else ""
            typer.echo(printable(f"{frame.minute:>7} min  {frame.title}{note}"))
        return
    from reviewkit.hiringserver import serve_notebook

    parameters = {"file": str(file.resolve()), "bank": str(found.root.resolve()), "rubrics": str(found.rubrics.resolve()) if found.rubrics else ""}
    parameters |= {"invite": invite, "rater": rater.strip(), "out": str(out.resolve())}
    with serve_notebook("playback", parameters, found) as served:
        typer.echo(f"The record of {printable(submission.candidate) or 'an unnamed candidate'}:\n\n    {served.url}\n\nCtrl+C ends it.")
        served.wait()
