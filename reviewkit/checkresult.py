"""What the sandbox said of one hidden check, or of one piece of evidence."""

from __future__ import annotations

from typing import Literal

from reviewkit.frozen import Frozen, Ident


class CheckResult(Frozen):
    """One hidden check of an exercise, as the sandbox reported it."""

    exercise: Ident
    check: Ident
    title: str
    outcome: Literal[
        "passed", "failed", "error", "time_limit", "memory_limit", "crashed", "stopped", "not_run", "not_measured"
    ]
    """`error`, `not_run` and `not_measured` are about us and score nothing; the others are about the solution."""
    expected: str = ""
    seen: str = ""


class PutBack(Frozen):
    """A run of evidence on the mended tree with one defect put back, and nothing else."""

    defect: Ident
    outcome: Literal["fails", "passes", "error", "flaky", "not_run", "no_tree"]
    """`no_tree`: the rubric cannot put this defect back on its own."""
    seen: str = ""


class EvidenceResult(Frozen):
    """The hiring side's own re-run of evidence that a candidate handed in for a finding."""

    finding: Ident
    evidence: Ident
    own: Literal["fails", "passes", "error"] = "fails"
    """Outcome in the candidate's own kernel: a claim, not a fact."""
    head: Literal["fails", "passes", "error", "flaky", "not_run"]
    """Outcome on the change under review; a proof must fail there. `flaky`: its runs differ."""
    head_seen: str = ""
    reference: Literal["fails", "passes", "error", "flaky", "not_run"]
    """Outcome on the mended tree; a proof must pass there."""
    reference_seen: str = ""
    put_back: tuple[PutBack, ...] = ()
    """For the defects that the finding is, or may be, about: only a check that fails there is about that defect."""
