"""Measures of a matcher on labelled pairs, and the rule that draws the thresholds."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import beta
from sklearn.metrics import brier_score_loss, cohen_kappa_score, f1_score, roc_auc_score

LEAST_DECISIONS = 20
CONFIDENCE = 0.90


@dataclass(frozen=True)
class Report:
    """How probabilities and decisions compare with the labels."""

    pairs: int
    positive: int
    auc: float
    kappa: float
    """At probability 0.5."""
    f1: float
    brier: float
    ece: float
    """Expected calibration error, ten equal bins."""
    accepted: float
    """Share of pairs decided as a match."""
    rejected: float
    decided: float
    precision: float
    """Of the accepted."""
    npv: float
    """Negative predictive value: true non-matches among the rejected."""
    recall: float
    """Share of all true matches that were accepted."""

    def as_dict(self) -> dict[str, float]:
        """Rounded to four decimals."""
        return {name: round(float(value), 4) for name, value in asdict(self).items()}


def lower_bound(right: int, decided: int) -> float:
    """One-sided 90 % Clopper-Pearson lower bound of a proportion."""
    return 0.0 if right == 0 else float(beta.ppf(1 - CONFIDENCE, right, decided - right + 1))


def band(probabilities: np.ndarray, labels: np.ndarray, precision: float, npv: float) -> tuple[float, float]:
    """
    Thresholds by CP90: the longest run from either end whose lower bound meets its target, never cutting a tie.

    Returns:
        (accept from, reject up to); (1.0, 0.0) where nothing can be decided.
    """
    shown = np.round(probabilities, 4)
    accept, reject = 1.0, 0.0
    for threshold in np.unique(shown)[::-1]:
        taken = labels[shown >= threshold]
        if len(taken) >= LEAST_DECISIONS and lower_bound(int(taken.sum()), len(taken)) >= precision:
            accept = float(threshold)
    for threshold in np.unique(shown):
        dropped = labels[shown <= threshold]
        if len(dropped) >= LEAST_DECISIONS and lower_bound(int((1 - dropped).sum()), len(dropped)) >= npv:
            reject = float(threshold)
    return accept, min(reject, float(np.nextafter(accept, 0)))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> float:
    """Mean distance between predicted and true share over equal bins, weighted by their size."""
    which = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = [
        abs(probabilities[which == at].mean() - labels[which == at].mean()) * (which == at).mean()
        for at in range(bins)
        if (which == at).any()
    ]
    return float(sum(gaps))


def report(probabilities: np.ndarray, labels: np.ndarray, accepted: np.ndarray, rejected: np.ndarray) -> Report:
    """All measures at once; `accepted` and `rejected` are masks of what was decided."""
    said = probabilities >= 0.5
    return Report(
        pairs=len(labels),
        positive=int(labels.sum()),
        auc=roc_auc_score(labels, probabilities),
        kappa=cohen_kappa_score(labels, said),
        f1=f1_score(labels, said),
        brier=brier_score_loss(labels, probabilities),
        ece=calibration_error(probabilities, labels),
        accepted=accepted.mean(),
        rejected=rejected.mean(),
        decided=(accepted | rejected).mean(),
        precision=labels[accepted].mean() if accepted.any() else float("nan"),
        npv=(1 - labels[rejected]).mean() if rejected.any() else float("nan"),
        recall=labels[accepted].sum() / labels.sum(),
    )
