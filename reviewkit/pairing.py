"""One finding against one item of the key: features, best statement, probability, guards of the pair.

Which of the accepted pairs is credited is decided in `matching`, where the whole review is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeVar

from reviewkit import guards, model, place, stance, wording
from reviewkit.finding import Finding
from reviewkit.likeness import NOTHING_ALIKE, Index, Lexicon, Likeness, Remark, Statement
from reviewkit.model import Band, Model
from reviewkit.place import Place
from reviewkit.precedent import Precedents, one_step
from reviewkit.rubric import Rubric
from reviewkit.scorecard import DECIMALS, Contribution, GuardHit, PairEvidence, PairOutcome

Kind = Literal["defect", "decoy", "also valid"]
Alike = Callable[[str, Sequence[str]], Sequence[float]]
"""How alike in meaning a cleaned text is to each of some others, 0 to 1; each by the two texts alone."""
Item = tuple[str, Kind, str | None, Sequence[tuple[str, str]], Sequence[str]]
"""Id, kind, family, named statements, look-alikes."""
T = TypeVar("T")
_DESCRIBING: Final = re.compile(r"title|sees \d+|text|statement|why")
LIKELY: Final = 0.7
"""Probability from which an open match enters the points; a less likely one shows in the upper bound only, so that a
handful of vague remarks is no credit. In the labelled sample reviews 17 of 17 such matches were right, 2 of 4 below it."""
LEAST_SHARED: Final = 2
"""Stems that a remark and a statement must share before a place can speak for the pair."""


@dataclass(frozen=True)
class Target:
    """One item of the key with everything it may be recognised by."""

    id: str
    kind: Kind
    family: str | None
    statements: tuple[Statement, ...]
    lookalikes: tuple[Statement, ...] = ()
    """Statements that do not count as this item."""
    asserts: frozenset[str] = frozenset()
    """Stems that its title and `sees` say of the code as it is and nowhere deny: a remark that denies one says otherwise."""


@dataclass(frozen=True)
class Key:
    """All items of a rubric, prepared once."""

    targets: tuple[Target, ...]
    lexicon: Lexicon
    index: Index
    """Of all statements of all items, in their order, each item's look-alikes after its statements."""
    texts: tuple[str, ...]
    """Of the index's statements, cleaned."""
    stems: frozenset[str]
    kin: Mapping[str, frozenset[str]]
    """Item -> itself and the others of its family, which are no rivals of it."""


@dataclass(frozen=True)
class Pair:
    """One finding against one item of the key."""

    finding: str
    target: str
    kind: Kind
    family: str | None
    reference: str
    features: Mapping[str, float]
    place: tuple[float, float] | None
    """(loc, loc_margin); None when nothing is known about places."""
    log_odds: float
    """Of the words alone."""
    probability: float
    guards: tuple[GuardHit, ...]
    outcome: PairOutcome
    exemplars: tuple[Contribution, ...] = ()
    """What the nearest adjudicated remarks add to the log-odds."""

    def evidence(self, weights: Model) -> PairEvidence:
        """The pair as it stands in a scorecard."""
        return PairEvidence(
            target=self.target,
            kind=self.kind,
            reference=self.reference,
            probability=self.probability,
            outcome=self.outcome,
            program_outcome=self.outcome,
            contributions=(*weights.contributions(dict(self.features), self.place), *self.exemplars),
            guards=self.guards,
            words=pair_words(self),
        )


def key_of(rubric: Rubric) -> Key:
    """Prepare a rubric: what each item may be recognised by, and the words that are special to it."""
    raw: list[tuple[str, Kind, str | None, list[tuple[str, str]], tuple[str, ...]]] = []
    for defect in rubric.defects:
        named = [("title", defect.title)]
        for name in ("sees", "understands", "mends"):
            named += [(f"{name} {at}", text) for at, text in enumerate(getattr(defect, name), start=1)]
        named.append(("title and sees", "\n".join((defect.title, *defect.sees))))
        named.append(("title and understands", "\n".join((defect.title, *defect.understands))))
        raw.append((defect.id, "defect", defect.family, named, defect.not_))
    raw += [(decoy.id, "decoy", None, [("why", decoy.why)], ()) for decoy in rubric.decoys]
    raw += [(item.id, "also valid", None, [("statement", item.statement)], ()) for item in rubric.also_valid]
    return key_from(raw)


