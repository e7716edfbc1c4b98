"""`reviewkit feedback`: the page that a candidate gets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from reviewkit.cli_options import BankOption, RubricsOption, ScoredArgument


def feedback(
    out: ScoredArgument,
    submission: Annotated[str, typer.Argument(help="Hash, report, file or candidate id of a scored submission.")],
    message: Annotated[Optional[Path], typer.Option("--message", help="Text file: what you want to say to the candidate.")] = None,  # noqa: UP045
    release: Annotated[bool, typer.Option("--release", help="Name and explain every missed flaw: the key leaves your hands.")] = False,
    bank: BankOption = None,
    rubrics: RubricsOption = None,
) -> None:
    """Write the page that a candidate gets.

    Strengths in their own words, what to try next, and what was missed. It holds no score, no decision and no rater. Of missed flaws it says what `feedback` in the rubric allows: nothing, their
    areas (the default for levels in may_tell), or their titles.

    Example: reviewkit feedback results c-17 --message words.txt
    """
    from datetime import UTC, datetime

    from reviewkit.bank import find_bank
    from reviewkit.case import bank_of, load
    from reviewkit.collect import write_whole
    from reviewkit.feedbackpage import read_message, render_feedback
    from reviewkit.outfolder import OutFolder, find_submission
    from reviewkit.refresh import stale

    folder = OutFolder(out)
    sha = find_submission(folder.named(), submission)
    words = read_message(message) if message is not None else ()
    row = folder.scored()[sha]
    card = folder.card(row)
    case = load(folder, bank_of(find_bank(bank, rubrics), card), sha)
    generated = datetime.now(UTC).strftime("%Y-%m-%d")
    html = render_feedback(card, case.entry, case.submission, generated, message=words, released=release)
    target = folder.feedback_file(row)
    write_whole(target, html.encode("utf-8", "backslashreplace"))
    typer.echo(f"{target}: for the candidate{', with the key' if release else ''}")
    if sha in stale(folder):
        typer.echo("Decisions came since it was scored last; score again first: reviewkit adjudicate or decide does it.", err=True)
    if card.queue:
        typer.echo(f"{len(card.queue)} points still wait for a person; the page says that it may not be the last word.", err=True)
