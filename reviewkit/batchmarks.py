"""Marks that only show when files lie side by side: another's record, one candidate twice, copied words, look-alike names.

Pure, and blind to the order of files. A mark stands in the row, the table, the cohort page, the CSV and the head of the
report; never in the scorecard, which depends on its own file alone. No mark changes a point. Codes: docs/record.md, section 6.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any, Final

from reviewkit.submission import Submission

SKETCH: Final = 200
"""Hashes of events that are kept of a record: the smallest ones, so that two records with the same events keep the same."""
REMARK_MIN: Final = 60
"""Characters from which a remark is nobody else's by chance."""
SHARED_MIN: Final = 200
"""Characters of shared remarks from which they count as copied, unless all remarks are the same."""
AHEAD: Final = timedelta(hours=1)
"""How far a candidate's clock may be ahead of ours."""
NAMED: Final = 3
"""Other submissions that one mark names."""


Remarks = tuple[tuple[str, int], ...]
"""(hash of its words, characters) of each remark, sorted."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one submission from another: ids and hashes, no text of the candidate."""

    sha256: str
    slug: str
    candidate: str
    record: str
    last: str
    """Time of the last event, as the record says."""
    events: tuple[str, ...]
    """Up to `SKETCH` hashes of events, the smallest ones."""
    remarks: Remarks

    @property
    def short(self) -> str:
        """As reports show it."""
        return self.sha256[:12]


@dataclass(frozen=True, slots=True)
class Mark:
    """One sentence about a submission and others; holds nothing that a candidate wrote."""

    code: str
    words: str

    @property
    def is_neutral(self) -> bool:
        """Whether it says nothing about anybody's honesty."""
        return self.code in ("candidate_twice", "same_bytes", "clock_ahead")


@dataclass(frozen=True, slots=True)
class Lying:
    """A submission where it lies: its identity, under which names, and since when."""

    identity: Identity
    names: tuple[str, ...]
    received: int
    """Number of the batch that first held it."""


def identity_of(submission: Submission) -> Identity:
    """Identity of a submission as it was read."""
    texts = (" ".join(f.text.split()).casefold() for f in submission.state.findings)
    return Identity(
        sha256=submission.sha256, slug=submission.slug, candidate=submission.candidate, record=submission.record_id,
        last=max(event.t for event in submission.events) if submission.events else "",
        events=tuple(sorted(event.hash for event in submission.events)[:SKETCH]),
        remarks=tuple(sorted((hashlib.sha256(text.encode()).hexdigest(), len(text)) for text in texts)),
    )  # fmt: skip


