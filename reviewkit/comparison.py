"""Two scorecards of one submission side by side: what changed, and which part of key or scorer is responsible. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reviewkit.keydiff import changed_items, changed_whole
from reviewkit.rubric import Rubric
from reviewkit.scorecard import DefectResult, FindingResult, PairEvidence, Scorecard

_NOT_KEPT = "the old rubric was not kept, so its statements cannot be compared"


@dataclass(frozen=True)
class Change:
    """One item that is not what it was."""

    kind: str
    """`flaw`, `remark`, `gate`, `claim`, `answer`, `check`, `dimension` or `decision`."""
    item: str
    before: str
    after: str
    points_before: float | None = None
    points_after: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Side:
    """The result of one scoring."""

    rubric: str
    scorer: str
    points: float
    over: float
    percent: float
    low: float
    """Lower end of the 90 % interval, points."""
    high: float
    band: str
    gates: str
    waiting: int


@dataclass(frozen=True)
class Comparison:
    """One submission, scored twice."""

    candidate: str
    scenario: str
    sha256: str
    old: Side
    new: Side
    versions: tuple[str, ...]
    """What differs for every submission: versions, weights, items that came or went."""
    changes: tuple[Change, ...]
    report_old: str = ""
    report_new: str = ""

    @property
    def moved(self) -> float:
        """Percent of the points gained or lost."""
        return round(self.new.percent - self.old.percent, 4)

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "moved": self.moved}


def compare(
    old: Scorecard, new: Scorecard, old_rubric: Rubric | None, rubric: Rubric, notes: Sequence[str] = ()
) -> Comparison:
    """
    Compare two scorecards of one submission.

    Args:
        old: From before.
        new: From now.
        old_rubric: The rubric behind the old one, where it was kept.
        rubric: The rubric behind the new one.
        notes: On decisions that no longer apply, from `carryover`.
    """
    items = {} if old_rubric is None else changed_items(old_rubric, rubric)
    whys = _Reasons(old, new, rubric, items, old_rubric is not None)
    changes = [
        *_defects(old, new, whys), *_remarks(old, new, whys), *_gates(old, new, whys), *_claims(old, new),
        *_answers(old, new, whys), *_checks(old, new), *_dimensions(old, new, whys),
        *(Change("decision", "", "", "", why=note) for note in notes),
    ]  # fmt: skip
    return Comparison(
        candidate=new.about.candidate, scenario=new.about.slug, sha256=new.about.submission_sha256, old=_side(old), new=_side(new),
        versions=tuple(whys.everywhere + ([] if old_rubric is None else changed_whole(old_rubric, rubric))), changes=tuple(changes),
    )  # fmt: skip


def _side(card: Scorecard) -> Side:
    total = card.total
    return Side(
        card.versions.rubric, card.versions.scorer, total.points, total.over, total.percent, total.interval_low,
        total.interval_high, total.band, card.gates_outcome.value, len(card.queue),
    )  # fmt: skip


class _Reasons:
    """Says why an item changed, from what is known to differ."""

    def __init__(
        self, old: Scorecard, new: Scorecard, rubric: Rubric, items: Mapping[str, Sequence[str]], kept: bool
    ) -> None:
        self.old, self.new, self.rubric, self.items, self.kept = old, new, rubric, items, kept
        self.everywhere = [
            f"{name} {_short(before)} -> {_short(after)}"
            for name in ("rubric", "scorer", "scenario", "model", "idf", "calibration", "exemplars")
            if (before := getattr(old.versions, name)) != (after := getattr(new.versions, name))
        ]
        if old.versions.rubric == new.versions.rubric and old.versions.rubric_sha256 not in (
            "",
            new.versions.rubric_sha256,
        ):
            self.everywhere.append(f"rubric {new.versions.rubric} was changed without a new version")
        known = set(old.decisions)
        self.decided = [d for d in new.decisions if d not in known]

    def of_item(self, item: str, *more: str) -> str:
        """Of one item of the key."""
        parts = [part for part in more if part]
        own = list(self.items.get(item, ()))
        parts += own
        raters = sorted({d.author for d in self.decided if item in (d.defect, d.item, d.finding)})
        if raters:
            parts.append(f"decided since by {', '.join(raters)}")
        if not own and not raters:
            parts.append(self.at_large())
        return "; ".join(dict.fromkeys(parts)) + "."

    def at_large(self) -> str:
        """When nothing of the item itself differs."""
        others = (
            "its own entry in the key is the same; other items, weights or versions differ" if self.kept else _NOT_KEPT
        )
        return others + (f" ({', '.join(self.everywhere)})" if self.everywhere else "")

    def of_pair(self, finding: str | None, target: str) -> str:
        """How the match of a finding with an item moved, with the statement that it is closest to now."""
        before, after = _pair(self.old, finding, target), _pair(self.new, finding, target)
        if after is None:
            return ""
        was = "was not looked at" if before is None else _pair_words(before)
        statement = self._statement(target, after.reference)
        return f"{finding}: {was}, now {_pair_words(after)}{f' ({statement!r})' if statement else ''}"

    def _statement(self, target: str, reference: str) -> str:
        """Text of a statement of the new key by its name, such as `sees 2`."""
        defect = next((d for d in self.rubric.defects if d.id == target), None)
        name, _, number = reference.partition(" ")
        if defect is None or not number.isdigit():
            return defect.title if defect is not None and reference == "title" else ""
        statements: Sequence[str] = getattr(defect, name, ())
        return statements[int(number) - 1] if 0 < int(number) <= len(statements) else ""


def _short(version: str) -> str:
    name, at, digest = version.partition("@")
    return f"{name}@{digest[:8]}" if at else version[:12] or "unknown"


def _pair(card: Scorecard, finding: str | None, target: str) -> PairEvidence | None:
    held = next((f for f in card.findings if f.id == finding), None)
    return None if held is None else next((p for p in held.pairs if p.target == target), None)


def _pair_words(pair: PairEvidence) -> str:
    guards = f", guards: {', '.join(hit.guard for hit in pair.guards)}" if pair.guards else ""
    like = [term.feature for term in pair.contributions if term.feature.startswith("exemplar ")]
    near = f", near {' and '.join(like)}" if like else ""
    return f"{pair.outcome.value} at {pair.probability:.2f}, closest to `{pair.reference}`{near}{guards}"


def _defects(old: Scorecard, new: Scorecard, whys: _Reasons) -> Iterator[Change]:
    before = {defect.id: defect for defect in old.defects}
    for defect in new.defects:
        was = before.pop(defect.id, None)
        if was is None:
            why = f"the flaw is new in the rubric; {defect.words}"
            yield Change("flaw", defect.id, "not in the key", defect.state.value, None, defect.points, why)
        elif (was.state, was.points) != (defect.state, defect.points):
            yield Change(
                "flaw", defect.id, was.state.value, defect.state.value, was.points, defect.points,
                whys.of_item(defect.id, *_defect_parts(was, defect, whys)),
            )  # fmt: skip
    for defect in before.values():
        why = "the flaw was removed from the rubric"
        yield Change("flaw", defect.id, defect.state.value, "not in the key", defect.points, None, why)


def _defect_parts(was: DefectResult, defect: DefectResult, whys: _Reasons) -> Iterator[str]:
    if was.points_max != defect.points_max:
        yield f"worth {defect.points_max:.1f} points instead of {was.points_max:.1f}"
    if was.state is not defect.state or was.finding != defect.finding or was.probability != defect.probability:
        for finding in dict.fromkeys((defect.finding, was.finding)):
            if finding is not None:
                yield whys.of_pair(finding, defect.id)
    if was.hints != defect.hints:
        yield f"{defect.hints} hints instead of {was.hints}"


def _remarks(old: Scorecard, new: Scorecard, whys: _Reasons) -> Iterator[Change]:
    before = {finding.id: finding for finding in old.findings}
    for finding in new.findings:
        was = before.get(finding.id)
        if was is None or was.outcome is finding.outcome:
            continue
        targets = _targets(was, finding)
        parts = [whys.of_pair(finding.id, target) for target in targets]
        parts += [f"{target}: {words}" for target in targets for words in whys.items.get(target, ())]
        yield Change(
            "remark", finding.id, was.outcome.value, finding.outcome.value, why=whys.of_item(finding.id, *parts)
        )


def _targets(was: FindingResult, now: FindingResult) -> list[str]:
    """Items whose match with the remark moved: the likeliest before and now."""
    firsts = [pairs[0].target for pairs in (now.pairs, was.pairs) if pairs]
    return list(dict.fromkeys((*now.defects, *was.defects, *firsts)))[:2]


def _gates(old: Scorecard, new: Scorecard, whys: _Reasons) -> Iterator[Change]:
    before = {gate.id: gate for gate in old.gates}
    for gate in new.gates:
        was = before.pop(gate.id, None)
        if was is None:
            yield Change("gate", gate.id, "not in the rubric", gate.outcome.value, why="the gate is new in the rubric")
        elif was.outcome is not gate.outcome:
            yield Change(
                "gate",
                gate.id,
                was.outcome.value,
                gate.outcome.value,
                why=whys.of_item(gate.id, gate.words.rstrip(".")),
            )
    for gate in before.values():
        yield Change(
            "gate", gate.id, gate.outcome.value, "not in the rubric", why="the gate was removed from the rubric"
        )


def _claims(old: Scorecard, new: Scorecard) -> Iterator[Change]:
    before = {claim.id: claim for claim in old.claims}
    for claim in new.claims:
        was = before.pop(claim.id, None)
        now = "right" if claim.right else "wrong"
        if was is None:
            yield Change("claim", claim.id, "not in the key", now, why="the claim is new in the rubric")
        elif was.right is not claim.right:
            why = f"the key says {claim.key.value!r} instead of {was.key.value!r}"
            yield Change("claim", claim.id, "right" if was.right else "wrong", now, why=why)
    for claim in before.values():
        yield Change(
            "claim", claim.id, "right" if claim.right else "wrong", "not in the key", why="the claim was removed"
        )


def _answers(old: Scorecard, new: Scorecard, whys: _Reasons) -> Iterator[Change]:
    before = {answer.id: answer for exercise in old.exercises for answer in exercise.answers}
    for answer in (answer for exercise in new.exercises for answer in exercise.answers):
        was = before.pop(answer.id, None)
        if was is None:
            yield Change(
                "answer", answer.id, "not asked for", answer.state.value, why=f"asked for now: {answer.statement!r}"
            )
        elif was.state is not answer.state:
            other = (
                "" if was.statement == answer.statement else f"{answer.statement!r} in the place of {was.statement!r}"
            )
            parts = (other, answer.words.rstrip("."))
            yield Change("answer", answer.id, was.state.value, answer.state.value, why=whys.of_item(answer.id, *parts))
    for answer in before.values():
        yield Change(
            "answer", answer.id, answer.state.value, "not asked for", why=f"no longer asked for: {answer.statement!r}"
        )


def _checks(old: Scorecard, new: Scorecard) -> Iterator[Change]:
    before = {f"{c.exercise}/{c.check}": c for exercise in old.exercises for c in exercise.checks}
    for check in (check for exercise in new.exercises for check in exercise.checks):
        item = f"{check.exercise}/{check.check}"
        was = before.pop(item, None)
        if was is None:
            yield Change("check", item, "not in the rubric", check.outcome, why=f"the check is new: {check.title}")
        elif was.outcome != check.outcome:
            seen = f"; seen: {check.seen}" if check.seen else ""
            yield Change(
                "check",
                item,
                was.outcome,
                check.outcome,
                why=f"the same files, run again with the rubric's checks{seen}",
            )
    for item, check in before.items():
        yield Change("check", item, check.outcome, "not in the rubric", why="the check was removed")


def _dimensions(old: Scorecard, new: Scorecard, whys: _Reasons) -> Iterator[Change]:
    before = {result.dimension: result for result in old.dimensions}
    for result in new.dimensions:
        was = before[result.dimension]
        if (was.points, was.points_max, was.reason) == (result.points, result.points_max, result.reason):
            continue
        shown = [
            f"of {r.points_max:g}" if r.scored else f"unscored ({r.reason.value if r.reason else ''})"
            for r in (was, result)
        ]
        parts = (
            [f"worth {result.points_max:g} points instead of {was.points_max:g}"]
            if was.points_max != result.points_max
            else []
        )
        why = "; ".join([*parts, result.words.rstrip(".")]) + "."
        yield Change("dimension", result.dimension.value, shown[0], shown[1], was.points, result.points, why)
