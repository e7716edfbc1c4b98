"""One way to run code for probes, public checks, proofs and hidden checks. See docs/authoring.md, section 2."""

from typing import TYPE_CHECKING, Any

from reviewkit.harness.database import Database, Statement
from reviewkit.harness.gate import Gate
from reviewkit.harness.job import Answer, Calls, LoadError
from reviewkit.harness.results import (
    Plot,
    ProbeResult,
    Recording,
    Seen,
    TraceTruth,
    Verdict,
    bars,
    check,
    lines,
    proof,
    trace,
    verdict,
)
from reviewkit.harness.stage import Stage, Tree
from reviewkit.harness.world import HANG, REFUSE, HttpCall, Reply, World

if TYPE_CHECKING:
    from reviewkit.runtimes.base import HostError

__all__ = [
    "HANG",
    "REFUSE",
    "Answer",
    "Calls",
    "Database",
    "Gate",
    "HostError",
    "HttpCall",
    "LoadError",
    "Plot",
    "ProbeResult",
    "Recording",
    "Reply",
    "Seen",
    "Stage",
    "Statement",
    "TraceTruth",
    "Tree",
    "Verdict",
    "World",
    "bars",
    "check",
    "lines",
    "proof",
    "trace",
    "verdict",
]


def __getattr__(name: str) -> Any:
    """`HostError` is found as it is asked for: a guest has this package and not the hosts, and starts none."""
    if name == "HostError":
        from reviewkit.runtimes.base import HostError

        return HostError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
