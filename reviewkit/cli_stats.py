"""Commands on what was scored before: agreement, fairness, re-scoring, exemplars."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer

from reviewkit.cli_options import (
    BankOption,
    ExemplarsOption,
    JsonOption,
    RubricsOption,
    ScoredArgument,
    SentencesOption,
)


def agreement(
    out: ScoredArgument, bank: BankOption = None, rubrics: RubricsOption = None, as_json: JsonOption = False
) -> None:
    """Say how far program and raters agree.

    And raters among themselves: kappa, AC1, alpha, ICC, with intervals.

    Example: reviewkit agreement results
    """
    from rich.console import Console

    from reviewkit.ratertotals import agreement_of
    from reviewkit.statsviews import print_agreement

    report = agreement_of(out, bank, rubrics)
    if as_json:
        typer.echo(json.dumps(report.as_dict(), ensure_ascii=True, allow_nan=False))
    else:
        print_agreement(report, Console())


def fairness(
    out: ScoredArgument,
    groups: Annotated[Path, typer.Option("--groups", help="CSV outside of OUT: candidates' ids and their groups.")],
    by: Annotated[list[str], typer.Option("--by", help="Column of the groups; more than one may be given.")],
    pass_from: Annotated[str, typer.Option("--pass-from", help="Band or percent from which a result passes. Default: the highest band.")] = "",
    id_column: Annotated[str, typer.Option("--id", help="Column of the candidates' ids.")] = "candidate",
    to: Annotated[Optional[Path], typer.Option("--to", help="Write to this file, outside of OUT, instead of the terminal.")] = None,  # noqa: UP045
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Compare groups of an outside table.

    Impact ratio, Fisher's exact test, difference of totals. Nothing of it is stored.

    Example: reviewkit fairness results --groups people.csv --by gender --pass-from strong
    """
    from reviewkit.grouptable import fairness_report, keep_apart, write_report

    if to is not None:
        keep_apart(to, out, "--to")
    comparisons, notes = fairness_report(out, groups, by, pass_from, id_column, bank, rubrics)
    write_report(comparisons, notes, to, as_json=as_json)


def rescore(
    out: ScoredArgument,
    rubric_version: Annotated[str, typer.Option("--rubric-version", help="Version of the rubric in the bank to score with.")],
    scenario: Annotated[Optional[list[str]], typer.Option("--scenario", help="Only this scenario; may be given more than once.")] = None,  # noqa: UP045
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    exemplars: ExemplarsOption = True,
    sentences: SentencesOption = False,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Score the archive with a newer rubric.

    The rubric is the one now in the bank; old results stay, and what changed is said with its reason.

    Exit code 1 when a submission could not be scored again.

    Example: reviewkit rescore results --rubric-version 1.1.0
    """
    from dataclasses import replace

    from rich.console import Console
    from rich.text import Text

    from reviewkit.bank import find_bank
    from reviewkit.rescore import rescore as score_again
    from reviewkit.rescoreviews import as_dict, print_comparison
    from reviewkit.safe_text import visible

    if sentences:
        from reviewkit.sentences import store

        store.require()
    found = replace(find_bank(bank, rubrics), use_exemplars=exemplars, use_sentences=sentences)
    result = score_again(out, rubric_version, found, scenario or ())
    if as_json:
        data = {**as_dict(result.comparisons, result.failed, result.notes), "folder": str(result.folder)}
        typer.echo(json.dumps(data, ensure_ascii=True, allow_nan=False))
    else:
        console = Console()
        print_comparison(result.comparisons, console)
        for words in (*result.notes, *result.failed):
            console.print(Text(visible(words)), soft_wrap=True)
        there = "The same results were there already: " if result.repeated else "What changed and why: "
        console.print(Text(visible(f"{there}{result.folder / 'comparison.html'}")), soft_wrap=True)
    raise typer.Exit(1 if result.failed else 0)


exemplars_app = typer.Typer(help="Adjudicated remarks that improve later matches.", no_args_is_help=True)


@exemplars_app.command("collect")
def exemplars_collect(
    out: ScoredArgument,
    scenario: Annotated[str, typer.Option("--scenario", help="One scenario; all by default.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be added.")] = False,
    bank: BankOption = None,
    rubrics: RubricsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Collect remarks that two raters agree on.

    They go to rubrics/<scenario>/exemplars.yaml; a person reads that file before it is used.

    Example: reviewkit exemplars collect results --scenario checkout
    """
    from reviewkit.bank import find_bank
    from reviewkit.exemplarfiles import gather
    from reviewkit.safe_text import visible

    found = gather(out, find_bank(bank, rubrics), scenario, write=not dry_run)
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=True))
        return
    for one in found:
        typer.echo(
            f"{one.slug}: {len(one.added)} added, {len(one.after.exemplars)} in all, {one.waiting} wait for the rubric's next version."
        )
        for exemplar in one.added:
            typer.echo(visible(f"  {exemplar.name}, {exemplar.verdict}, {exemplar.defect}: {exemplar.text}"))
        for note in one.notes:
            typer.echo(f"  {note}")
        if one.added:
            typer.echo(f"  {'Would be written' if dry_run else 'Read before you commit it'}: {one.file}")


COMMANDS: Final[tuple[Callable[..., Any], ...]] = (agreement, fairness, rescore)
"""Registered by `cli`."""
