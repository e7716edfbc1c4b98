"""Whether two texts that share their words also say the same: denials, opposites, amounts, swapped roles.

Likeness is nearly blind to "not". What is found here never raises anything; it only sends a pair to a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from reviewkit import wording
from reviewkit.guards import FILLER, WISH

STANCE_SHARE: Final = 0.34
"""Share of common words that one text denies and the other does not."""
DENIAL_REACH: Final = 4
"""Content stems after a denial that it may turn round."""
DIRECT: Final = 2
"""Content stems after a denial that it turns round for certain."""
DIRECT_SHARE: Final = 0.15
"""Share of the common words that may be turned round before a person reads the answer: one of six is enough."""

# "Please don't log it", "couldn't we keep one": asks for something, so it says that the code does otherwise.
_REQUEST: Final = re.compile(
    r"(?:\bplease\b|^\W*(?:(?:do not|don['’]?t)\b|(?:could|can|should|would)(?:n['’]?t| not)? (?:we|you)\b|why (?:not|don['’]?t)\b))",
    re.IGNORECASE,
)
# "It cannot be said that ...", "it is not the case that ...": denies all that follows in the sentence.
_UNSAID: Final = re.compile(
    r"(?:\b(?:not|cannot|never)|n['’]t) (?:\w+ ){0,2}?(?:said|true|the case|correct|right|claim(?:ed)?|say|think|believe|agree|happen"
    r"|possible) that\b|\b(?:untrue|false|wrong|incorrect|unfounded|misleading|a myth)(?: to (?:say|claim))? that\b|\b(?:doubt|deny|denies|disagree) that\b",
    re.IGNORECASE,
)
_CLAUSE: Final = re.compile(r"[.,;:!?()\n]|\b(?:but|because|since|so|which|while|and|instead|when|if)\b", re.IGNORECASE)
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
_ONLY: Final = frozenset({"only", "just", "merely", "instead", "rather", "barely"})
_DENYING: Final = frozenset({wording.stem(word) for word in wording.DENIALS} - {"hard"} | {"non"})
_ABSENCES: Final = frozenset(wording.stem(word) for word in ("missing", "lacks", "lacking", "absent", "absence"))
_PREFIXES: Final = ("un", "non", "dis")
_LEAST_STEM: Final = 4
Opposites = dict[str, frozenset[str]]


def _opposites(lines: str) -> Opposites:
    found: Opposites = {}
    for line in sorted(wording.word_set(lines)):
        one, other = (wording.stem(word) for word in line.split("/"))
        found[one] = found.get(one, frozenset()) | {other}
        found[other] = found.get(other, frozenset()) | {one}
    return found


_TECHNICAL: Final = """
    blocking/nonblocking asynchronous/synchronous async/sync open/closed inside/outside first/last higher/lower
    increase/decrease always/never different/identical commit/rollback safe/unsafe atomic/nonatomic lost/kept present/absent
    allow/prevent accept/reject pass/fail early/late bounded/unbounded parameterized/concatenated success/failure
    succeeds/fails enabled/disabled valid/invalid fast/slow shared/separate ordered/unordered keeps/drops
"""
_GENERAL: Final = """
    before/after more/less more/fewer same/different same/other positive/negative connected/separated above/below over/under
    longer/shorter larger/smaller bigger/smaller faster/slower earlier/later closer/farther nearer/further grows/shrinks
    rises/falls gains/loses adds/removes starts/stops begins/ends local/remote client/server read/write sender/receiver
    caller/callee parent/child source/destination push/pull together/separately sequential/concurrent sequential/parallel
    serial/parallel old/new complete/incomplete full/empty all/none everything/nothing everybody/nobody most/few
    maximum/minimum upper/lower input/output encode/decode lock/unlock acquire/release raise/swallow include/exclude
    with/without visible/hidden mutable/immutable up/down strong/weak high/low many/few left/right true/false yes/no gain/loss
