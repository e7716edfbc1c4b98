"""What changed between two rubrics, item by item, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reviewkit.rubric import Defect, Rubric

_LISTS = ("sees", "understands", "mends", "not_")


def changed_items(old: Rubric, new: Rubric) -> dict[str, list[str]]:
    """
    Differences of the items that both rubrics have.

    Returns:
        Id of a defect, decoy, gate or also-valid remark -> sentences; items without a difference are left out.
    """
    found: dict[str, list[str]] = {}
    before = {defect.id: defect for defect in old.defects}
    for defect in new.defects:
        if defect.id in before and (words := list(_defect(before[defect.id], defect))):
            found[defect.id] = words
    for kind in ("gates", "decoys", "also_valid"):
        known = {item.id: item for item in getattr(old, kind)}
        for item in getattr(new, kind):
            if item.id in known and item != known[item.id]:
                found.setdefault(item.id, []).append(f"its {kind.rstrip('s').replace('_', '-')} entry was changed")
    return found


def changed_whole(old: Rubric, new: Rubric) -> list[str]:
    """Differences that reach every submission: weights, bands, cost of a hint, items that came or went."""
    found = [
        f"{dimension.value} counts {new.weights.dimensions[dimension]:g} points instead of {points:g}"
        for dimension, points in old.weights.dimensions.items()
        if new.weights.dimensions[dimension] != points
    ]
    found += [
        f"a {severity.value} weighs {new.weights.severity[severity]:g} instead of {weight:g}"
        for severity, weight in old.weights.severity.items()
        if new.weights.severity[severity] != weight
    ]
    if old.bands != new.bands:
        found.append("the bands are " + ", ".join(f"{band.name} from {band.from_:g}" for band in new.bands))
    if old.hint_cost != new.hint_cost:
        found.append(f"a hint costs {new.hint_cost:g} of a flaw's points instead of {old.hint_cost:g}")
    for kind, name in (
        ("defects", "flaw"),
        ("decoys", "decoy"),
        ("gates", "gate"),
        ("also_valid", "also-valid remark"),
    ):
        before, now = ({item.id for item in getattr(rubric, kind)} for rubric in (old, new))
        found += [f"{name} {item!r} was added" for item in sorted(now - before)]
        found += [f"{name} {item!r} was removed" for item in sorted(before - now)]
    return found


def _defect(old: Defect, new: Defect) -> Iterator[str]:
    for name in ("title", "severity", "level", "domain", "category", "family"):
        before, now = getattr(old, name), getattr(new, name)
        if before != now:
            yield f"{name} is {_shown(now)} instead of {_shown(before)}"
    if old.places != new.places:
        yield f"it has other places: {', '.join(sorted({place.file for place in new.places}))}"
    for name in _LISTS:
        yield from _statements(name.rstrip("_"), getattr(old, name), getattr(new, name))


def _statements(name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for at, statement in enumerate(new, start=1):
        if statement not in old:
            yield f"`{name} {at}` is new: {statement!r}"
    for at, statement in enumerate(old, start=1):
        if statement not in new:
            yield f"`{name} {at}` is gone: {statement!r}"


def _shown(value: object) -> str:
    return repr(str(getattr(value, "value", value)))
