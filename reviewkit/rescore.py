"""Scores an archive again with the rubric now in the bank, beside the old results: nothing that was there is touched.

```text
OUT/rescored/rubric-1.1.0-scorer-1.3.0/
  scorecards/ reports/ rows/ runs/   as in OUT
  comparison.html .csv .json         old and new, what changed and why
```
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reviewkit import hiring
from reviewkit.archive import Archived, read_archive
from reviewkit.assess import Assessment, judge, match_state, row_of, run_all, within_change
from reviewkit.bank import Bank, Entry, UnknownScenarioError
from reviewkit.blocking import finished
from reviewkit.carryover import carried_over
from reviewkit.case import load
from reviewkit.collect import write_whole
from reviewkit.comparison import Comparison, compare
from reviewkit.errors import DataError, ReviewkitError, UsageError
from reviewkit.harness.job import Launcher
from reviewkit.notice import notice_text
from reviewkit.outfolder import OutFolder
from reviewkit.report import render_report
from reviewkit.row import Row
from reviewkit.rubric import Rubric
from reviewkit.runs import Runs, keep
from reviewkit.sandbox import SandboxUnavailableError, open_launcher
from reviewkit.scorecard import CheckResult
from reviewkit.scoring import SCORER_VERSION
from reviewkit.store import save_rows, stored

FOLDER: Final = "rescored"
_SAME: Final = ("scorecards", "comparison.json")
"""What tells two results apart; reports carry the time at which they were made."""


@dataclass(frozen=True)
class Rescored:
    """What came of an archive."""

    folder: Path
    comparisons: tuple[Comparison, ...]
    failed: tuple[str, ...]
    """A sentence for each submission that could not be scored again."""
    notes: tuple[str, ...]
    """What was left out, and why."""
    repeated: bool = False
    """The same results were there already, and were kept."""


def rescore(
    out: Path, rubric_version: str, bank: Bank, scenarios: Sequence[str] = (), tell: Callable[[], None] = lambda: None
) -> Rescored:
    """
    Score every archived submission whose scenario's rubric in the bank has the version that is named.

    Args:
        out: What `reviewkit score --out` wrote.
        rubric_version: As in the bank's `rubric.yaml`; the version of before where only the scorer is new.
        bank: With rubrics.
        scenarios: Only these; all by default.
        tell: Called as each submission is done.

    Raises:
        UsageError: If the folder holds nothing scored, or no rubric of the bank has that version.
    """
    archive = read_archive(out)
    chosen, notes = _chosen(archive, rubric_version, bank, scenarios)
    base = out / FOLDER
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=base) as name:
        fresh = Path(name) / "result"
        fresh.mkdir()
        done, failed = _score(chosen, OutFolder(out), bank, OutFolder(fresh), tell)
        comparisons = tuple(comparison for comparison, _row in done)
        suffix = ("" if bank.use_exemplars else "-no-exemplars") + ("-sentences" if bank.use_sentences else "")
        target, repeated = _settle(
            fresh, base, f"rubric-{rubric_version}-scorer-{SCORER_VERSION}{suffix}", comparisons, failed, notes
        )
    if not repeated:
        _remember(OutFolder(out), target, [row for _comparison, row in done])
    return Rescored(target, comparisons, tuple(failed), tuple(notes), repeated)


def _chosen(
    archive: Sequence[Archived], version: str, bank: Bank, scenarios: Sequence[str]
) -> tuple[list[tuple[Archived, Entry]], list[str]]:
    present = sorted({one.card.about.slug for one in archive})
    unknown = sorted(set(scenarios) - set(present))
    if unknown:
        raise UsageError(f"Nothing of {', '.join(unknown)} was scored here.", f"Scored ones: {', '.join(present)}.")
    entries: dict[str, Entry] = {}
    notes: list[str] = []
    for slug in scenarios or present:
        held = sum(one.card.about.slug == slug for one in archive)
        try:
            entry = bank.entry(slug)
        except UnknownScenarioError:
            notes.append(f"{slug}: left out ({held} submissions), this bank does not have it.")
            continue
        if entry.rubric.version == version:
            entries[slug] = entry
        else:
            notes.append(
                f"{slug}: left out ({held} submissions), its rubric in the bank is {entry.rubric.version}, not {version}."
            )
    if not entries:
        raise UsageError(f"No rubric of version {version} for what was scored here.", " ".join(notes))
    return [(one, entries[one.card.about.slug]) for one in archive if one.card.about.slug in entries], notes


def _score(
    chosen: Sequence[tuple[Archived, Entry]], folder: OutFolder, bank: Bank, fresh: OutFolder, tell: Callable[[], None]
) -> tuple[list[tuple[Comparison, Row]], list[str]]:
    done: list[tuple[Comparison, Row]] = []
    failed: list[str] = []
    baselines: dict[str, Sequence[CheckResult]] = {}
    names = {row.sha256: row.file for row in folder.cohort()}
    for one, entry in chosen:
        try:
            comparison, row = _score_one(one, entry, bank, fresh, baselines)
            done.append((comparison, replace(row, file=names.get(row.sha256, row.file))))
        except ReviewkitError as error:
            failed.append(f"{one.sha256[:12]} was not scored again: {error}")
        tell()
    return done, failed


def _score_one(
    one: Archived, entry: Entry, bank: Bank, fresh: OutFolder, baselines: dict[str, Sequence[CheckResult]]
) -> tuple[Comparison, Row]:
    case = load(one.folder, bank, one.sha256)
    state, _outside = within_change(case.submission.state, entry)
    matching = match_state(state, entry)
    runs = case.runs

    def run(launcher: Launcher | None) -> Runs:
        return run_all(state, entry, launcher, matching, baselines.get(entry.slug))

    if runs is None:
        try:
            with open_launcher() as launcher:
                runs = run(launcher)
        except SandboxUnavailableError:
            runs = run(None)
    if all(result.outcome in ("passed", "failed") for result in runs.baseline):
        baselines[entry.slug] = runs.baseline
    old_rubric = _kept_rubric(one)
    decided, notes = carried_over(one.decisions, one.card, old_rubric, entry.scenario, entry.rubric)
    card = judge(case.submission, entry, runs, decided, matching)
    hired = finished(hiring.of(one.folder.store_url, one.sha256))
    stem = f"{entry.slug}-{one.sha256[:12]}"
    generated = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    notice = notice_text(one.folder.root, bank.rubrics)
    html = render_report(card, entry, case.submission, generated, hiring=hired, notice=notice)
    keep(fresh.runs_file(one.sha256), runs)
    write_whole(fresh.root / "scorecards" / f"{stem}.json", card.canonical_json().encode())
    write_whole(fresh.root / "reports" / f"{stem}.html", html.encode("utf-8", "backslashreplace"))
    write_whole(fresh.key_file(entry.rubric.sha256), entry.rubric.canonical_json.encode())
    row = row_of(Assessment(case.submission, entry, card, runs, hired), one.row.file)
    row = replace(row, report=f"reports/{stem}.html", scorecard=f"scorecards/{stem}.json")
    comparison = compare(one.card, card, old_rubric, entry.rubric, notes)
    return replace(comparison, report_old=f"../../{one.row.report}" if one.row.report else "", report_new=row.report), row


def _kept_rubric(one: Archived) -> Rubric | None:
    """The rubric behind the old card, as it was kept then."""
    if not one.card.versions.rubric_sha256:
        return None
    try:
        return Rubric.model_validate_json(one.folder.key_file(one.card.versions.rubric_sha256).read_bytes())
    except (OSError, ValidationError):
        return None


def _settle(
    fresh: Path, base: Path, name: str, comparisons: Sequence[Comparison], failed: Sequence[str], notes: Sequence[str]
) -> tuple[Path, bool]:
    """Give the result its name; the same result keeps the folder that it has, another one never takes its place."""
    from reviewkit.rescoreviews import write_comparison

    write_comparison(fresh, comparisons, failed, notes)
    for number in range(1, 1000):
        target = base / (name if number == 1 else f"{name}-{number}")
        if not target.exists():
            fresh.replace(target)
            return target, False
        if _content(target) == _content(fresh):
            shutil.rmtree(fresh)
            return target, True
    raise DataError(str(base), f"holds a thousand results of {name}", "Move old ones away.")


def _content(folder: Path) -> dict[str, bytes]:
    paths = [
        p
        for part in _SAME
        for p in ([folder / part] if (folder / part).is_file() else sorted((folder / part).glob("*")))
    ]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def _remember(folder: OutFolder, target: Path, rows: Sequence[Row]) -> None:
    """Add rows to the store; one that is there for the same file, rubric and program stays as it is."""
    known = {(row["file"], row["sha256"], row["rubric_version"]) for row in finished(stored(folder.store_url))}
    fresh = [row for row in rows if (row.file, row.sha256, row.rubric_version) not in known]
    if fresh:
        finished(save_rows(folder.store_url, fresh, target))
