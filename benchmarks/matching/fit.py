"""Fits what the matcher ships: word table, table of kin words, weights and thresholds.

    python benchmarks/matching/fit.py tables     # reviewkit/data/idf.json and kin.json, from the background corpus
    python benchmarks/matching/fit.py weights    # reviewkit/data/matcher.json, from the labelled pairs
    python benchmarks/matching/fit.py sentences  # reviewkit/data/matcher-sentences.json, the same with the sentence model

`tables` depends on the machine's linear algebra in the last bit, so run it only to change the tables; `weights` gives
the shipped numbers again (tests/test_matching.py holds it to that).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import labelled
import measures
import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD

from reviewkit import kinship, wording
from reviewkit.model import FEATURES, MEANING
from reviewkit.sentences import store
from reviewkit.sentences.meaning import shared

OUT = Path(__file__).resolve().parents[2] / "reviewkit" / "data"
RIDGE = 0.1
"""Weight of the squared coefficients in the loss; small, since four features cannot overfit 4,000 pairs by much."""
DIMENSIONS = 200
LEAST_TEXTS = 2
"""Texts a stem must occur in to get a direction."""
ACCEPT_PRECISION = 0.95
REJECT_NPV = 0.98


def write(name: str, data: object) -> None:
    """Write a data file of the package, sorted and compact."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    (OUT / name).write_text(text, encoding="utf-8")


def fit_tables() -> None:
    """Count words, then find the directions in which they keep company."""
    texts = labelled.remarks()
    write("idf.json", wording.build_idf(texts, least=1))
    wording.background.cache_clear()
    idf = wording.background()
    stems = sorted(stem for stem, count in idf.counts.items() if count >= LEAST_TEXTS)
    column = {stem: at for at, stem in enumerate(stems)}
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        counts: dict[str, int] = {}
        for stem in wording.prepare(text).order:
            counts[stem] = counts.get(stem, 0) + 1
        for stem in sorted(counts.keys() & column.keys()):
            rows.append(row)
            columns.append(column[stem])
            values.append((1 + np.log(counts[stem])) * idf.weight(stem))
    matrix = csr_matrix((values, (rows, columns)), shape=(len(texts), len(stems)))
    found = TruncatedSVD(DIMENSIONS, n_iter=10, random_state=0).fit(matrix).components_.T
    # One scale for the whole table keeps the relative lengths; the few cells beyond it are cut.
    scale = 127 / np.quantile(np.abs(found), 0.9995)
    cells = np.clip(np.rint(found * scale), -127, 127).astype(int)
    write("kin.json", kinship.encode(stems, cells.tolist()))
    kinship.table.cache_clear()


def fit(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Intercept and coefficients of a ridge logistic regression whose coefficients cannot be negative."""

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        odds = parameters[0] + features @ parameters[1:]
        value = np.logaddexp(0, odds).sum() - labels @ odds + 0.5 * RIDGE * parameters[1:] @ parameters[1:]
        error = 1 / (1 + np.exp(-odds)) - labels
        slope = np.concatenate([[error.sum()], features.T @ error + RIDGE * parameters[1:]])
        return float(value), slope

    bounds = [(None, None)] + [(0, None)] * features.shape[1]
    options = {"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9}
    return minimize(
        loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds, options=options
    ).x


def predict(parameters: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Probabilities, rounded as the matcher rounds them."""
    return np.round(1 / (1 + np.exp(-(parameters[0] + features @ parameters[1:]))), 4)


def held_out(data: labelled.Labelled) -> np.ndarray:
    """Probability of each pair by a fit on the other repositories."""
    found = np.zeros(len(data.labels))
    for repository in sorted(set(data.repositories)):
        inside = data.repositories == repository
        found[inside] = predict(fit(data.features[~inside], data.labels[~inside]), data.features[inside])
    return found


def weights(data: labelled.Labelled, encoder: str = "") -> dict[str, Any]:
    """
    The model as plain data; coefficients from all pairs, thresholds from held-out probabilities.

    Args:
        data: With the sentence model's feature if `encoder` names one.
        encoder: Name and hash of the sentence model.
    """
    names = (*FEATURES, MEANING) if encoder else FEATURES
    parameters = fit(data.features, data.labels)
    accept, reject = measures.band(held_out(data), data.labels, ACCEPT_PRECISION, REJECT_NPV)
    return {
        "schema_version": 1,
        "name": "sentences-1" if encoder else "lexical-1",
        **({"encoder": encoder} if encoder else {}),
        "intercept": round(float(parameters[0]), 3),
        "coefficients": {name: round(float(c), 3) for name, c in zip(names, parameters[1:], strict=True)},
        "place": {"at": 3.0, "margin": 2.0, "intercept": -1.5, "lead": 2.0},
        "text_band": {
            "accept": accept,
            "reject": reject,
            "rule": f"CP90 on held-out repositories: precision {ACCEPT_PRECISION}, negative predictive value {REJECT_NPV}",
        },
        "place_band": {
            "accept": 0.9,
            "reject": 0.05,
            "rule": "fixed and conservative, until a bank has 300 pairs labelled twice",
        },
        "statement_band": {
            "accept": 0.95,
            "reject": 0.03,
            "rule": "fixed and wide, since middling answers are where every grader is worst",
        },
        "least_words": -1.0,
        "calibration": {
            "set": labelled.PAIRS.name,
            "sha256": labelled.sha256(labelled.PAIRS),
            "pairs": len(data.labels),
            "positive": int(data.labels.sum()),
            "method": "ridge logistic, coefficients >= 0; thresholds on leave-one-repository-out probabilities",
        },
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["tables", "weights", "sentences"])
    what = parser.parse_args().what
    if what == "tables":
        fit_tables()
    elif what == "sentences":
        write("matcher-sentences.json", weights(labelled.read_labelled(meaning=shared().alike), store.MODEL.id))
    else:
        write("matcher.json", weights(labelled.read_labelled()))


if __name__ == "__main__":
    main()