"""
OF_CODE: Final = _opposites(_TECHNICAL)
"""What turns a remark about code round; a remark may use the general ones and still mean the same flaw."""
OF_ANSWERS: Final = _opposites(_TECHNICAL + _GENERAL)
"""What turns the explanation of a mechanism round."""


def asks(text: str) -> bool:
    """Whether a remark asks for something else than there is."""
    return WISH.search(text) is not None or any(_REQUEST.search(sentence) for sentence in _SENTENCE.split(text))


@lru_cache(maxsize=20_000)
def denied(text: wording.Text, reach: int = DENIAL_REACH) -> frozenset[str]:
    """Content stems that stand within `reach` of a denial, in its clause, and are not also said without one."""
    turned: set[str] = set()
    plain: set[str] = set()
    for sentence in _SENTENCE.split(text.clean):
        unsaid = _UNSAID.search(sentence)
        if unsaid is not None:
            turned.update(wording.content_stems(sentence[unsaid.end() :]))
            sentence = sentence[: unsaid.start()]
        for number, clause in enumerate(_CLAUSE.split(sentence)):
            left = 0
            wish = number == 0 and _REQUEST.search(clause) is not None
            for stem in wording.content_stems(clause):
                if stem in _DENYING or stem in _ABSENCES:
                    left = 0 if wish else reach
                elif left:
                    turned.add(stem)
                    left -= 1
                else:
                    plain.add(stem)
    return frozenset(turned - plain)


def opposed(
    remark: wording.Text,
    statement: wording.Text,
    shared: frozenset[str],
    reach: int = DENIAL_REACH,
    opposites: Opposites = OF_CODE,
) -> float:
    """Share of the common stems that exactly one of the two texts denies or replaces by an opposite."""
    common = shared - _DENYING - _ABSENCES
    turned = len((denied(remark, reach) ^ denied(statement, reach)) & common)
    swapped = len(swapped_opposites(remark, statement, opposites))
    every = len(common) + swapped
    return (turned + swapped) / every if every else 0.0


def contradicted(answer: wording.Text, statement: wording.Text, shared: frozenset[str]) -> bool:
    """
    Whether an answer turns a statement round although it uses its words.

    One direct denial among few common words is enough, one opposite, another amount of the same thing, or what stands
    on the two sides of a verb, swapped.
    """
    return (
        opposed(answer, statement, shared, DIRECT) >= DIRECT_SHARE
        or bool(swapped_opposites(answer, statement, OF_ANSWERS))
        or _other_amounts(answer, statement)
        or _swapped_roles(answer, statement)
    )


@lru_cache(maxsize=20_000)
def _every_stem(text: wording.Text) -> tuple[str, ...]:
    """All stems in order, function words included: `before`, `more` and `same` are among them."""
    return tuple(wording.stem(word) for word in wording.tokens(text.clean))


def swapped_opposites(remark: wording.Text, statement: wording.Text, opposites: Opposites) -> frozenset[str]:
    """Stems of the remark that stand where the statement has their opposite; neither text has both."""
    mine, theirs = frozenset(_every_stem(remark)), frozenset(_every_stem(statement))

    def turned(stem: str) -> bool:
        others = opposites.get(stem, frozenset()) | _negated(stem)
        return any(other in theirs and other not in mine for other in others)

    return frozenset(stem for stem in mine - theirs if turned(stem))


@lru_cache(maxsize=50_000)
def _negated(stem: str) -> frozenset[str]:
    """A stem with a denying prefix put on or taken off."""
    made = {prefix + stem for prefix in _PREFIXES} if len(stem) >= _LEAST_STEM else set()
    return frozenset(
        made | {stem[len(p) :] for p in _PREFIXES if stem.startswith(p) and len(stem) >= len(p) + _LEAST_STEM}
    )


def _other_amounts(one: wording.Text, other: wording.Text) -> bool:
    """Whether both texts count the same thing and never agree on how many."""
    mine, theirs = _amounts(one), _amounts(other)
    return any(not mine[noun] & theirs[noun] for noun in mine.keys() & theirs.keys())


@lru_cache(maxsize=20_000)
def _amounts(text: wording.Text) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    stems = _every_stem(text)
    for number, noun in pairwise(stems):
        if number in _NUMBERS or number.isdigit():
            found.setdefault(noun, set()).add(_NUMBERS.get(number, number))
    return {noun: frozenset(numbers) for noun, numbers in found.items()}


_NUMBERS: Final = {
    wording.stem(word): str(at)
    for at, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_PIVOTS: Final = frozenset(
    wording.stem(word)
    for word in wording.word_set(
        "causes leads results overwrites blocks waits depends calls than before after from until follows replaces requires"
        " contains prevents becomes hides beats precedes returns"
    )
)


def _swapped_roles(one: wording.Text, other: wording.Text) -> bool:
    """Whether what stands before a verb in one text stands behind it in the other, and the other way round."""
    mine, theirs = _sides(one), _sides(other)
    for pivot in mine.keys() & theirs.keys():
        for before, behind in mine[pivot]:
            for their_before, their_behind in theirs[pivot]:
                crossed = (
                    (before & their_behind) - (behind | their_before),
                    (behind & their_before) - (before | their_behind),
                )
                kept = (before & their_before) | (behind & their_behind)
                if all(crossed) and len(kept) < len(crossed[0]) + len(crossed[1]):
                    return True
    return False


@lru_cache(maxsize=20_000)
def _sides(text: wording.Text) -> dict[str, tuple[tuple[frozenset[str], frozenset[str]], ...]]:
    """Pivot -> content stems before and behind it, for each sentence in the active voice that has it."""
    found: dict[str, list[tuple[frozenset[str], frozenset[str]]]] = {}
    for sentence in _SENTENCE.split(text.clean):
        stems = [wording.stem(word) for word in wording.tokens(sentence)]
        for at, stem in enumerate(stems):
            if stem in _PIVOTS and "by" not in stems[at + 1 : at + 3]:
                before, behind = (
                    frozenset(s for s in part if s in text.stems) for part in (stems[:at], stems[at + 1 :])
                )
                found.setdefault(stem, []).append((before, behind))
    return {pivot: tuple(sides) for pivot, sides in found.items()}


def asserted(statements: Sequence[str]) -> frozenset[str]:
    """
    Stems that statements say of the code as it is, and none of them denies.

    Wishes ("should ...") are left out, and so are clauses with "only" or "instead": who denies a word of those may say the same.
    """
    said: set[str] = set()
    turned: set[str] = set()
    for raw in statements:
        text = wording.prepare(raw)
        turned |= denied(text)
        if not WISH.search(raw):
            said |= text.content - denied(text) - _narrowed(text)
    return frozenset(said - turned - FILLER)


def _narrowed(text: wording.Text) -> frozenset[str]:
    found: set[str] = set()
    for clause in re.split(r"[.,;:!?()\n]", text.clean):
        if _ONLY & set(wording.tokens(clause)):
            found.update(wording.content_stems(clause))
    return frozenset(found)
