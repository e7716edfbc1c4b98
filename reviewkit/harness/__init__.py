"""One way to run code for probes, public checks, proofs and hidden checks. See docs/authoring.md, section 2."""

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
