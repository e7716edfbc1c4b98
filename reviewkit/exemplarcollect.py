"""Gathers exemplars from what raters decided: who must agree, what is no good as a reference, how many are kept.

Pure. Everything left out is counted with its reason, for the person who reads the file before it is committed.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit import guards, likeness, wording
from reviewkit.exemplars import LONGEST, MOST_PER_DEFECT, Exemplar, ExemplarSet, Verdict, alike
from reviewkit.finding import Finding
from reviewkit.likeness import Lexicon, Remark, Statement
from reviewkit.pairing import Key, key_of
from reviewkit.rubric import Rubric
from reviewkit.rulings import last_words
from reviewkit.scorecard import Decision, DecisionKind, FindingResult, PairOutcome, Scorecard

LEAST_RATERS: Final = 2
SAME_TEXT: Final = 0.8
"""Jaccard of stems from which two texts are one."""
OWN_WORDS: Final = 0.5
"""Coverage by a defect's own statements from which a remark may not stand against it: it says what the key says."""
_UNFIT: Final = frozenset(
    {"substance", "hidden", "length", "breadth", "praise", "language", "parroted", "own words", "copies"}
)
"""Guards on a text that make it no reference for others."""


@dataclass(frozen=True)
class Judged:
    """One pair of remark and defect with what was said of it."""

    finding: Finding
    defect: str
    words: tuple[str, ...]
    """Last word of each rater, `matched` or `not matched`."""
    program: PairOutcome
    guards: tuple[str, ...]
    """Guards that fired on the pair."""
    source: str
    """Hash of the submission."""


def judged_pairs(card: Scorecard, decisions: Sequence[Decision]) -> Iterator[Judged]:
    """Pairs of a scored submission on which raters decided; remarks made after the exercises say nothing here."""
    findings = {finding.id: finding for finding in card.findings if not finding.after_exercises}
    for (kind, finding, defect, _item), said in sorted(last_words(decisions).items()):
        if kind != DecisionKind.FINDING or not defect or finding not in findings:
            continue
        result = findings[finding]
        pair = next((p for p in result.pairs if p.target == defect), None)
        fired = tuple(hit.guard for hit in pair.guards) if pair else ()
        program = pair.program_outcome if pair else PairOutcome.NOT_MATCHED
        words = tuple(decision.outcome for decision in said.values())
        yield Judged(_finding(result), defect, words, program, fired, card.about.submission_sha256)


def _finding(result: FindingResult) -> Finding:
    return Finding(
        result.id, result.file, result.side, result.line, result.end_line, result.severity, result.category,
        result.body, result.why, result.fix,
    )  # fmt: skip


def collect(known: ExemplarSet, pairs: Sequence[Judged], rubric: Rubric) -> tuple[ExemplarSet, list[str]]:
    """
    Add exemplars from decided pairs.

    Args:
        known: The set so far; its exemplars stay, refused ones too, so that they are not gathered again.
        pairs: From `judged_pairs`, of any submissions of the scenario.
        rubric: As it is in the bank now; what is gathered is used from its next version on.

    Returns:
        The set, with the next version number if it grew, and a sentence per reason why pairs were left out.
    """
    key = key_of(rubric)
    left: Counter[str] = Counter()
    fresh: list[tuple[tuple[int, int, str], Exemplar]] = []
    for pair in pairs:
        verdict = _verdict(pair, rubric, left)
        if verdict is None:
            continue
        text = _text(pair.finding)
        reason = _unfit(pair, text, verdict, key)
        if reason:
            left[reason] += 1
            continue
        agreed = pair.words.count(verdict)
        exemplar = _exemplar(pair, text, verdict, agreed, rubric.version)
        told = PairOutcome.MATCHED if verdict == "matched" else PairOutcome.NOT_MATCHED
        fresh.append(((int(pair.program is told), -agreed, exemplar.text_sha256), exemplar))
    kept = _without_contradictions(known, [exemplar for _rank, exemplar in sorted(fresh, key=lambda f: f[0])], left)
    added: list[Exemplar] = []
    number = max((e.number for e in known.exemplars), default=0)
    for exemplar in kept:
        same = [e for e in (*known.exemplars, *added) if e.defect == exemplar.defect]
        if any(alike(e.text, exemplar.text) > SAME_TEXT for e in same):
            left["nearly the same as one that is there"] += 1
        elif sum(e.verdict == exemplar.verdict and e.use for e in same) >= MOST_PER_DEFECT:
            left[f"over {MOST_PER_DEFECT} of a defect and verdict"] += 1
        else:
            number += 1
            added.append(exemplar.model_copy(update={"number": number}))
    notes = [f"{count} left out: {reason}." for reason, count in sorted(left.items())]
    if not added:
        return known, notes
    return ExemplarSet(version=known.version + 1, exemplars=(*known.exemplars, *added)), notes


