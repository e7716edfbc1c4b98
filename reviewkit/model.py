"""The matcher's weights and thresholds: a handful of numbers in `data/matcher.json`, fitted by benchmarks/matching/fit.py;
`data/matcher-sentences.json` holds those for matching with the optional sentence model, fitted in the same way.

log-odds = intercept + sum of coefficient * feature; no coefficient is negative, so saying more of a defect never costs.
Where places are known, fixed log-odds for the place are added (docs/scoring.md, "Place").
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from math import exp
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reviewkit.scorecard import DECIMALS, Contribution, PairOutcome, digest

FEATURES: Final = ("overlap", "jaccard", "margin", "kin")
MEANING: Final = "meaning"
"""The one feature more that matching with the sentence model has."""
_WORDS_FILE, _SENTENCES_FILE = "matcher.json", "matcher-sentences.json"


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(_Strict):
    """From `accept` up a pair is taken, down from `reject` it is dropped, between the two a person decides."""

    accept: float = Field(gt=0, le=1)
    reject: float = Field(ge=0, lt=1)
    rule: str
    """How the two numbers came about."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.reject >= self.accept:
            raise ValueError("reject is not below accept")
        return self

    def outcome(self, probability: float) -> PairOutcome:
        """Where a probability falls; it is compared as rounded to four decimals."""
        shown = round(probability, DECIMALS)
        if shown >= self.accept:
            return PairOutcome.MATCHED
        return PairOutcome.NOT_MATCHED if shown <= self.reject else PairOutcome.PERSON


class PlaceWeights(_Strict):
    """Fixed log-odds of place evidence, until a bank has labels of its own."""

    at: float = Field(ge=0)
    """Times loc: 1 on the anchor's lines, down to 0 at four lines away."""
    margin: float = Field(ge=0)
    """Times loc minus the best loc of any competing item of the key."""
    lead: float = Field(gt=0)
    """Log-odds of the words by which an item outruns another on the same lines, which then competes no more."""
    intercept: float = Field(le=0)


class Calibration(_Strict):
    """The labelled set behind the weights and thresholds."""

    set: str
    sha256: str
    pairs: int = Field(gt=0)
    positive: int = Field(gt=0)
    method: str