def key_from(raw: Sequence[Item]) -> Key:
    """Prepare items of a key."""
    lexicon = Lexicon.of([text for _name, text in named] for _id, _kind, _family, named, _not in raw)
    targets = tuple(
        Target(
            id=item,
            kind=kind,
            family=family,
            statements=tuple(Statement.of(name, text, lexicon) for name, text in named),
            lookalikes=tuple(Statement.of("not", text, lexicon) for text in lookalikes),
            asserts=stance.asserted([text for name, text in named if _DESCRIBING.fullmatch(name)]),
        )
        for item, kind, family, named, lookalikes in raw
    )
    kin = {
        target.id: frozenset(t.id for t in targets if t is target or (t.family and t.family == target.family))
        for target in targets
    }
    every = [statement for target in targets for statement in (*target.statements, *target.lookalikes)]
    texts = tuple(statement.text.clean for statement in every)
    return Key(targets, lexicon, Index.of(every, lexicon), texts, frozenset(lexicon.holders), kin)


@dataclass(frozen=True)
class Context:
    """Everything about a review that its pairs share."""

    key: Key
    weights: Model
    band: Band
    places: Mapping[str, Sequence[Place]] | None
    """Item id -> places; None: text alone."""
    precedents: Precedents | None = None
    meaning: Alike | None = None
    """The sentence model; there if and only if the weights have a term for it."""
    own: frozenset[int] = frozenset()
    """Exemplars that were made from this review: never looked at."""


@dataclass
class Read:
    """One finding, read."""

    id: str
    variants: tuple[Remark, ...]
    text: wording.Text
    where: Place | None
    asks: bool = False
    """Whether it asks for a change: who does that does not mean that all is well, whatever words are denied."""
    own: frozenset[str] | None = None
    """Stems of the key that words of the remark's own say, not names of the cited file; None without its code."""
    guards: list[GuardHit] = field(default_factory=list)


def read(finding: Finding, lexicon: Lexicon, where: Place | None) -> Read:
    """Prepare a finding: what is wrong alone, and everything said; guards on its words included."""
    whole = Remark.of(finding.text, lexicon)
    body = Remark.of(finding.body, lexicon)
    variants = (body, whole) if body.text.sha256 != whole.text.sha256 else (whole,)
    asks = bool(finding.fix.strip() and guards.closing(finding.fix) is None) or stance.asks(finding.text)
    return Read(finding.id, variants, whole.text, where, asks, guards=list(guards.text_guards(whole.text, finding.fix)))


def own_words(read: Read, lexicon: Lexicon, code: str) -> frozenset[str]:
    """Stems of the key that a remark says in words that are not in the cited file, near spellings included."""
    own = guards.own_stems(read.text, code)
    return own.union(other for stem in own for other, _value in lexicon.near(stem))


def queue_hit(guard: str, words: str, **numbers: float) -> GuardHit:
    """A guard that sends a pair to a person."""
    return GuardHit(guard=guard, route="queue", words=words, numbers=numbers)


class _Reading(NamedTuple):
    """One variant of a finding against one statement; readings sort with the most alike first."""

    against: float
    """Log-odds, negated."""
    number: int
    """Of the statement, so that equal ones are always taken in the same order."""
    variant: int
    """Of the finding; no two readings of an item agree up to here."""
    margin: float
    statement: Statement
    like: Likeness
    meaning: float | None = None
    """By the sentence model, where it is used."""

    @property
    def log_odds(self) -> float:
        """Of the words alone."""
        return -self.against

    @property
    def features(self) -> dict[str, float]:
        """What the model reads."""
        like = self.like
        words = {"overlap": like.overlap, "jaccard": like.jaccard, "margin": self.margin, "kin": like.kin}
        return words if self.meaning is None else {**words, model.MEANING: self.meaning}


