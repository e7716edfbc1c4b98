"""Whether adjudicated exemplars improve the matching of other reviews of the same scenario.

The sample reviews of each scenario are cut in halves (a noisy review stays with the one that it repeats); both labellers'
words on one half are the decisions of two raters, and the other half is matched with and without the exemplars that come
of them; then the halves change places. Labels of labeller a are the truth that outcomes are compared with.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from reviewkit.agreement import Agreement, count
from reviewkit.assess import match_state
from reviewkit.bank import Bank, Entry, find_bank
from reviewkit.calibration import Label, Review, labels, reviews, state_of
from reviewkit.exemplarcollect import Judged, collect
from reviewkit.exemplars import EMPTY, Exemplars, ExemplarSet
from reviewkit.scorecard import PairOutcome

NEXT = "99.0.0"
"""A later version of the rubric than any: exemplars are used from the next version on."""


def halves(entry: Entry) -> tuple[list[tuple[Review, Path]], list[tuple[Review, Path]]]:
    """Every second review by id, each noisy one beside its base; gaming reviews are nobody's half."""
    chosen = [item for item in reviews(entry) if item[0].kind != "gaming"]
    bases = sorted({review.base_of or review.id for review, _ in chosen})
    return tuple(  # type: ignore[return-value]
        [item for item in chosen if bases.index(item[0].base_of or item[0].id) % 2 == half] for half in (0, 1)
    )


def judged(entry: Entry, half: Sequence[tuple[Review, Path]]) -> Iterator[Judged]:
    """Both labellers' words on every pair of a half, with what the program said of it."""
    said: list[dict[str, tuple[Label, ...]]] = [labels(entry, "a"), labels(entry, "b")]
    for review, folder in half:
        state = state_of(review, folder)
        findings = {finding.id: finding for finding in state.findings}
        for pair in match_state(state, entry).pairs:
            if pair.kind == "defect":
                words = tuple(
                    "matched" if pair.target in by[review.id][int(pair.finding[1:])].defects else "not matched" for by in said
                )
                yield Judged(findings[pair.finding], pair.target, words, pair.outcome, tuple(g.guard for g in pair.guards), review.id)


def measured(entry: Entry, half: Sequence[tuple[Review, Path]], exemplars: Exemplars) -> list[tuple[PairOutcome, bool]]:
    """(Outcome, label) of every pair of a half."""
    said = labels(entry, "a")
    return [
        (pair.outcome, pair.target in said[review.id][int(pair.finding[1:])].defects)
        for review, folder in half
        for pair in match_state(state_of(review, folder), entry, exemplars).pairs
        if pair.kind == "defect"
    ]


def shown(name: str, found: Agreement) -> str:
    """One line of the table."""
    pairs = found.decided + found.queued
    recall = found.true_accepts / max(1, found.true_accepts + found.false_rejects)
    return (
        f"| {name} | {pairs} | {found.kappa:.3f} | {100 * found.queued / pairs:.1f} % | {found.true_accepts} | {found.false_accepts} "
        f"| {found.false_rejects} | {found.precision:.3f} | {recall:.3f} |"
    )


def main(bank: Bank) -> None:
    """Print the table."""
    print("| set | pairs | kappa of decided | queue | true accepts | false accepts | false rejects | precision | recall of decided |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    every: dict[str, list[tuple[PairOutcome, bool]]] = {"without": [], "with": []}
    for entry in bank:
        one, other = halves(entry)
        found: dict[str, list[tuple[PairOutcome, bool]]] = {"without": [], "with": []}
        sizes = []
        for learn, test in ((one, other), (other, one)):
            made, _notes = collect(ExemplarSet(), list(judged(entry, learn)), entry.rubric)
            sizes.append(len(made.exemplars))
            found["without"] += measured(entry, test, EMPTY)
            found["with"] += measured(entry, test, made.usable(NEXT))
        for name, pairs in found.items():
            every[name] += pairs
            print(shown(f"{entry.slug}, {name}" + (f" ({sizes[0]} and {sizes[1]})" if name == "with" else ""), count(pairs)))
    for name, pairs in every.items():
        print(shown(f"all, {name}", count(pairs)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, default=Path(__file__).resolve().parents[2])
    main(find_bank(parser.parse_args().bank))
