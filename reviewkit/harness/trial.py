"""`python -m reviewkit.harness.trial SLUG`: everything a scenario can run, as a table, while one writes it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import yaml

from reviewkit.bank import Entry, find_bank
from reviewkit.proving import Result, Suite, run_in_process


def _print(title: str, results: list[Result], expected: str | None = None) -> None:
    print(f"== {title}")
    for result in results:
        flag = "" if expected is None or result.outcome == expected else "   <<<"
        print(f"  {result.id:32} {result.outcome:10} {result.text[:150]}{flag}")


def _run(entry: Entry, tree: Path, suite: Suite, expected: str | None = None) -> None:
    _print(f"{suite} on {tree.name}", run_in_process(entry, tree, suite), expected)


def _mutants(entry: Entry) -> None:
    folder = entry.rubric_folder
    if folder is None:
        return
    for mutant in sorted((folder / "mutants").glob("*/mutant.yaml")):
        caught_by = yaml.safe_load(mutant.read_text("utf-8"))["caught_by"]
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / mutant.parent.name
            shutil.copytree(folder / "reference", tree)
            shutil.copytree(mutant.parent, tree, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mutant.yaml"))
            results = run_in_process(entry, tree, "checks")
        failed = [r.id for r in results if r.outcome != "passed"]
        flag = "" if caught_by in failed else "   <<<"
        print(f"== mutant {mutant.parent.name}: should fail {caught_by}; fails {', '.join(failed) or 'nothing'}{flag}")


def main() -> None:
    """Run probes, proofs, checks, mutants, traces and loads of one scenario."""
    entry = find_bank().entry(sys.argv[1])
    only = sys.argv[2:]
    head = entry.folder / "head"
    reference = entry.rubric_folder / "reference" if entry.rubric_folder else None
    plan: list[tuple[Path | None, Suite, str | None]] = [
        (head, "probes", None), (reference, "probes", None), (head, "public", "passed"), (reference, "public", "passed"),
        (head, "load", None), (head, "traces", None), (head, "proofs", "shown"), (reference, "proofs", "absent"),
        (head, "checks", None), (reference, "checks", "passed"),
    ]  # fmt: skip
    for tree, suite, expected in plan:
        if tree is not None and (not only or suite in only):
            _run(entry, tree, suite, expected)
    if not only or "mutants" in only:
        _mutants(entry)


if __name__ == "__main__":
    main()