def pairs_of(read: Read, context: Context) -> list[Pair]:
    """All pairs of one finding."""
    readings = _readings(read, context)
    if context.places is None:
        return [_pair(read, target, readings[target.id], None, context) for target in context.key.targets]
    near = {item: place.loc(read.where, anchors) for item, anchors in context.places.items()}
    anchored = frozenset(item for item, anchors in context.places.items() if anchors)
    odds = {item: min(found).log_odds for item, found in readings.items()}
    lead = place.margins(near, odds, anchored, context.weights.place.lead)
    decided = context.precedents.terms(read.variants, read.text, context.own) if context.precedents else {}
    return [
        _pair(read, target, readings[target.id], (near[target.id], lead[target.id]), context, decided.get(target.id, ()))
        for target in context.key.targets
    ]


def _readings(read: Read, context: Context) -> dict[str, list[_Reading]]:
    """Per item of the key its statements against all variants of a finding, in no order."""
    found: dict[str, list[_Reading]] = {target.id: [] for target in context.key.targets}
    for at, variant in enumerate(read.variants):
        alike, lookalikes = _by_item(context.key, context.key.index.compare(variant))
        meant: Mapping[str, Sequence[float]] = {}
        if context.meaning is not None:
            meant, _unused = _by_item(context.key, context.meaning(variant.text.clean, context.key.texts))
        covers = {item: max([one.cover for one in row]) for item, row in alike.items()}
        ranked = sorted(((cover, item) for item, cover in covers.items()), reverse=True)
        for target in context.key.targets:
            kin = context.key.kin[target.id]
            rival = next((cover for cover, item in ranked if item not in kin), 0.0)
            margin = covers[target.id] - max([rival, *(one.cover for one in lookalikes[target.id])])
            found[target.id] += _against(target, alike[target.id], margin, at, context.weights, meant.get(target.id))
    return found


def _against(
    target: Target, row: Sequence[Likeness], margin: float, at: int, weights: Model, meant: Sequence[float] | None
) -> list[_Reading]:
    """Readings of one variant against one item; by words alone, of statements without a common one the first stands for all."""
    found: list[_Reading] = []
    silent = False
    log_odds_of = weights.log_odds_of
    if meant is not None:
        return [_with_meaning(target, number, like, margin, at, weights, meant[number]) for number, like in enumerate(row)]
    for number, like in enumerate(row):
        if like is NOTHING_ALIKE:
            if silent:
                continue
            silent = True
        odds = round(log_odds_of(like.overlap, like.jaccard, margin, like.kin), 9)
        found.append(_Reading(-odds, number, at, margin, target.statements[number], like))
    return found


def _with_meaning(
    target: Target, number: int, like: Likeness, margin: float, at: int, weights: Model, meant: float
) -> _Reading:
    odds = weights.log_odds_of(like.overlap, like.jaccard, margin, like.kin) + weights.coefficients[model.MEANING] * meant
    return _Reading(-round(odds, 9), number, at, margin, target.statements[number], like, meant)


def _by_item(key: Key, row: Sequence[T]) -> tuple[dict[str, Sequence[T]], dict[str, Sequence[T]]]:
    """Measures against every statement of a key as measures by item, and those against its look-alikes."""
    alike: dict[str, Sequence[T]] = {}
    lookalikes: dict[str, Sequence[T]] = {}
    at = 0
    for target in key.targets:
        middle = at + len(target.statements)
        end = middle + len(target.lookalikes)
        alike[target.id], lookalikes[target.id] = row[at:middle], row[middle:end]
        at = end
    return alike, lookalikes


