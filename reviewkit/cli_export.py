"""`reviewkit export`: the cohort as a table for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reviewkit.cli_options import ScoredArgument


def export(
    out: ScoredArgument,
    to: Annotated[Path, typer.Argument(metavar="FILE", help="File to write: .csv, .parquet or .xlsx.")],
) -> None:
    """Write the cohort as CSV, Parquet or XLSX.

    The rows of cohort.html, and what each found of the planted flaws by level and domain. No cell is a formula. Parquet and
    XLSX need pip install 'reviewkit[export]'.

    Example: reviewkit export reviewkit-out round.xlsx
    """
    from reviewkit.cohorttable import export as write
    from reviewkit.errors import UsageError
    from reviewkit.outfolder import OutFolder

    rows = OutFolder(out).cohort()
    if not rows:
        raise UsageError(f"{out}: holds no scored submissions.", "Name the folder that reviewkit score --out wrote.")
    write(rows, to)
    typer.echo(f"{to}: {len(rows)} {'row' if len(rows) == 1 else 'rows'}")
