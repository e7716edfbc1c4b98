"""How far something is settled: the fixed words of a scorecard."""

from __future__ import annotations

from enum import StrEnum


class PairOutcome(StrEnum):
    """What is known about one finding and one defect (or decoy, or also-valid remark)."""

    MATCHED = "matched"
    NOT_MATCHED = "not matched"
    PERSON = "needs a person"


class Outcome(StrEnum):
    """What a finding turned out to be."""

    MATCHED = "matched"
    DUPLICATE = "duplicate"
    DECOY = "decoy"
    EXTRA = "extra"
    """Not in the key: half a wrong remark until a rater decides; credited once confirmed."""
    FALSE = "false"
    VAGUE = "vague"
    PERSON = "needs a person"


class ItemState(StrEnum):
    """How far one scored item is settled."""

    CREDITED = "credited"
    PARTLY = "partly"
    MISSED = "missed"
    PERSON = "needs a person"
    UNSCORED = "unscored"


class GateOutcome(StrEnum):
    """A gate; `fail` only ever comes from a rater."""

    PASS = "pass"  # noqa: S105 (an outcome, no secret)
    FAIL = "fail"
    PERSON = "needs a person"


class Reason(StrEnum):
    """Why a dimension could not be scored."""

    CHECKS_NOT_RUN = "checks_not_run"
    CHECKS_MISSING = "checks_missing"
    CHECKS_ERROR = "checks_error"
    EVIDENCE_NOT_RERUN = "evidence_not_rerun"
    NO_RATER = "no_rater"
    RATERS_DISAGREE = "raters_disagree"
    KEY_MISSING = "key_missing"
    NOT_ASKED = "not_asked"
    NO_WEIGHT = "no_weight"