class Model(_Strict):
    """Weights, thresholds and what they come from."""

    schema_version: Literal[1]
    name: str
    encoder: str = ""
    """Name and sha256 of the sentence model that the weights were fitted with; empty: words alone."""
    intercept: float
    coefficients: dict[Literal["overlap", "jaccard", "margin", "kin", "meaning"], float]
    place: PlaceWeights
    text_band: Band
    """Decides where no place is known: a measurement, not a score."""
    place_band: Band
    """Decides in scoring, together with the guards."""
    statement_band: Band
    """Decides whether an answer says one statement of the key."""
    least_words: float
    """Log-odds of the words alone below which a place says nothing (guard `words`)."""
    calibration: Calibration

    @model_validator(mode="after")
    def _never_punishes_saying_more(self) -> Self:
        if set(self.coefficients) != set(self.features):
            raise ValueError("coefficients must name each of " + ", ".join(self.features))
        if min(self.coefficients.values()) < 0:
            raise ValueError("a negative coefficient would punish saying more of a defect")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features, in the order of the terms."""
        return (*FEATURES, MEANING) if self.encoder else FEATURES

    @property
    def id(self) -> str:
        """Name and hash of weights and thresholds, and of the sentence model where one is used; for the scorecard."""
        return f"{self.name}@{_sha256(self)}{f'+{self.encoder}' if self.encoder else ''}"

    def log_odds(self, features: dict[str, float]) -> float:
        """Log-odds of the words alone; the margin may be negative, the others lie in 0..1."""
        return self.intercept + sum([self.coefficients[name] * features[name] for name in FEATURES])

    def log_odds_of(self, overlap: float, jaccard: float, margin: float, kin: float) -> float:
        """The same from the bare numbers, to the last bit."""
        of = self.coefficients
        return self.intercept + (
            of["overlap"] * overlap + of["jaccard"] * jaccard + of["margin"] * margin + of["kin"] * kin
        )

    def place_log_odds(self, loc: float, loc_margin: float) -> float:
        """Log-odds that the place adds."""
        return self.place.intercept + self.place.at * loc + self.place.margin * loc_margin

    def contributions(self, features: dict[str, float], place: tuple[float, float] | None) -> tuple[Contribution, ...]:
        """The terms of the log-odds with words for a panel; `place` is (loc, loc_margin) or None for text alone."""
        terms = [_term("start", 1.0, self.intercept, "before any word is read")]
        terms += [
            _term(name, features[name], self.coefficients[name] * features[name], _WORDS[name](features[name]))
            for name in FEATURES
        ]
        if self.encoder:
            terms.append(self._meaning(features[MEANING]))
        if place is not None:
            loc, loc_margin = place
            terms.append(_term("place start", 1.0, self.place.intercept, "before the place is looked at"))
            terms.append(_term("place", loc, self.place.at * loc, place_words(loc)))
            terms.append(_term("place margin", loc_margin, self.place.margin * loc_margin, _lead_words(loc_margin)))
        return tuple(terms)


    def _meaning(self, value: float) -> Contribution:
        words = f"{_percent(value)} alike in meaning, by the sentence model {self.encoder.partition('@')[0]}"
        return _term(MEANING, value, self.coefficients[MEANING] * value, words)


def probability(log_odds: float) -> float:
    """1 / (1 + exp(-z)), rounded to four decimals, which is also what every threshold sees."""
    if log_odds >= 0:
        return round(1.0 / (1.0 + exp(-log_odds)), DECIMALS)
    grown = exp(log_odds)
    return round(grown / (1.0 + grown), DECIMALS)


def _term(feature: str, value: float, log_odds: float, words: str) -> Contribution:
    return Contribution(feature=feature, words=words, value=round(value, DECIMALS), log_odds=round(log_odds, DECIMALS))


def _percent(value: float) -> str:
    return f"{round(100 * value)} %"


def _margin_words(value: float) -> str:
    if value >= 0:
        return f"closer to this item than to any other of the key, by {_percent(value)} of common words"
    return f"closer to another item of the key, by {_percent(-value)} of common words"


def place_words(loc: float) -> str:
    """A loc value for a panel."""
    if loc >= 1:
        return "points at these very lines"
    if loc > 0:
        return "points a few lines beside them"
    return "points elsewhere or at no line"


def _lead_words(value: float) -> str:
    if value > 0:
        return "no other item of the key is as near"
    return "another item of the key is nearer" if value < 0 else "another item of the key is as near"


_WORDS: Final[dict[str, Callable[[float], str]]] = {
    "overlap": lambda value: f"{_percent(value)} of the shorter text's words are in the other",
    "jaccard": lambda value: f"{_percent(value)} of all words used are common to both",
    "margin": _margin_words,
    "kin": lambda value: f"{_percent(value)} alike in the company that their words keep",
}


@cache
def shipped() -> Model:
    """The model that ships with the package: words alone."""
    return Model.model_validate_json(_raw(_WORDS_FILE))


@cache
def with_sentences() -> Model:
    """The model for matching with the sentence model, which has weights and thresholds of its own."""
    return Model.model_validate_json(_raw(_SENTENCES_FILE))


def uses_sentences(identity: str) -> bool:
    """Whether a `Model.id`, as a scorecard holds it, names a sentence model."""
    return "+" in identity


def _sha256(weights: Model) -> str:
    """Of the file of a shipped model; of its canonical JSON for any other."""
    for file, of in ((_WORDS_FILE, shipped), (_SENTENCES_FILE, with_sentences)):
        if weights is of():
            return hashlib.sha256(_raw(file)).hexdigest()
    return digest(weights.model_dump(mode="json"))


@cache
def _raw(file: str) -> bytes:
    return resources.files("reviewkit").joinpath("data", file).read_bytes()
