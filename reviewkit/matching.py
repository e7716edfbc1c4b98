"""What a review says of the key: pairs settled into outcomes, before any rater.

Pure and deterministic: equal input gives equal output whatever the order of findings or the hash seed. Raters'
decisions come in with scoring.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reviewkit import guards, model, pairing, place, wording
from reviewkit.errors import DataError
from reviewkit.finding import Finding
from reviewkit.model import Model
from reviewkit.pairing import Context, Key, Pair, Read, queue_hit
from reviewkit.place import Place
from reviewkit.rubric import Rubric
from reviewkit.scorecard import GuardHit, Outcome, PairOutcome, canonical

TEXT_ONLY: Final = "text only"
"""Said in the outcome of pairs that were decided without any place."""


@dataclass(frozen=True)
class Matching:
    """What the program says of a review, before any rater."""

    pairs: tuple[Pair, ...]
    """Every finding with every item of the key, by finding id, then probability, then item id."""
    outcomes: Mapping[str, Outcome]
    """By finding id."""
    credits: Mapping[str, tuple[str, ...]]
    """Defect id -> findings that say it, the one that credits it first."""
    review_guards: tuple[GuardHit, ...] = ()
    foreign: frozenset[str] = frozenset()
    """Findings that the measures cannot read."""

    def of_finding(self, finding: str) -> tuple[Pair, ...]:
        """Pairs of one finding, most probable first."""
        return tuple(pair for pair in self.pairs if pair.finding == finding)

    def of_target(self, target: str) -> tuple[Pair, ...]:
        """Pairs of one item of the key, most probable first."""
        found = [pair for pair in self.pairs if pair.target == target]
        return tuple(sorted(found, key=lambda pair: (-pair.probability, pair.finding)))


def match(
    findings: Sequence[Finding],
    rubric: Rubric,
    places: Mapping[str, Sequence[Place]],
    sources: Mapping[str, Sequence[str]],
    *,
    weights: Model | None = None,
    old_lines: Mapping[str, Sequence[int]] | None = None,
    late: frozenset[str] = frozenset(),
    prose: Sequence[str] = (),
) -> Matching:
    """
    Pair findings with planted defects, decoys and also-valid remarks; many to many, duplicates never add.

    Args:
        findings: Of one review, ids unique, in any order; may be empty.
        rubric: The key.
        places: Item id -> its places in `head/`, from `place.resolve_rubric`.
        sources: Path in `head/` -> its lines, for the guards against parroted code and carpets.
        weights: Another model than the shipped one.
        old_lines: File -> `place.line_map`, for remarks on removed lines.
        late: Findings reworded once the exercises were open: queued.
        prose: Brief, description, claims and prompts that the candidate was given: copies of them earn nothing.

    Returns:
        Every pair with its probability, guards and outcome, and an outcome per finding; nothing is dropped.

    Source: docs/scoring.md, "Matching".
    """
    used = weights or model.shipped()
    key = _cached_key(rubric)
    known = {target.id: places.get(target.id, ()) for target in key.targets}
    context = Context(key, used, used.place_band, known)
    where = {finding.id: place.of_finding(finding, old_lines) for finding in findings}
    review, blocked = guards.review_guards(findings, where, sources)
    runs = guards.token_runs(sources, prose)
    code = {file: "\n".join(lines) for file, lines in sources.items()}
    known_stems = key.stems.union(*(wording.prepare(text).stems for text in code.values()))
    reads: list[Read] = []
    foreign: set[str] = set()
    for finding in sorted(findings, key=lambda f: f.id):
        read = pairing.read(finding, key.lexicon, where[finding.id])
        if guards.is_foreign(read.text, known_stems):
            foreign.add(finding.id)
            read.guards.append(
                queue_hit("language", "not English, or words that nothing here knows: a person reads it")
            )
        if read.where is not None and read.where.file in code:
            read.own = pairing.own_words(read, key.lexicon, code[read.where.file])
        read.guards += guards.code_guards(read.text, read.where, sources, runs)
        read.guards += _place_guards(finding, read.where, sources, blocked, late)
        reads.append(read)
    _guard_copies(reads, known)
    pairs = [pair for read in reads for pair in pairing.pairs_of(read, context)]
    return _settle(pairs, reads, review, frozenset(foreign))


_KEYS: dict[int, tuple[Rubric, Key]] = {}


def _cached_key(rubric: Rubric) -> Key:
    held = _KEYS.get(id(rubric))
    if held is None or held[0] is not rubric:
        if len(_KEYS) > 64:
            _KEYS.clear()
        held = _KEYS[id(rubric)] = (rubric, pairing.key_of(rubric))
    return held[1]


def _place_guards(
    finding: Finding,
    where: Place | None,
    sources: Mapping[str, Sequence[str]],
    blocked: frozenset[str],
    late: frozenset[str],
) -> list[GuardHit]:
    hits: list[GuardHit] = []
    if finding.id in late:
        hits.append(queue_hit("late", "reworded once the exercises were open"))
    if blocked and ("" in blocked or (where is not None and where.file in blocked)):
        hits.append(queue_hit("review", "a guard on the whole review holds back automatic credit"))
    lines = sources.get(finding.file or "")
    if where is not None and sources and (lines is None or where.last > len(lines)):
        hits.append(queue_hit("outside", "points at a file or at lines that the change does not have"))
    return hits


def _guard_copies(reads: Sequence[Read], places: Mapping[str, Sequence[Place]]) -> None:
    """Hold back copies of one text that do not all point at the same item: copying must never find a place by luck."""
    by_id = {read.id: read for read in reads}
    for finding, members in guards.copies({read.id: read.text for read in reads}).items():
        near = [
            {item for item, anchors in places.items() if anchors and place.loc(by_id[m].where, anchors) > 0}
            for m in members
        ]
        if not set.intersection(*near):
            words = f"{len(members)} findings say the same at different places"
            by_id[finding].guards.append(queue_hit("copies", words, copies=float(len(members))))


def _settle(
    pairs: list[Pair], reads: Sequence[Read], review: tuple[GuardHit, ...], foreign: frozenset[str]
) -> Matching:
    """Give each finding its outcome: best defect (and its family) credited, further ones queued, duplicates named."""
    by_finding: dict[str, list[Pair]] = {read.id: [] for read in reads}
    for pair in pairs:
        by_finding[pair.finding].append(pair)
    settled: list[Pair] = []
    for finding in sorted(by_finding):
        settled += _one_credit(sorted(by_finding[finding], key=lambda p: (-p.probability, p.target)))
    takers: dict[str, list[tuple[float, str]]] = {}
    for pair in settled:
        if pair.kind == "defect" and pair.outcome is PairOutcome.MATCHED:
            takers.setdefault(pair.target, []).append((-pair.probability, pair.finding))
    ranked = {target: tuple(name for _p, name in sorted(held)) for target, held in sorted(takers.items())}
    outcomes = {}
    for read in reads:
        own = [pair for pair in settled if pair.finding == read.id]
        outcomes[read.id] = _outcome(read, own, ranked, foreign)
        if outcomes[read.id] is Outcome.PERSON:
            settled = _lift(settled, own, foreign=read.id in foreign)
    return Matching(tuple(settled), outcomes, ranked, review, foreign)


def _one_credit(own: list[Pair]) -> list[Pair]:
    """Of the accepted pairs of one finding keep the best and its family; the others wait for a person."""
    accepted = [pair for pair in own if pair.outcome is PairOutcome.MATCHED]
    if not accepted:
        return own
    first = accepted[0]
    kept: list[Pair] = []
    for pair in own:
        family = pair.family is not None and pair.family == first.family
        if pair.outcome is PairOutcome.MATCHED and pair is not first and not family:
            words = "this finding is already taken for another item; a person decides whether it says both"
            pair = replace(pair, outcome=PairOutcome.PERSON, guards=(*pair.guards, queue_hit("second", words)))
        kept.append(pair)
    return kept


def _outcome(
    read: Read, own: Sequence[Pair], takers: Mapping[str, tuple[str, ...]], foreign: frozenset[str]
) -> Outcome:
    accepted = [pair for pair in own if pair.outcome is PairOutcome.MATCHED]
    if accepted:
        if accepted[0].kind == "decoy":
            return Outcome.DECOY
        if accepted[0].kind == "also valid":
            return Outcome.EXTRA
        leads = any(takers[pair.target][0] == read.id for pair in accepted if pair.kind == "defect")
        return Outcome.MATCHED if leads else Outcome.DUPLICATE
    if read.id in foreign:
        return Outcome.PERSON
    if len(read.text.content) < guards.LEAST_STEMS:
        return Outcome.VAGUE
    waiting = any(pair.outcome is PairOutcome.PERSON for pair in own)
    at_an_item = any(pair.kind == "defect" and pair.place is not None and pair.place[0] > 0 for pair in own)
    return Outcome.PERSON if waiting or at_an_item else Outcome.EXTRA


def _lift(settled: list[Pair], own: Sequence[Pair], *, foreign: bool) -> list[Pair]:
    """
    Queue the best defect of a finding that nothing was taken or queued for: other words are never a silent zero.

    Of a finding in another language, whose words say nothing here, all defects at its lines are queued.
    """
    rejected = [pair for pair in own if pair.kind == "defect" and pair.outcome is PairOutcome.NOT_MATCHED]
    near = [pair for pair in rejected if pair.place is not None and pair.place[0] > 0]
    open_already = any(pair.outcome is not PairOutcome.NOT_MATCHED for pair in own)
    chosen = near if foreign and near else [] if open_already else (near or rejected)[:1]
    hit = queue_hit("other words", "nothing in the key is worded like it; a person decides whether it says this")
    return [
        replace(pair, outcome=PairOutcome.PERSON, guards=(*pair.guards, hit)) if pair in chosen else pair
        for pair in settled
    ]


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


def match_text_file(lines: Iterable[str]) -> Iterator[str]:
    """
    Match reviews given as JSON lines; what `reviewkit match FILE.jsonl` prints.

    Args:
        lines: One review a line: `{"id", "findings": [{"id", "text", "file"?, "line_start"?, "line_end"?}], "defects": [same]}`.
            Blank lines are skipped.

    Yields:
        Per review one line of canonical JSON: `{"id", "pairs": [{"finding", "defect", "probability", "outcome",
        "contributions", "guards"}]}` with every pair, findings and defects in the order given. Where no text of the
        review has a place, the words alone decide, and each decided outcome says so.

    Raises:
        DataError: If a line is not such a review; the message names the line.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield canonical(_match_review(_parse_review(number, line)))


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


def _match_review(review: _Review) -> dict[str, Any]:
    weights = model.shipped()
    placed = any(item.place is not None for item in (*review.findings, *review.defects))
    key = pairing.key_from([(d.id, "defect", None, [("text", d.text)], ()) for d in review.defects])
    places = {d.id: [] if d.place is None else [d.place] for d in review.defects} if placed else None
    context = Context(key, weights, weights.place_band if placed else weights.text_band, places)
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
