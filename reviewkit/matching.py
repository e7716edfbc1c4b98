"""What a review says of the key: pairs settled into outcomes, before any rater.

Pure and deterministic: equal input gives equal output whatever the order of findings or the hash seed. Raters'
decisions come in with scoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from reviewkit import exemplars as exemplars_of
from reviewkit import guards, model, pairing, place, repeats, wording
from reviewkit.exemplars import Exemplars
from reviewkit.finding import Finding
from reviewkit.model import Model
from reviewkit.pairing import Alike, Context, Key, Pair, Read, queue_hit
from reviewkit.place import Place
from reviewkit.precedent import Precedents, own_of
from reviewkit.rubric import Rubric
from reviewkit.scorecard import GuardHit, Outcome, PairOutcome


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
    repeats: Mapping[str, str] = field(default_factory=dict)
    """Finding -> the first by id of those that say nearly the same; findings that stand alone are left out."""
    exemplars: str = exemplars_of.NONE
    """Version and hash of the adjudicated remarks in use."""
    weights: Model = field(default_factory=model.shipped)
    """What the pairs were weighed with."""

    def of_finding(self, finding: str) -> tuple[Pair, ...]:
        """Pairs of one finding, most probable first."""
        return self._by_finding.get(finding, ())

    def of_target(self, target: str) -> tuple[Pair, ...]:
        """Pairs of one item of the key, most probable first."""
        found = [pair for pair in self.pairs if pair.target == target]
        return tuple(sorted(found, key=lambda pair: (-pair.probability, pair.finding)))

    def lead(self, finding: str) -> str:
        """The finding that stands for all that say nearly the same as this one; itself when it stands alone."""
        return self.repeats.get(finding, finding)

    @property
    def flooded(self) -> bool:
        """Whether there are so many findings that none of them earns anything by itself."""
        return any(hit.guard == "volume" for hit in self.review_guards)

    @cached_property
    def _by_finding(self) -> dict[str, tuple[Pair, ...]]:
        found: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault(pair.finding, []).append(pair)
        return {finding: tuple(pairs) for finding, pairs in found.items()}


def match(
    findings: Sequence[Finding],
    rubric: Rubric,
    places: Mapping[str, Sequence[Place]],
    sources: Mapping[str, Sequence[str]],
    *,
    weights: Model | None = None,
    meaning: Alike | None = None,
    old_lines: Mapping[str, Sequence[int]] | None = None,
    late: frozenset[str] = frozenset(),
    prose: Sequence[str] = (),
    exemplars: Exemplars = exemplars_of.EMPTY,
) -> Matching:
    """
    Pair findings with planted defects, decoys and also-valid remarks; many to many, duplicates never add.

    Args:
        findings: Of one review, ids unique, in any order; may be empty.
        rubric: The key.
        places: Item id -> its places in `head/`, from `place.resolve_rubric`.
        sources: Path in `head/` -> its lines, for the guards against parroted code and carpets.
        weights: Another model than the shipped one.
        meaning: The sentence model, for weights that have a term for it.
        old_lines: File -> `place.line_map`, for remarks on removed lines.
        late: Findings reworded once the exercises were open: queued.
        prose: Brief, description, claims and prompts that the candidate was given: copies of them earn nothing.
        exemplars: Adjudicated remarks on the same scenario; those made from this review are left out.

    Returns:
        Every pair with its probability, guards and outcome, and an outcome per finding; nothing is dropped.

    Source: docs/scoring.md, "Matching".

    Raises:
        ValueError: If there is a sentence model and no term for it, or the other way round.
    """
    used = weights or model.shipped()
    if (meaning is None) is bool(used.encoder):
        raise ValueError(f"weights {used.name} and a sentence model go together, or neither is there")
    key = _cached_key(rubric)
    known = {target.id: places.get(target.id, ()) for target in key.targets}
    precedents = Precedents.of(exemplars, key.lexicon) if exemplars.chosen else None
    own = own_of(exemplars, (finding.text for finding in findings))
    context = Context(key, used, used.place_band, known, precedents, meaning, own)
    where = {finding.id: place.of_finding(finding, old_lines) for finding in findings}
    review, blocked = guards.review_guards(findings, where, sources)
    runs = guards.token_runs(sources, prose)
    code = {file: "\n".join(lines) for file, lines in sources.items()}
    known_stems = key.stems.union(*(wording.prepare(text).stems for text in code.values()))
    reads: list[Read] = []
    foreign: set[str] = set()
    for finding in guards.readable(findings):
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
    alike = repeats.groups({read.id: read.text.stems for read in reads})
    pairs = repeats.weakest({read.id: pairing.pairs_of(read, context) for read in reads}, alike)
    unread = sorted({finding.id for finding in findings} - {read.id for read in reads})
    settled = _settle(pairs, reads, review, frozenset(foreign), alike, unread)
    return replace(settled, exemplars=exemplars.name, weights=used)


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


def _settle(
    pairs: Mapping[str, list[Pair]],
    reads: Sequence[Read],
    review: tuple[GuardHit, ...],
    foreign: frozenset[str],
    alike: Sequence[Sequence[str]],
    unread: Sequence[str],
) -> Matching:
    """Give each finding its outcome: best defect (and its family) credited, further ones queued, duplicates named."""
    settled = {read.id: _one_credit(sorted(pairs[read.id], key=lambda p: (-p.probability, p.target))) for read in reads}
    ranked = _ranked(settled)
    leads = {name: min(group) for group in alike for name in group}
    leading = {names[0] for names in ranked.values()}
    likely = {leads.get(name, name) for name, own in settled.items() if any(map(_counts_open, own))}
    copies = sum(len(group) - 1 for group in alike)
    luck = guards.chance(len(leading or likely), len(reads) + len(unread) - copies)
    if luck is not None:
        settled = {name: [_held_back(pair, luck) for pair in own] for name, own in settled.items()}
        review, ranked = (*review, luck), {}
    outcomes = {read.id: _outcome(read, settled[read.id], ranked, foreign) for read in reads}
    waiting = [name for name, outcome in outcomes.items() if outcome is Outcome.PERSON]
    lifts = {name: _lifted(settled[name], foreign=name in foreign) for name in waiting}
    for group in alike:  # saying the same at several places opens no more defects than saying it once
        common = frozenset.intersection(*(lifts.get(name, frozenset()) for name in group))
        lifts.update(dict.fromkeys((name for name in group if name in lifts), common))
    for name in waiting:
        settled[name] = [_lift(pair) if pair.target in lifts[name] else pair for pair in settled[name]]
    outcomes.update(dict.fromkeys(unread, Outcome.PERSON))
    every = tuple(pair for own in settled.values() for pair in own)
    return Matching(every, outcomes, ranked, review, foreign, leads)


def _ranked(settled: Mapping[str, Sequence[Pair]]) -> dict[str, tuple[str, ...]]:
    """Defect -> the findings taken for it, the likeliest first."""
    takers: dict[str, list[tuple[float, str]]] = {}
    for own in settled.values():
        for pair in own:
            if pair.kind == "defect" and pair.outcome is PairOutcome.MATCHED:
                takers.setdefault(pair.target, []).append((-pair.probability, pair.finding))
    return {target: tuple(name for _p, name in sorted(held)) for target, held in sorted(takers.items())}


def _counts_open(pair: Pair) -> bool:
    """Whether an open match enters the points all the same."""
    waits = pair.kind == "defect" and pair.outcome is PairOutcome.PERSON and not pair.guards
    return waits and pair.probability >= pairing.LIKELY


def _held_back(pair: Pair, hit: GuardHit) -> Pair:
    if pair.kind != "defect" or not (pair.outcome is PairOutcome.MATCHED or _counts_open(pair)):
        return pair
    return replace(pair, outcome=PairOutcome.PERSON, guards=(*pair.guards, hit))


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


def _lifted(own: Sequence[Pair], *, foreign: bool) -> frozenset[str]:
    """
    Defects to queue for a finding that nothing was taken or queued for: other words are never a silent zero.

    Of a finding in another language, whose words say nothing here, all defects at its lines are queued.
    """
    rejected = [pair for pair in own if pair.kind == "defect" and pair.outcome is PairOutcome.NOT_MATCHED]
    near = [pair for pair in rejected if pair.place is not None and pair.place[0] > 0]
    open_already = any(pair.outcome is not PairOutcome.NOT_MATCHED for pair in own)
    chosen = near if foreign and near else [] if open_already else (near or rejected)[:1]
    return frozenset(pair.target for pair in chosen)


def _lift(pair: Pair) -> Pair:
    hit = queue_hit("other words", "nothing in the key is worded like it; a person decides whether it says this")
    return replace(pair, outcome=PairOutcome.PERSON, guards=(*pair.guards, hit))
