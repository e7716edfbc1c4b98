"""The dimension "proof": what re-run evidence amounts to. The candidate's own outcome is a claim and earns nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewkit.dimensions import Sum, point, scored
from reviewkit.record import Evidence, State
from reviewkit.resolved import Resolved
from reviewkit.rulings import Rulings
from reviewkit.scorecard import DecisionKind, DimensionResult, EvidenceResult, ItemState, Point
from reviewkit.words import Dimension

PROOFS_FOR_FULL: Final = 2


@dataclass(frozen=True)
class Judged:
    """What one piece of evidence is worth, and why."""

    state: ItemState
    words: str
    defects: tuple[str, ...] = ()
    """Proven when credited; perhaps proven when a person decides."""


def proof(
    most: float, resolved: Resolved, state: State, evidence: Sequence[EvidenceResult], rulings: Rulings
) -> DimensionResult:
    """Evidence that fails on the change and with the defect put back, and passes on the mended tree; two defects count in full."""
    rerun = {result.evidence: result for result in evidence}
    proven: set[str] = set()
    waiting: set[str] = set()
    items: list[Point] = []
    each = most / PROOFS_FOR_FULL
    known = {finding.id for finding in resolved.counted}
    for piece in sorted((e for e in state.evidence if e.finding in known), key=lambda e: e.id):
        judged = judge(piece, rerun.get(piece.id), resolved, rulings)
        if judged.state is ItemState.CREDITED:
            proven |= set(judged.defects)
        elif judged.state is ItemState.PERSON:
            waiting |= set(judged.defects or (piece.finding,))
        high = 0.0 if judged.state is ItemState.MISSED else each
        value = each if judged.state is ItemState.CREDITED else 0.0
        shown = point(
            Dimension.PROOF, piece.id, judged.state, Sum(value, value, high), each, judged.words, [piece.finding]
        )
        first = judge(piece, rerun.get(piece.id), resolved, Rulings({}))
        items.append(shown.model_copy(update={"program_state": first.state}))
    share = min(1.0, len(proven) / PROOFS_FOR_FULL)
    could = min(1.0, len(proven | waiting) / PROOFS_FOR_FULL)
    words = (
        f"{len(proven)} defects proven, {len(waiting - proven)} waiting for a person; {PROOFS_FOR_FULL} count in full."
    )
    return scored(Dimension.PROOF, most, Sum(most * share, most * share, most * could), items, words)


def judge(piece: Evidence, result: EvidenceResult | None, resolved: Resolved, rulings: Rulings) -> Judged:
    """Judge one piece; a rater's word on its finding comes before the program's."""
    credited = resolved.credited_by(piece.finding)
    possible = credited or tuple(d for d, f in sorted(resolved.defects.items()) if piece.finding in f.findings)
    if rulings.split(DecisionKind.PROOF, finding=piece.finding):
        return Judged(ItemState.PERSON, "Raters do not agree.", possible)
    word = rulings.ruling(DecisionKind.PROOF, finding=piece.finding)
    if word is not None:
        return _ruled(ItemState(word), credited, possible)
    said = _program(piece, result)
    if said.state is not ItemState.CREDITED:
        return Judged(said.state, said.words, possible if said.state is ItemState.PERSON else ())
    if not possible:
        return Judged(ItemState.MISSED, f"{said.words} But its remark belongs to no defect that was found.")
    return _told_apart(said.words, result, credited, possible)


def _ruled(state: ItemState, credited: tuple[str, ...], possible: tuple[str, ...]) -> Judged:
    words = f"Decided by raters: {state.value}."
    if state is not ItemState.CREDITED or credited:
        return Judged(state, words, credited)
    if possible:
        return Judged(ItemState.PERSON, f"{words} The match of its remark is still open.", possible)
    return Judged(ItemState.MISSED, f"{words} But its remark belongs to no defect that was found.")


def _program(piece: Evidence, result: EvidenceResult | None) -> Judged:
    """What head and the mended tree say; `credited` still lacks that the reason is the defect at hand."""
    if result is None:
        return Judged(
            ItemState.PERSON,
            "Needs a person: its outcome is the candidate's own report until the hiring side has run it.",
        )
    both = (result.head, result.reference)
    if "not_run" in both:
        reason = result.head_seen if result.head == "not_run" else result.reference_seen
        return Judged(ItemState.PERSON, f"Needs a person: not run again ({reason}).")
    if "flaky" in both:
        where = "the change" if result.head == "flaky" else "the mended tree"
        return Judged(ItemState.PERSON, f"Needs a person: it comes out differently from run to run on {where}.")
    if "error" in both:
        where = "the change" if result.head == "error" else "the mended tree"
        return Judged(ItemState.PERSON, f"Needs a person: it breaks off on {where} instead of failing an assertion.")
    if both == ("fails", "passes"):
        return Judged(ItemState.CREDITED, "Fails on the change and passes on the mended tree.")
    if result.head == "fails":
        return Judged(ItemState.MISSED, "Fails on the mended tree, too, so it shows nothing that was mended.")
    if piece.outcome == "fails":
        return Judged(
            ItemState.PERSON, "Needs a person: it failed in the candidate's workbook and passes on the change here."
        )
    return Judged(ItemState.MISSED, "Passes on the change: it shows no flaw.")


def _told_apart(
    words: str, result: EvidenceResult | None, credited: tuple[str, ...], possible: tuple[str, ...]
) -> Judged:
    """Whether the check fails for the defect that its remark is about."""
    tried = {p.defect: p.outcome for p in result.put_back} if result is not None else {}
    shown = tuple(d for d in possible if tried.get(d) == "fails")
    if shown and credited:
        return Judged(ItemState.CREDITED, f"{words} Fails, too, where {', '.join(shown)} alone is put back.", shown)
    if shown:
        return Judged(
            ItemState.PERSON,
            f"{words} Needs a person: whether its remark finds {', '.join(shown)} is still open.",
            shown,
        )
    return Judged(ItemState.PERSON, f"{words} Needs a person: {_open(tried, possible)}.", possible)


def _open(tried: Mapping[str, str], possible: tuple[str, ...]) -> str:
    others = [d for d, outcome in sorted(tried.items()) if outcome == "fails" and d not in possible]
    if others:
        return f"it fails where {', '.join(others)} alone is put back, which its remark was not taken for"
    passed = [d for d in possible if tried.get(d) == "passes"]
    if passed:
        return f"it passes where {', '.join(passed)} alone is put back, so another difference may be the reason"
    unsure = [d for d in possible if tried.get(d) in ("error", "flaky", "not_run")]
    if unsure:
        return f"it has no clear outcome where {', '.join(unsure)} alone is put back"
    return f"{', '.join(possible)} cannot be put back alone, so the reason is open"


__all__: Final = ["PROOFS_FOR_FULL", "Judged", "judge", "proof"]