def batch_marks(lying: Iterable[Lying], now: datetime) -> dict[str, tuple[Mark, ...]]:
    """
    Marks of each submission.

    Args:
        lying: Everything in the output folder, each content once, in any order.
        now: Time of scoring; only `clock_ahead` depends on it.

    Returns:
        sha256 -> its marks, by code; submissions without a mark are left out.
    """
    everything = sorted(lying, key=lambda item: item.identity.sha256)
    marks: dict[str, list[Mark]] = defaultdict(list)
    for one in everything:
        if len(one.names) > 1:
            marks[one.identity.sha256].append(Mark("same_bytes", f"The same file lies here under {len(one.names)} names."))
        ahead = datetime.fromisoformat(one.identity.last) - now if one.identity.last else timedelta()
        if ahead > AHEAD:
            hours = int(ahead.total_seconds() // 3600)
            marks[one.identity.sha256].append(Mark("clock_ahead", f"Impossible clock: it ends {hours} hours after it was scored."))
    for rule in (_twice, _same_record, _copied, _alike_candidates, _alike_files):
        for sha256, mark in rule(everything):
            marks[sha256].append(mark)
    return {sha256: tuple(sorted(found, key=lambda m: (m.code, m.words))) for sha256, found in sorted(marks.items())}


Found = Iterator[tuple[str, Mark]]


def _groups(items: Sequence[Lying], key: Callable[[Lying], Hashable | None]) -> Iterator[list[Lying]]:
    """Items that share a key, where at least two do; None is no key."""
    groups: dict[Hashable, list[Lying]] = defaultdict(list)
    for item in items:
        if (name := key(item)) is not None:
            groups[name].append(item)
    yield from (group for group in groups.values() if len(group) > 1)


def _others(one: Lying, group: Iterable[Lying]) -> str:
    """`submission 1a2b..., 3c4d... and 2 more`, without the one itself."""
    rest = sorted(item.identity.short for item in group if item is not one)
    more = f" and {len(rest) - NAMED} more" if len(rest) > NAMED else ""
    return f"{'submissions' if len(rest) > 1 else 'submission'} {', '.join(rest[:NAMED])}{more}"


def _twice(items: Sequence[Lying]) -> Found:
    """One candidate, one scenario, several files: all are kept, the newest receipt counts."""
    for group in _groups(items, lambda i: (i.identity.candidate, i.identity.slug) if i.identity.candidate else None):
        newest = max(item.received for item in group)
        counts = [item for item in group if item.received == newest]
        for one in group:
            if one.received < newest:
                what = f"a newer one came in later and counts ({_others(one, counts)})"
            elif len(counts) > 1:
                what = f"{_others(one, counts)} came in with it, so a person decides which counts"
            else:
                what = f"this one came in last and counts (before it: {_others(one, group)})"
            yield one.identity.sha256, Mark("candidate_twice", f"Same candidate twice for this scenario: {what}.")


def _same_record(items: Sequence[Lying]) -> Found:
    """One record under several candidates, or events of one record in another."""
    pairs: dict[str, set[str]] = defaultdict(set)
    by_sha = {item.identity.sha256: item for item in items}
    sharing = [(("id", item.identity.record), item) for item in items]
    sharing += [(("event", event), item) for item in items for event in item.identity.events]
    groups: dict[tuple[str, str], list[Lying]] = defaultdict(list)
    for key, item in sharing:
        groups[key].append(item)
    for group in {tuple(i.identity.sha256 for i in group): group for group in groups.values() if len(group) > 1}.values():
        for one in group:
            pairs[one.identity.sha256] |= {o.identity.sha256 for o in group if _differ(one, o)}
    for sha256, others in pairs.items():
        if others:
            named = _others(by_sha[sha256], [by_sha[o] for o in others])
            yield sha256, Mark("same_record", f"The same record, or events of it, under another candidate: {named}.")


def _differ(one: Lying, other: Lying) -> bool:
    """Whether two files are not simply two saves of one candidate's work."""
    mine, theirs = one.identity, other.identity
    return one is not other and (mine.candidate != theirs.candidate or mine.slug != theirs.slug or not mine.candidate)


def _copied(items: Sequence[Lying]) -> Found:
    """Remarks word for word those of another candidate."""
    reviews: dict[tuple[str, Remarks], list[Lying]] = defaultdict(list)
    for item in items:
        if any(size >= REMARK_MIN for _digest, size in item.identity.remarks):
            reviews[item.identity.slug, item.identity.remarks].append(item)
    alike = _alike_reviews(list(reviews))
    for (slug, remarks), members in reviews.items():
        near = [(other, n) for other, n in alike[slug, remarks].items() if n]
        for one in members:
            same = [item for item in members if _differ(one, item)]
            others = same + [item for other, _n in near for item in reviews[other] if _differ(one, item)]
            if others:
                most = len(remarks) if same else max(n for _other, n in near)
                words = f"{most} remarks are" if most > 1 else "1 remark is"
                yield one.identity.sha256, Mark(
                    "copied_text", f"{words} word for word the same under another candidate: {_others(one, others)}."
                )


def _alike_reviews(reviews: Sequence[tuple[str, Remarks]]) -> dict[tuple[str, Remarks], Counter[tuple[str, Remarks]]]:
    """For each review the others that share enough long remarks with it, and how many."""
    holders: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for at, (slug, remarks) in enumerate(reviews):
        for digest, size in set(remarks):
            if size >= REMARK_MIN:
                holders[slug, digest, size].append(at)
    shared_n: Counter[tuple[int, int]] = Counter()
    shared_size: Counter[tuple[int, int]] = Counter()
    for (_slug, _digest, size), found in holders.items():
        for pair in permutations(found, 2):
            shared_n[pair] += 1
            shared_size[pair] += size
    alike: dict[tuple[str, Remarks], Counter[tuple[str, Remarks]]] = {review: Counter() for review in reviews}
    for (one, other), size in shared_size.items():
        if size >= SHARED_MIN:
            alike[reviews[one]][reviews[other]] = shared_n[one, other]
    return alike


def _alike_candidates(items: Sequence[Lying]) -> Found:
    """Candidate ids that differ but look the same."""
    for group in _groups(items, lambda i: skeleton(i.identity.candidate) or None):
        for one in group:
            others = [o for o in group if o.identity.candidate != one.identity.candidate]
            if others:
                yield one.identity.sha256, Mark("lookalike_candidate", f"A candidate id that looks like this one: {_others(one, others)}.")


def _alike_files(items: Sequence[Lying]) -> Found:
    """File names that differ but look the same."""
    holders: dict[str, list[tuple[str, Lying]]] = defaultdict(list)
    for item in items:
        for name in item.names:
            holders[skeleton(name)].append((name, item))
    for group in holders.values():
        for name, one in group:
            others = [item for other, item in group if other != name and item is not one]
            if others:
                unique = list({item.identity.sha256: item for item in others}.values())
                yield one.identity.sha256, Mark("lookalike_file", f"A file name that looks like this one's: {_others(one, unique)}.")


_LOOKS: Final[Mapping[int, str]] = str.maketrans(
    {"0": "o", "1": "l", "i": "l", "|": "l", "!": "l", "5": "s", "$": "s", "2": "z", "8": "b"}
    | dict(zip("авеёкмнорстухіјѕьԁɡοαεικνρτυχ", "abeekmhopctyxljsbdgoaelkvptux", strict=True))
    | dict.fromkeys("._-+ ~'`\u2010\u2011\u2012\u2013\u2014", "-")
)
"""Characters read as others, after case is folded; letters of Cyrillic and Greek that are drawn like Latin ones."""


def skeleton(name: str) -> str:
    """What is left of a name once everything is gone that the eye does not tell apart: case, 0 and O, 1 and l, accents, dots."""
    folded = unicodedata.normalize("NFKD", name).casefold()
    kept = "".join(c for c in folded if unicodedata.category(c) not in ("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"))
    return kept.translate(_LOOKS).replace("rn", "m").replace("vv", "w").strip("-")


def plain(identity: Identity) -> dict[str, Any]:
    """An identity as JSON holds it."""
    return {name: getattr(identity, name) for name in Identity.__slots__}


def from_plain(value: Mapping[str, Any]) -> Identity:
    """An identity from JSON.

    Raises:
        KeyError: If a part is missing.
    """
    parts = {name: value[name] for name in Identity.__slots__}
    remarks = tuple((digest, size) for digest, size in parts["remarks"])
    return Identity(**{**parts, "events": tuple(parts["events"]), "remarks": remarks})
