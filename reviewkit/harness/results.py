"""What probes, proofs, checks and traces return, and the marks by which they are found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import ModuleType
from typing import Any, Literal, TypeVar

from reviewkit.harness.stage import Stage

Point = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """A small chart, drawn as inline SVG."""

    kind: Literal["bars", "lines"]
    title: str
    series: Mapping[str, Sequence[Point]]
    """lines: points per series; bars: one point (0, value) per label."""
    x: str = ""
    y: str = ""


def bars(title: str, values: Mapping[str, float], y: str = "") -> Plot:
    """One bar per label."""
    return Plot("bars", title, {label: ((0.0, float(value)),) for label, value in values.items()}, "", y)


def lines(title: str, series: Mapping[str, Sequence[Point]], x: str = "", y: str = "") -> Plot:
    """One line per series of (x, y) points."""
    return Plot("lines", title, {name: tuple(points) for name, points in series.items()}, x, y)


@dataclass(frozen=True)
class ProbeResult:
    """What a probe shows."""

    verdict: str
    """One line, the same on every run on every machine: counts and ratios, never a time."""
    plots: Sequence[Plot] = ()
    table: Sequence[Mapping[str, Any]] = ()
    aside: str = ""
    """One line that depends on the machine: what more it shows here, or the command that gets it; shown with the figures, not recorded."""


@dataclass(frozen=True)
class Recording:
    """What a diagnose exercise recorded while its system ran."""

    metrics: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    plots: Sequence[Plot] = ()
    verdict: str = ""


@dataclass(frozen=True)
class Seen:
    """Outcome of a proof."""

    shown: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """Outcome of a check."""

    passed: bool
    expected: str
    seen: str


def verdict(passed: bool, expected: str, seen: str) -> Verdict:
    """A check's outcome; `expected` and `seen` are facts in a few words."""
    return Verdict(passed, expected, seen)


@dataclass(frozen=True)
class TraceTruth:
    """Measured truth of a trace exercise."""

    order: tuple[str, ...]
    marks: Mapping[str, str] = field(default_factory=dict)


CheckFunction = Callable[[Stage, Random], Awaitable[Verdict]]
ProofFunction = Callable[[Stage], Awaitable[Seen]]
TraceFunction = Callable[[Stage], Awaitable[TraceTruth]]
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Mark:
    """Attached to a function by a decorator: what it is and for which id."""

    kind: Literal["check", "proof", "trace"]
    id: str
    title: str = ""


def _marked(mark: Mark) -> Callable[[F], F]:
    def attach(function: F) -> F:
        function.__dict__["reviewkit"] = mark
        return function

    return attach


def check(check_id: str, title: str) -> Callable[[F], F]:
    """Mark `async (stage, rng) -> Verdict` as a check."""
    return _marked(Mark("check", check_id, title))


def proof(defect_id: str) -> Callable[[F], F]:
    """Mark `async (stage) -> Seen` as the proof of a defect."""
    return _marked(Mark("proof", defect_id))


def trace(exercise_id: str) -> Callable[[F], F]:
    """Mark `async (stage) -> TraceTruth` as the instrumented run of a trace exercise."""
    return _marked(Mark("trace", exercise_id))


def marked(module: ModuleType, kind: Literal["check", "proof", "trace"]) -> dict[str, tuple[Mark, Callable[..., Any]]]:
    """Functions of a module marked as `kind`, by id, in order of definition.

    Raises:
        ValueError: If an id is used twice.
    """
    found: dict[str, tuple[Mark, Callable[..., Any]]] = {}
    for value in vars(module).values():
        mark = getattr(value, "reviewkit", None)
        if isinstance(mark, Mark) and mark.kind == kind:
            if mark.id in found and found[mark.id][1] is not value:
                raise ValueError(f"{module.__name__}: {kind} {mark.id!r} is defined twice")
            found[mark.id] = (mark, value)
    return found
