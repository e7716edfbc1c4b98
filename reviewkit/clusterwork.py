"""What a worker of a cluster does: scores one submission in a folder of its own, with its own sandbox, and hands back the files.

A worker needs nothing but reviewkit: bank, rubrics and everything else that a score depends on come with the work. It keeps
one fork server and one set of the sandbox's fork servers for all that it scores. Nothing here knows the cluster's library.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import re
import secrets
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from reviewkit import __version__, decisions, hiring
from reviewkit.batch import Order
from reviewkit.blocking import finished
from reviewkit.collect import write_whole
from reviewkit.errors import ClusterError
from reviewkit.hiring import HiringDecision
from reviewkit.outfolder import OutFolder
from reviewkit.runs import NO_MATTER
from reviewkit.sandbox.folders import HeldFolder
from reviewkit.scorecard import Decision
from reviewkit.scorer import SCORER_VERSION
from reviewkit.scoringpool import resident
from reviewkit.scoringrun import LOG, Outcome, Work, run_notebook

VERSIONS: Final = (__version__, SCORER_VERSION)
FILE: Final = re.compile(r"(rows|scorecards|reports|runs|keys|identities|baselines|notebooks)/[A-Za-z0-9][A-Za-z0-9._-]*")
"""Names of files that a worker may hand back."""


@dataclass(frozen=True)
class Parcel:
    """One submission with all that its score depends on besides the bank."""

    work: Work
    order: Order
    files: Mapping[str, bytes]
    """Path in the output folder -> content: the staged copy, its owner, the notice, known baselines."""
    decided: tuple[Decision, ...]
    hired: tuple[HiringDecision, ...]
    versions: tuple[str, str] = VERSIONS
    """Of program and scorer; another worker's scores would differ."""


@dataclass(frozen=True)
class Returned:
    """What a worker made of it."""

    outcome: Outcome
    files: Mapping[str, bytes]


def packed(bank: Path, rubrics: Path) -> bytes:
    """A bank with its rubrics as a zip; the same files give the same bytes."""
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, root in (("scenarios", bank / "scenarios"), ("rubrics", rubrics)):
            for path in sorted(p for p in root.rglob("*") if p.is_file()):
                inside = path.relative_to(root)
                if NO_MATTER.isdisjoint(inside.parts):
                    archive.writestr(zipfile.ZipInfo(f"{name}/{inside.as_posix()}"), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return found.getvalue()


def score_there(parcel: Parcel, bank: bytes) -> Returned:
    """Score on this worker.

    Args:
        parcel: What to score.
        bank: Of `packed`.

    Raises:
        ClusterError: If this worker has another version of reviewkit.
    """
    if parcel.versions != VERSIONS:
        have, want = (f"{program} (scorer {scorer})" for program, scorer in (VERSIONS, parcel.versions))
        raise ClusterError(f"A worker of the cluster has reviewkit {have}, this machine {want}", "Install the same on both.")
    return _worker().score(parcel, bank)


class Worker:
    """Keeps what outlives a submission: a folder, the bank, fork servers."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._held = HeldFolder("worker", tempfile.gettempdir(), 0o700)  # it holds the answer key
        self._stack.callback(self._held.close)
        self._options: dict[str, Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def score(self, parcel: Parcel, bank: bytes) -> Returned:
        """See `score_there`; several at a time, in threads."""
        with self._lock:
            root = self._unpacked(bank)
            engine = parcel.order.engine
            if engine.value not in self._options:
                self._options[engine.value] = self._stack.enter_context(resident(engine, self._held.path / LOG))
        out = self._held.path / f"out-{secrets.token_hex(8)}"
        try:
            return self._score(parcel, replace(parcel.order, out=out, bank=root, rubrics=root / "rubrics"), self._options[engine.value])
        finally:
            shutil.rmtree(out, ignore_errors=True)

    def _score(self, parcel: Parcel, order: Order, options: Mapping[str, Any]) -> Returned:
        folder, sha256 = OutFolder(order.out), parcel.work.sha256
        for name, data in parcel.files.items():
            write_whole(order.out / name, data)
        finished(decisions.add(folder.store_url, sha256, parcel.decided))
        for said in parcel.hired:
            finished(hiring.add(folder.store_url, sha256, said))
        outcome = run_notebook(replace(parcel.work, staged=folder.staged(sha256)), order, options)
        return Returned(outcome, dict(_made(order.out, parcel.files)))

    def _unpacked(self, bank: bytes) -> Path:
        root = self._held.path / f"bank-{hashlib.sha256(bank).hexdigest()[:16]}"
        if not root.is_dir():
            with tempfile.TemporaryDirectory(dir=self._held.path) as part, zipfile.ZipFile(io.BytesIO(bank)) as archive:
                archive.extractall(part)
                shutil.copytree(part, root)
        return root

    def close(self) -> None:
        """End the fork servers and remove the folder."""
        self._stack.close()


def _made(out: Path, given: Mapping[str, bytes]) -> Iterable[tuple[str, bytes]]:
    for path in sorted(p for p in out.rglob("*") if p.is_file()):
        name = path.relative_to(out).as_posix()
        if FILE.fullmatch(name) and name not in given:
            yield name, path.read_bytes()


@cache
def _worker() -> Worker:
    """The one of this process."""
    worker = Worker()
    atexit.register(worker.close)
    return worker
