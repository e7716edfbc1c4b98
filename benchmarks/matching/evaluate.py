"""Measures the matcher on labelled pairs, leave one repository out.

    python benchmarks/matching/evaluate.py                 # held-out repositories: weights and thresholds refitted
    python benchmarks/matching/evaluate.py --shipped       # the shipped model end to end, guards included (in sample)
    python benchmarks/matching/evaluate.py --shipped FILE  # the same on another file of the same format
    python benchmarks/matching/evaluate.py --polarity      # contradictory short answers (CC-BY-SA data, never shipped)

Prints JSON. The labels are verdicts of language models on rewritten findings without places: good for comparing
matchers, no substitute for a bank's own labels.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import fit
import labelled
import measures
import numpy as np

from reviewkit import model
from reviewkit.matchfile import match_text_file
from reviewkit.statements import Judge

POLARITY = labelled.DATA / "semeval2013_task7_train.jsonl.gz"


def nested(data: labelled.Labelled) -> dict[str, object]:
    """Weights and thresholds from the other repositories only, thresholds from a second split inside them."""
    probability = np.zeros(len(data.labels))
    accepted = np.zeros(len(data.labels), dtype=bool)
    rejected = np.zeros(len(data.labels), dtype=bool)
    bands: dict[str, tuple[float, float]] = {}
    for repository in sorted(set(data.repositories)):
        inside = data.repositories == repository
        rest = labelled.Labelled(
            data.features[~inside], data.labels[~inside], data.repositories[~inside], data.reviews[~inside], ()
        )
        probability[inside] = fit.predict(fit.fit(rest.features, rest.labels), data.features[inside])
        accept, reject = measures.band(fit.held_out(rest), rest.labels, fit.ACCEPT_PRECISION, fit.REJECT_NPV)
        bands[repository] = (accept, reject)
        accepted |= inside & (probability >= accept)
        rejected |= inside & (probability <= reject)
    found: dict[str, object] = {"all": measures.report(probability, data.labels, accepted, rejected).as_dict()}
    for repository, edges in bands.items():
        inside = data.repositories == repository
        part = measures.report(probability[inside], data.labels[inside], accepted[inside], rejected[inside])
        found[repository] = {"accept": edges[0], "reject": edges[1], **part.as_dict()}
    return found


def shipped(path: Path) -> dict[str, object]:
    """The shipped model through the same door as `reviewkit match`."""
    labels: list[int] = []
    probabilities: list[float] = []
    outcomes: list[str] = []
    guarded: dict[str, int] = {}
    reviews = list(labelled.rows(path))
    answers = match_text_file(labelled.review_line(number, row) for number, row in enumerate(reviews))
    for row, answer in zip(reviews, answers, strict=True):
        pairs: Mapping[tuple[str, str], dict[str, object]] = {
            (pair["finding"], pair["defect"]): pair for pair in json.loads(answer)["pairs"]
        }
        for golden, candidate, label in row["pairs"]:
            pair = pairs[f"f{candidate}", f"d{golden}"]
            labels.append(label)
            probabilities.append(float(str(pair["probability"])))
            outcomes.append(str(pair["outcome"]))
            for hit in pair["guards"]:  # type: ignore[attr-defined]
                if label and probabilities[-1] >= model.shipped().text_band.accept:
                    guarded[hit["guard"]] = guarded.get(hit["guard"], 0) + 1
    said = np.array(outcomes)
    accepted, rejected = np.char.startswith(said, "matched"), np.char.startswith(said, "not matched")
    report = measures.report(np.array(probabilities), np.array(labels), accepted, rejected)
    return {"all": report.as_dict(), "true_accepts_held_back_by_guard": dict(sorted(guarded.items()))}


def polarity() -> dict[str, object]:
    """Share of graded short answers that the statement judge accepts, by grade."""
    counts: dict[str, dict[str, int]] = {}
    for row in labelled.rows(POLARITY):
        verdict = Judge.of({"answer": row["references"]}).judge(row["answer"], "answer")
        grade = counts.setdefault(row["label3"], {})
        grade[verdict.state.value] = grade.get(verdict.state.value, 0) + 1
    return {
        grade: {state: round(n / sum(found.values()), 4) for state, n in sorted(found.items())}
        | {"answers": sum(found.values())}
        for grade, found in sorted(counts.items())
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shipped", nargs="?", const=labelled.PAIRS, type=Path, metavar="FILE")
    parser.add_argument("--polarity", action="store_true")
    asked = parser.parse_args()
    if asked.polarity:
        found = polarity()
    elif asked.shipped is not None:
        found = shipped(asked.shipped)
    else:
        found = nested(labelled.read_labelled())
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
