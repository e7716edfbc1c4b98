"""Commands on what was scored before: agreement, fairness, exemplars."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Optional

import typer

from reviewkit.cli_options import BankOption, JsonOption, RubricsOption, ScoredArgument


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
    """Add remarks that two raters agree on to rubrics/<scenario>/exemplars.yaml; a person reads the file before it is used.

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


COMMANDS: Final[tuple[Callable[..., Any], ...]] = (agreement, fairness)
"""Registered by `cli`."""
