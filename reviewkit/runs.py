"""What the sandbox said about one submission, kept so that scoring again needs no sandbox."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from reviewkit import __version__
from reviewkit.bank import Entry
from reviewkit.collect import write_whole
from reviewkit.scorecard import CheckResult, EvidenceResult, Frozen, SandboxLevel, canonical
from reviewkit.scorer import SCORER_VERSION

NO_MATTER: Final = frozenset({"calibration", "__pycache__", "guide.md", "guide.ipynb"})
"""What lies in a scenario or its rubric and moves neither score nor report."""
NOT_RUN: Final = NO_MATTER | {"exemplars.yaml", "brief.md", "pull_request.md"}
"""What lies in a scenario or its rubric and never meets the sandbox."""


class RunVersions(Frozen):
    """What the results depend on beside the submission's own bytes; other versions are run anew."""

    program: str
    scorer: str
    scenario: str
    rubric: str
    content: str
    """sha256 over every file that is run or checked with: an author mends a check long before its version moves."""


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
        program=__version__, scorer=SCORER_VERSION, scenario=entry.scenario.version, rubric=entry.rubric.version,
        content=content_of(entry),
    )  # fmt: skip


def content_of(entry: Entry, without: frozenset[str] = NOT_RUN) -> str:
    """sha256 (hex) over names and bytes of a scenario's and its rubric's files, without files and folders of some names."""
    whole = hashlib.sha256()
    for root in filter(None, (entry.folder, entry.rubric_folder)):
        for path in sorted(p for p in root.rglob("*") if p.is_file()):
            inside = path.relative_to(root)
            if without.isdisjoint(inside.parts):
                whole.update(f"{inside.as_posix()}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


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
