"""Commands for raters and for those who decide: `adjudicate` and `decide`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from reviewkit.cli_options import BankOption, RubricsOption, ScoredArgument
from reviewkit.errors import DataError, UsageError

if TYPE_CHECKING:
    from reviewkit.adjudication import Scope
    from reviewkit.bank import Bank
    from reviewkit.outfolder import OutFolder



def adjudicate(
    out: ScoredArgument,
    rater: Annotated[str, typer.Option("--rater", help="Your opaque id as a rater; your decisions carry it.")] = "",
    submission: Annotated[str, typer.Option("--submission", help="Only this one: first digits of its hash, or its report.")] = "",
    disputed: Annotated[bool, typer.Option("--disputed", help="Only what raters disagree about.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Also what is settled, to overrule it.")] = False,
    notebook: Annotated[bool, typer.Option("--notebook", help="Work in JupyterLab instead of the terminal.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Print what is open, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --list: JSON for scripts.")] = False,
    import_file: Annotated[Optional[Path], typer.Option("--import", help="Take decisions from a file of JSON lines.")] = None,  # noqa: UP045
    export: Annotated[bool, typer.Option("--export", help="Print decisions as JSON lines; with --rater only yours.")] = False,
    bank: BankOption = None,
    rubrics: RubricsOption = None,
) -> None:
    """Decide what waits for a person.

    Items on which most of the result hangs come first.

    Shows remarks, the key and the program's reasons; no candidate, no score, no other rater. Afterwards scorecards, reports
    and cohort are made again.

    Example: reviewkit adjudicate results --rater r1
    """
    from reviewkit.adjudication import Scope
    from reviewkit.bank import find_bank
    from reviewkit.outfolder import OutFolder, find_submission

    folder = OutFolder(out)
    wanted = [find_submission(folder.named(), submission)] if submission else list(folder.scored())
    if export:
        _export(folder, wanted, rater)
        return
    if not rater.strip() and not (listed and disputed):
        raise UsageError("Say who decides.", "Name a rater, for example --rater r1.")
    if disputed and everything:
        raise UsageError("--disputed and --all exclude each other.", "Name one of them.")
    scope = Scope.DISPUTED if disputed else Scope.ALL if everything else Scope.OPEN
    found = find_bank(bank, rubrics)
    if listed:
        _list(folder, found, rater, wanted, scope=scope, as_json=as_json)
        return
    failed = False
    try:
        if import_file is not None:
            failed = _import(folder, import_file, rater)
        elif notebook:
            _in_notebook(folder, found, rater, submission, scope=scope)
        else:
            _in_terminal(folder, found, rater, wanted, scope=scope)
    finally:
        _bring_up_to_date(folder, found)
    raise typer.Exit(1 if failed else 0)


def decide(
    out: ScoredArgument,
    submission: Annotated[str, typer.Argument(help="Hash, report, file or candidate id of a scored submission.")],
    decision: Annotated[str, typer.Option("--decision", help="What was decided, in your words.")],
    author: Annotated[str, typer.Option("--author", help="Who decides: a person, or a panel's spokesman.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in your words.")],
    bank: BankOption = None,
    rubrics: RubricsOption = None,
) -> None:
    """Write a hiring decision into report, cohort and CSV. It is a person's; nothing here computes one.

    Example: reviewkit decide results c-17 --decision "invite to the panel" --author kim --reason "strong on data loss"
    """
    from pydantic import ValidationError

    from reviewkit import hiring
    from reviewkit.bank import find_bank
    from reviewkit.blocking import finished
    from reviewkit.outfolder import OutFolder, find_submission
    from reviewkit.ratingdesk import now
    from reviewkit.refresh import refresh

    folder = OutFolder(out)
    sha = find_submission(folder.named(), submission)
    try:
        made = hiring.HiringDecision(decision=decision.strip(), author=author.strip(), time=now(), reason=reason.strip())
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise UsageError(f"--{fault['loc'][0]}: {fault['msg']}.", "Say who decided what, and why.") from None
    found = find_bank(bank, rubrics)
    finished(hiring.add(folder.store_url, sha, made))
    (row,) = refresh(folder, found, [sha])
    typer.echo(f"Decided by {made.author}; the report says so: {folder.root / row.report}")


def _export(folder: OutFolder, wanted: list[str], rater: str) -> None:
    from reviewkit import decisions
    from reviewkit.adjudication import own
    from reviewkit.blocking import finished
    from reviewkit.decision_file import lines

    said = finished(decisions.everything(folder.store_url))
    for line in lines({sha: own(said.get(sha, ()), rater) if rater else said.get(sha, ()) for sha in wanted}):
        typer.echo(line)


def _list(
    folder: OutFolder, bank: Bank, rater: str, wanted: list[str], *, scope: Scope, as_json: bool
) -> None:
    from reviewkit.ratingdesk import Desk

    desk = Desk.open(folder, bank, rater, wanted, scope=scope)
    for trouble in desk.troubles:
        typer.echo(trouble, err=True)
    items = desk.open_items()
    if as_json:
        typer.echo(json.dumps(items, ensure_ascii=True))
    else:
        for item in items:
            typer.echo(f"{str(item['submission'])[:8]}  {item['scenario']}  {item['title']}")
        typer.echo(f"{len(items)} {scope.value}")
    if desk.troubles:
        raise typer.Exit(1)


def _import(folder: OutFolder, file: Path, rater: str) -> bool:
    """Store the good lines of a file; whether there were bad ones."""
    from reviewkit import decisions
    from reviewkit.blocking import finished
    from reviewkit.decision_file import read_lines
    from reviewkit.errors import printable
    from reviewkit.ratingdesk import now

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({type(error).__name__}).", "Name a UTF-8 file of JSON lines.") from None
    rows = folder.scored()
    cards = {sha: folder.card(row) for sha, row in rows.items()}
    stored = finished(decisions.everything(folder.store_url))
    read = read_lines(text, list(rows.items()), cards, stored, rater=rater, now=now())
    for sha, said in read.decisions.items():
        finished(decisions.add(folder.store_url, sha, said))
    for problem in read.problems:
        typer.echo(printable(f"{file.name}: {problem}"), err=True)
    taken = sum(len(said) for said in read.decisions.values())
    typer.echo(f"{taken} decisions taken, {read.known} known already, {len(read.problems)} lines left out")
    return bool(read.problems)


def _in_terminal(folder: OutFolder, bank: Bank, rater: str, wanted: list[str], *, scope: Scope) -> None:
    from rich.console import Console

    from reviewkit.adjudicate_terminal import work
    from reviewkit.keyboard import Terminal
    from reviewkit.ratingdesk import Desk

    keys = Terminal()
    work(Desk.open(folder, bank, rater, wanted, scope=scope), keys, Console(highlight=False))


def _in_notebook(folder: OutFolder, bank: Bank, rater: str, submission: str, *, scope: Scope) -> None:
    from reviewkit.hiringserver import serve_notebook

    parameters = {"out": str(folder.root.resolve()), "rater": rater, "submission": submission, "scope": scope.value}
    with serve_notebook("adjudicate", parameters, bank) as served:
        typer.echo(f"Every decision is kept as you take it.\n\n    {served.url}\n\nCtrl+C ends the server.")
        try:
            served.wait()
        except KeyboardInterrupt:
            typer.echo("")


def _bring_up_to_date(folder: OutFolder, bank: Bank) -> None:
    """Make the files of every submission again whose decisions they do not show yet."""
    from reviewkit.refresh import refresh, stale

    wanted = stale(folder)
    if not wanted:
        return
    try:
        rows = refresh(folder, bank, wanted)
    except DataError as error:
        raise DataError(error.place, f"{error.fact}; the decisions are kept", error.next_step) from None
    unscored = [row for row in rows if row.unscored]
    for row in unscored:
        typer.echo(row.sentence, err=True)
    typer.echo(f"{len(rows) - len(unscored)} submissions scored again; reports and cohort are up to date")
