"""The matcher with the optional sentence model beside the default, on labelled pairs and on the bank's own sample reviews.

    python benchmarks/matching/sentences.py            # needs: reviewkit setup sentences
    python benchmarks/matching/sentences.py --bank     # the sample reviews only

Pairs: leave one repository out, weights and thresholds from the others. Sample reviews: the shipped weights, places and guards
as in scoring, gaming reviews left out, labeller a as the truth; both models see them for the first time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import evaluate
import labelled
import measures
import numpy as np

from reviewkit import wording
from reviewkit.assess import match_state
from reviewkit.bank import Bank, Entry, find_bank
from reviewkit.calibration import labels, reviews, state_of
from reviewkit.exemplars import EMPTY
from reviewkit.scorecard import PairOutcome
from reviewkit.sentences import store
from reviewkit.sentences.meaning import Meaning, shared

COLUMNS = ("auc", "kappa", "f1", "brier", "ece", "decided", "precision", "npv", "recall")
MODELS = {"words": False, "and the sentence model": True}
Judged = tuple[float, bool, PairOutcome]
"""Probability, label, outcome."""


def on_pairs(with_sentences: bool) -> dict[str, float]:
    """Measures on held-out repositories."""
    data = labelled.read_labelled(meaning=shared().alike if with_sentences else None)
    return evaluate.nested(data)["all"]  # type: ignore[return-value]


def judged(entry: Entry) -> Iterator[Judged]:
    """Every pair of a sample review and a defect."""
    said = labels(entry, "a")
    for review, folder in reviews(entry):
        if review.kind == "gaming":
            continue
        for pair in match_state(state_of(review, folder), entry, EMPTY).pairs:
            if pair.kind == "defect":
                yield pair.probability, pair.target in said[review.id][int(pair.finding[1:])].defects, pair.outcome


def on_reviews(pairs: list[Judged]) -> dict[str, float]:
    """Measures on sample reviews."""
    probabilities, truth, outcomes = (np.array(column) for column in zip(*pairs, strict=True))
    accepted, rejected = outcomes == PairOutcome.MATCHED, outcomes == PairOutcome.NOT_MATCHED
    return measures.report(probabilities.astype(float), truth.astype(int), accepted, rejected).as_dict()


def line(name: str, found: dict[str, float]) -> str:
    """One line of a table."""
    return f"| {name} | {found['pairs']:.0f} | " + " | ".join(f"{found[column]:.4f}" for column in COLUMNS) + " |"


def speed() -> str:
    """CPU milliseconds for a text of the labelled pairs, none seen before."""
    texts = sorted({wording.prepare(text).clean for row in labelled.rows(labelled.PAIRS) for text in row["candidates"]})[::20]
    fresh = Meaning.of(store.load())
    fresh.alike(texts[0], texts[:1])
    start = time.process_time()
    for text in texts[1:]:
        fresh.alike(text, texts[:1])
    spent = 1000 * (time.process_time() - start) / (len(texts) - 1)
    return f"{spent:.0f} ms of CPU a text ({sum(map(len, texts)) // len(texts)} characters on average, {len(texts)} texts)."


def main(bank: Bank, *, pairs: bool) -> None:
    """Print the tables."""
    print(f"| set | pairs | {' | '.join(COLUMNS)} |")
    print("| --- | ---" + " | ---" * len(COLUMNS) + " |")
    if pairs:
        for name, use in MODELS.items():
            print(line(f"labelled pairs, {name}", on_pairs(use)), flush=True)
    every: dict[str, list[Judged]] = {name: [] for name in MODELS}
    for slug in bank.slugs:
        for name, use in MODELS.items():
            found = list(judged(replace(bank, use_sentences=use).entry(slug)))
            every[name] += found
            print(line(f"{slug}, {name}", on_reviews(found)), flush=True)
    for name, found in every.items():
        print(line(f"sample reviews, {name}", on_reviews(found)))
    print(speed())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bank", action="store_true", help="the bank's sample reviews only")
    store.require()
    main(find_bank(Path(__file__).resolve().parents[2]), pairs=not parser.parse_args().bank)
