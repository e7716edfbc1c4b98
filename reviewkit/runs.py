"""What the sandbox said about one submission, kept so that scoring again needs no sandbox."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reviewkit import __version__
from reviewkit.bank import Entry
from reviewkit.collect import write_whole
from reviewkit.scorecard import CheckResult, EvidenceResult, Frozen, SandboxLevel, canonical
from reviewkit.scoring import SCORER_VERSION


class RunVersions(Frozen):
    """What the results depend on beside the submission's own bytes; other versions are run anew."""

    program: str
    scorer: str
    scenario: str
    rubric: str


class Runs(Frozen):
    """Results of everything that ran candidate code."""

    versions: RunVersions
    sandbox: SandboxLevel = "none"
    """Level of the sandbox that ran them."""
    checks: tuple[CheckResult, ...] = ()
    """Hidden checks of the mended code."""
    baseline: tuple[CheckResult, ...] = ()
    """Hidden checks of the change as proposed."""
    evidence: tuple[EvidenceResult, ...] = ()
    """Re-runs of the candidate's evidence."""


def versions_of(entry: Entry) -> RunVersions:
    """What results made now depend on."""
    return RunVersions(
        program=__version__, scorer=SCORER_VERSION, scenario=entry.scenario.version, rubric=entry.rubric.version
    )


def keep(path: Path, runs: Runs) -> None:
    """Write results, whole or not at all."""
    write_whole(path, canonical(runs.model_dump(mode="json")).encode() + b"\n")


def kept(path: Path, entry: Entry) -> Runs | None:
    """Results made with the same versions; None where there are none, so that everything is run."""
    try:
        runs = Runs.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return runs if runs.versions == versions_of(entry) else None
