"""The main job on the terminal: score with a progress bar, print the table and where the reports are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reviewkit.bank import Bank, BankNotFoundError, find_bank
from reviewkit.batch import Order, Read, prepare, publish
from reviewkit.batchrun import Runner, score_all
from reviewkit.engine import Engine
from reviewkit.errors import DataError, SubmissionError
from reviewkit.harness.stage import find_driver
from reviewkit.limits import STANDARD, Limits
from reviewkit.progress import print_line, shown_progress
from reviewkit.row import Row
from reviewkit.runtimes.guests import lacking_for
from reviewkit.safe_text import visible
from reviewkit.sandbox import SandboxUnavailableError, probe_level
from reviewkit.submission import parse_submission, read_bytes

if TYPE_CHECKING:
    from reviewkit.batchlog import Done
    from reviewkit.opinionclient import Endpoint
    from reviewkit.remote import RemoteOut


def demo_notebooks(bank: Bank) -> list[Path]:
    """The completed notebooks that come with the bank's interview scenarios; those in TypeScript where Node can run them.

    Raises:
        DataError: If there are none.
    """
    found = [
        path
        for entry in bank
        if entry.rubric_folder is not None and entry.scenario.kind == "interview" and lacking_for(find_driver(entry.folder)) is None
        for path in sorted((entry.rubric_folder / "calibration").glob("*.ipynb"))
    ]
    if not found:
        raise DataError(str(bank.root), "holds no completed notebooks in rubrics/*/calibration", "Name a bank with rubrics.")
    return found


@dataclass(frozen=True)
class How:
    """How a batch is run and told; it gives the same results in any way."""

    engine: Engine = Engine.FORK
    limits: Limits = STANDARD
    again: bool = False
    """Score anew what is done already."""
    lines: bool = False
    """Print rows as they come, as lines of JSON."""
    cluster: Callable[[Order], AbstractContextManager[Runner]] | None = None
    """Where else to score, given the order."""
    read: Read = read_bytes
    """Gives the bytes of a file."""
    remote: RemoteOut | None = None
    """The store whose copy the output folder is."""


def score_and_show(
    paths: Sequence[Path],
    out: Path,
    bank: Path | None,
    rubrics: Path | None,
    jobs: int | None,
    *,
    as_json: bool,
    candidates: Mapping[Path, str] | None = None,
    exemplars: bool = True,
    sentences: bool = False,
    endpoint: Endpoint | None = None,
    how: How = How(),
) -> list[Row]:
    """Score files and print what came out.

    Args:
        paths: Files, in the order of the result.
        out: Output folder.
        bank: Folder of the bank, where one was named.
        rubrics: Folder of the rubrics, where one was named.
        jobs: Submissions to score at a time; None: as many as suit the machine.
        as_json: Print JSON instead of a table.
        candidates: Whose a file is, where an intake knows it from the invite.
        exemplars: Whether matching looks at adjudicated remarks.
        sentences: Whether matching uses the optional sentence model.
        endpoint: Who is asked for a second opinion on what waits for a person.
        how: What moves no score.

    Returns:
        A row per file, in the order given.
    """
    order = _order(out, bank, rubrics, endpoint)
    if isinstance(order, Order):
        order = replace(order, exemplars=exemplars, sentences=sentences, engine=how.engine, limits=how.limits, again=how.again)
    found = _scored(paths, order, jobs, how) if isinstance(order, Order) else _unscored(paths, order, how.read)
    known = candidates or {}
    rows = [replace(row, candidate=known.get(path, row.candidate)) for path, row in zip(paths, found, strict=True)]
    if isinstance(order, Order):
        rows = publish(rows, out)
        if how.remote is not None:
            how.remote.finish()
    if how.lines:
        print_line({"kind": "end", "rows": [row.as_dict() for row in rows]})
    elif as_json:
        print(json.dumps([row.as_dict() for row in rows], ensure_ascii=True))
    if as_json or how.lines:
        for sentence in unchecked(rows):
            Console(stderr=True).print(Text(visible(sentence)), soft_wrap=True)
    else:
        show(rows, out, Console(), how.remote.named if how.remote is not None else None)
    return rows


@dataclass(frozen=True)
class _Lack:
    """What is missing to score anything at all."""

    code: str
    words: str


def _order(out: Path, bank: Path | None, rubrics: Path | None, endpoint: Endpoint | None) -> Order | _Lack:
    try:
        found = find_bank(bank, rubrics)
    except BankNotFoundError:
        if bank is not None:
            raise
        return _Lack("no_bank", "no bank found, so it cannot be scored. Name one with --bank or REVIEWKIT_BANK.")
    if found.rubrics is None:
        words = "the bank has no rubrics, so it cannot be scored. Name their folder with --rubrics or REVIEWKIT_RUBRICS."
        return _Lack("no_rubrics", words)
    url, model = (endpoint.url, endpoint.model) if endpoint else ("", "")
    return Order(out, found.root, found.rubrics, second_opinion=url, second_opinion_model=model)


def _unscored(paths: Sequence[Path], lack: _Lack, read: Read) -> list[Row]:
    """Nothing can be scored, but what is wrong with a file can still be said."""
    rows = []
    for path in paths:
        try:
            submission = parse_submission(read(path), path)
            sentence = f"{path.name}: {lack.words}"
            rows.append(Row(path.name, submission.sha256, scenario=submission.slug, unscored=lack.code, sentence=sentence))
        except SubmissionError as error:
            rows.append(Row(path.name, "", unscored=error.reason_code, sentence=str(error)))
    return rows


def _scored(paths: Sequence[Path], order: Order, jobs: int | None, how: How) -> list[Row]:
    prepare(order.out)  # before the bar is drawn: wrong usage is one line
    cluster = how.cluster(order) if how.cluster is not None else None
    with shown_progress(len(paths), lines=how.lines) as told:

        def tell(done: Done) -> None:
            if how.remote is not None:
                how.remote.keep(done)
            told(done)

        return score_all(paths, order, tell, jobs, cluster, how.read)


def show(rows: Sequence[Row], out: Path, console: Console, named: Callable[[str], str] | None = None) -> None:
    """Print the table of scored rows and where their reports are, then a line for each file that was not scored.

    Args:
        rows: In the order of the lines.
        out: The output folder.
        console: Where to print.
        named: Gives the address of a file by its path in the folder, where that lies in a store.
    """
    place = named or (lambda inside: str(out / inside))
    scored = [row for row in rows if not row.unscored]
    if scored:
        table = Table(title="Results", title_justify="left")
        marks = ["marks"] if any(_marks(row) for row in scored) else []
        for column in ("candidate", "scenario", "total (90 % interval)", "band", "gates", "waiting", *marks):
            table.add_column(column)
        for row in scored:
            total = f"{row.total:5.1f} of {row.over:g}  ({row.low:.1f} to {row.high:.1f})"
            cells = (row.candidate or row.file, row.scenario, total, row.band, row.gates, str(row.waiting), _marks(row))
            table.add_row(*(Text(visible(cell)) for cell in cells[: len(table.columns)]))
        console.print(table)
        if any(row.flags for row in scored):
            console.print("marks: signs on the record that a person must judge; the head of the report names them.", soft_wrap=True)
        for row in scored:
            console.print(Text(visible(place(row.report))), soft_wrap=True)
        console.print(Text(f"Cohort: {place('cohort.html')}   CSV: {place('cohort.csv')}"), soft_wrap=True)
    for row in rows:
        if row.unscored:
            console.print(Text(visible(f"unscored ({row.unscored}): {row.sentence}")), soft_wrap=True)
        if row.batch_words:
            console.print(Text(visible(f"{row.candidate or row.file}: {row.batch_words}")), soft_wrap=True)
    for sentence in unchecked(rows):
        console.print(Text(visible(sentence)), soft_wrap=True)


def _marks(row: Row) -> str:
    """Codes of all marks; `!` before those of a record that was changed outside the workbook."""
    record = f"{'! ' if row.tampering else ''}{row.marks}" if row.flags else ""
    return "; ".join(part.replace("_", " ") for part in (record, row.batch_marks) if part)


def unchecked(rows: Sequence[Row]) -> list[str]:
    """What a person must know of hidden checks that gave no verdict: one line per cause."""
    bare = [row for row in rows if row.unchecked and row.sandbox == "none"]
    found = [f"not run ({_count(len(bare), 'submission')}): {_no_sandbox()}"] if bare else []
    found += [
        f"not run: {row.file}: {_count(row.unchecked, 'hidden check')} could not run at level wasi, so mending is not scored. "
        "The report says why; score it on Linux."
        for row in rows
        if row.unchecked and row.sandbox == "wasi"
    ]
    return found + [
        f"undecided: {row.file}: {_count(row.unchecked, 'hidden check')} gave no verdict, so mending is not scored. "
        "The report says why; score it again."
        for row in rows
        if row.unchecked and row.sandbox not in ("none", "wasi")
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)


def _no_sandbox() -> str:
    try:
        probe_level()
    except SandboxUnavailableError as error:
        return str(error)
    return "No sandbox where it was scored. Hidden checks are not run."
