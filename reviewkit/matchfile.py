"""`reviewkit match FILE.jsonl`: every pair of every review of a match file, for measuring. Format: docs/scoring.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reviewkit import guards, model, pairing, place
from reviewkit.errors import DataError
from reviewkit.finding import Finding
from reviewkit.model import Model
from reviewkit.pairing import Alike, Context, Pair, queue_hit
from reviewkit.place import Place
from reviewkit.scorecard import PairOutcome, canonical

TEXT_ONLY: Final = "text only"
"""Said in the outcome of pairs that were decided without any place."""


class _Placed(BaseModel):
    """A text of a match file, with its place where there is one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    text: str
    file: str | None = None
    line_start: int | None = Field(default=None, ge=1)
    line_end: int | None = Field(default=None, ge=1)

    @property
    def place(self) -> Place | None:
        """Its lines; None without a file or a first line."""
        if self.file is None or self.line_start is None:
            return None
        return Place(self.file, self.line_start, max(self.line_start, self.line_end or self.line_start))


class _Review(BaseModel):
    """One line of a match file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    findings: tuple[_Placed, ...]
    defects: tuple[_Placed, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> _Review:
        for name in ("findings", "defects"):
            ids = [item.id for item in getattr(self, name)]
            if len(ids) != len(set(ids)):
                raise ValueError(f"{name} use an id twice")
        return self


def match_text_file(lines: Iterable[str], meaning: Alike | None = None) -> Iterator[str]:
    """
    Match reviews given as JSON lines; what `reviewkit match FILE.jsonl` prints.

    Args:
        lines: One review a line: `{"id", "findings": [{"id", "text", "file"?, "line_start"?, "line_end"?}], "defects": [same]}`.
            Blank lines are skipped.
        meaning: The sentence model; its own weights are used then.

    Yields:
        Per review one line of canonical JSON: `{"id", "pairs": [{"finding", "defect", "probability", "outcome",
        "contributions", "guards"}]}` with every pair, findings and defects in the order given. Where no text of the
        review has a place, the words alone decide, and each decided outcome says so.

    Raises:
        DataError: If a line is not such a review; the message names the line.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield canonical(_match_review(_parse_review(number, line), meaning))


def _parse_review(number: int, line: str) -> _Review:
    try:
        return _Review.model_validate(json.loads(line))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            fact = f"{'.'.join(str(step) for step in first['loc']) or 'review'}: {first['msg']}"
        else:
            fact = f"is not JSON ({error})"
        raise DataError(f"line {number}", fact, "Write one review a line, as in docs/scoring.md.") from None


def _match_review(review: _Review, meaning: Alike | None) -> dict[str, Any]:
    weights = model.shipped() if meaning is None else model.with_sentences()
    placed = any(item.place is not None for item in (*review.findings, *review.defects))
    key = pairing.key_from([(d.id, "defect", None, [("text", d.text)], ()) for d in review.defects])
    places = {d.id: [] if d.place is None else [d.place] for d in review.defects} if placed else None
    context = Context(key, weights, weights.place_band if placed else weights.text_band, places, meaning=meaning)
    rows: list[dict[str, Any]] = []
    for item in review.findings:
        where = item.place if item.place is not None and item.place.lines <= place.WIDEST else None
        finding = Finding(item.id, item.file, "R", item.line_start, item.line_end, "", "", item.text)
        read = pairing.read(finding, key.lexicon, where)
        if guards.is_foreign(read.text, key.stems):
            read.guards.append(queue_hit("language", "not English, or words that nothing here knows"))
        rows += [_row(pair, weights, placed) for pair in pairing.pairs_of(read, context)]
    return {"id": review.id, "pairs": rows}


def _row(pair: Pair, weights: Model, placed: bool) -> dict[str, Any]:
    decided = pair.outcome is not PairOutcome.PERSON
    return {
        "finding": pair.finding,
        "defect": pair.target,
        "probability": pair.probability,
        "outcome": pair.outcome.value if placed or not decided else f"{pair.outcome.value} ({TEXT_ONLY})",
        "contributions": [c.model_dump() for c in weights.contributions(dict(pair.features), pair.place)],
        "guards": [hit.model_dump() for hit in pair.guards],
    }