def _verdict(pair: Judged, rubric: Rubric, left: Counter[str]) -> Verdict | None:
    """The word of the majority, if at least two raters gave it and the defect is still planted."""
    if pair.defect not in {defect.id for defect in rubric.defects}:
        left["the rubric no longer has the defect"] += 1
        return None
    verdicts: tuple[Verdict, ...] = ("matched", "not matched")
    for verdict in verdicts:
        if pair.words.count(verdict) >= LEAST_RATERS and 2 * pair.words.count(verdict) > len(pair.words):
            return verdict
    left["fewer than two raters agree"] += 1
    return None


def _text(finding: Finding) -> str:
    """What is wrong, where that says enough by itself; else everything said."""
    body = wording.clean(finding.body)[0].strip()
    return body if len(wording.prepare(body).content) >= guards.LEAST_STEMS else wording.clean(finding.text)[0].strip()


def _unfit(pair: Judged, text: str, verdict: Verdict, key: Key) -> str:
    """Why a text is no reference for others; empty when it is one."""
    fired = {hit.guard for hit in guards.text_guards(wording.prepare(pair.finding.text))} | set(pair.guards)
    if fired & _UNFIT or (verdict == "matched" and "stance" in fired):
        return "a guard fires on the words"
    if not 8 <= len(text) <= LONGEST:
        return f"longer than {LONGEST} characters, or nearly empty"
    if guards.is_foreign(wording.prepare(text), key.stems):
        return "not English"
    target = next(t for t in key.targets if t.id == pair.defect)
    if any(alike(text, statement.raw) > SAME_TEXT for statement in target.statements):
        return "says what a statement of the key says already"
    if verdict == "not matched" and _cover(text, target.statements, key.lexicon) >= OWN_WORDS:
        return "not matched, although worded like the defect: look at the decision"
    return ""


def _cover(text: str, statements: Sequence[Statement], lexicon: Lexicon) -> float:
    remark = Remark.of(text, lexicon)
    return max(likeness.compare(remark, statement, lexicon).cover for statement in statements)


def _exemplar(pair: Judged, text: str, verdict: Verdict, raters: int, version: str) -> Exemplar:
    return Exemplar(
        number=1, defect=pair.defect, verdict=verdict, text=text, raters=raters, rubric=version,
        text_sha256=wording.prepare(pair.finding.text).sha256, source=hashlib.sha256(pair.source.encode()).hexdigest(),
    )  # fmt: skip


def _without_contradictions(known: ExemplarSet, fresh: Sequence[Exemplar], left: Counter[str]) -> list[Exemplar]:
    """Leave out a text that stands for a defect here and against it there: one of the two decisions is wrong."""
    kept: list[Exemplar] = []
    for exemplar in fresh:
        others = [
            e for e in (*known.exemplars, *fresh) if e.defect == exemplar.defect and e.verdict != exemplar.verdict
        ]
        if any(alike(e.text, exemplar.text) > SAME_TEXT for e in others):
            left["contradicts another decision on nearly the same text"] += 1
        else:
            kept.append(exemplar)
    return kept