def _pair(
    read: Read,
    target: Target,
    readings: Sequence[_Reading],
    near: tuple[float, float] | None,
    context: Context,
    decided: tuple[Contribution, ...] = (),
) -> Pair:
    """Guards look at the key's own statements alone, so that no exemplar can make one silent."""
    best = min(readings)
    placed = 0.0 if near is None else context.weights.place_log_odds(*near)
    alone = context.band.outcome(model.probability(best.log_odds + placed))
    moved = sum(term.log_odds for term in decided)
    outcome = one_step(alone, context.band.outcome(model.probability(best.log_odds + placed + moved)))
    hits = list(read.guards)
    if near is not None and outcome is not PairOutcome.NOT_MATCHED:
        hits += _near_guards(best, near, context)
    if near is not None and read.own is not None and outcome is not PairOutcome.NOT_MATCHED:
        said = frozenset[str]().union(*(reading.like.shared for reading in readings))
        hits += guards.own_evidence(len(said & read.own))
    if outcome is not PairOutcome.NOT_MATCHED and target.kind != "decoy":
        agreed, against = _same_stance(read, target, sorted(readings), placed, alone, context)
        hits += against
        best = best if alone is PairOutcome.NOT_MATCHED else agreed
    if outcome is PairOutcome.MATCHED and hits:
        outcome = PairOutcome.PERSON
    return Pair(
        finding=read.id,
        target=target.id,
        kind=target.kind,
        family=target.family,
        reference=best.statement.name,
        features={name: round(value, DECIMALS) for name, value in best.features.items()},
        place=near,
        log_odds=best.log_odds,
        probability=model.probability(best.log_odds + placed + moved),
        guards=tuple(hits),
        outcome=outcome,
        exemplars=decided,
    )


def _near_guards(best: _Reading, near: tuple[float, float], context: Context) -> list[GuardHit]:
    hits: list[GuardHit] = []
    if near[0] <= 0:
        hits.append(queue_hit("place", "the right words, but not at the lines of this item", loc=near[0]))
    if best.log_odds < context.weights.least_words or len(best.like.shared) < LEAST_SHARED:
        words = "the place fits, but the words say too little of this item"
        hits.append(queue_hit("words", words, log_odds=round(best.log_odds, DECIMALS), shared=len(best.like.shared)))
    if best.margin < 0:
        words = "another item of the key, or a look-alike, is worded more like it"
        hits.append(queue_hit("nearer", words, margin=round(best.margin, DECIMALS)))
    return hits


def _same_stance(
    read: Read, target: Target, readings: Sequence[_Reading], placed: float, outcome: PairOutcome, context: Context
) -> tuple[_Reading, list[GuardHit]]:
    """The best statement with the same outcome that the finding does not contradict; a guard where it denies the item."""
    words = "one of the two texts denies what the other says"
    turned = stance.denied(read.variants[0].text, 1) & target.asserts
    if turned and not read.asks:
        hit = queue_hit("stance", f"{words} ({', '.join(sorted(turned))})", denied=float(len(turned)))
        return readings[0], [hit]
    share = 0.0
    for reading in readings:
        if context.band.outcome(model.probability(reading.log_odds + placed)) is not outcome:
            break
        against = stance.opposed(read.text, reading.statement.text, reading.like.shared)
        if against < stance.STANCE_SHARE:
            return reading, []
        share = max(share, against)
    return readings[0], [queue_hit("stance", words, share=round(share, DECIMALS))]


def pair_words(pair: Pair) -> str:
    """The reasons of a pair in one or two sentences."""
    chance = f"{round(100 * pair.probability)} % likely the same issue, closest to {pair.reference!r}"
    where = "" if pair.place is None else f"; {model.place_words(pair.place[0])}"
    held = "; ".join(hit.words for hit in pair.guards)
    if pair.outcome is PairOutcome.MATCHED:
        return f"Taken: {chance}{where}."
    if pair.outcome is PairOutcome.NOT_MATCHED:
        return f"Not taken: {chance}{where}."
    return f"Needs a person: {chance}{where}. {held[:1].upper() + held[1:] + '.' if held else 'Neither clear enough to take nor to drop.'}"
