"""Runs the checks that a candidate handed in as evidence again, on the hiring side: head, mended tree, and isolates.

Each run is a fresh pair of guests (`reviewkit.relay`). A check runs several times on each tree, as written and rewritten,
in an order that nobody can foresee who does not know the rubric. What it amounts to is `reviewkit.proof`'s to say.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from reviewkit.bank import Entry
from reviewkit.harness.job import Launcher, Load
from reviewkit.harness.stage import find_driver
from reviewkit.isolates import Isolate, isolates_of, make, rewritten
from reviewkit.matching import Matching
from reviewkit.record import Evidence, State
from reviewkit.relay import Ran, run_check
from reviewkit.runtimes import guests
from reviewkit.scorecard import EvidenceResult, PairOutcome, PutBack

REPEATS: Final = 4
"""Runs of a check on each tree."""
MOST_PIECES: Final = 10
"""Pieces of evidence of one submission that are run; the rest waits for a person."""
MOST_DEFECTS: Final = 4
"""Defects of one finding whose isolates are tried."""
SIDE_BY_SIDE: Final = 2
TOTAL_SECONDS: Final = 200.0
"""Wall time of all evidence of a submission; what is not begun by then waits for a person."""

Result = Literal["fails", "passes", "error", "flaky", "not_run"]


@dataclass(frozen=True)
class Came:
    """What all runs on one tree came to."""

    outcome: Result
    seen: str


@dataclass(frozen=True)
class Aim:
    """Defects that the finding behind a piece of evidence is about (`taken`), or may be about; the most probable first."""

    taken: tuple[str, ...]
    perhaps: tuple[str, ...]


def aimed_at(evidence: Evidence, matching: Matching) -> Aim:
    """What the finding behind a piece of evidence was matched to."""
    pairs = [p for p in matching.of_finding(evidence.finding) if p.kind == "defect"]
    ranked = sorted(pairs, key=lambda p: (-p.probability, p.target))
    taken = tuple(p.target for p in ranked if p.outcome is PairOutcome.MATCHED)[:MOST_DEFECTS]
    perhaps = tuple(p.target for p in ranked if p.outcome is PairOutcome.PERSON)
    return Aim(taken, perhaps[: MOST_DEFECTS - len(taken)])


def counted(state: State, matching: Matching) -> list[tuple[Evidence, Aim]]:
    """Evidence for remarks that count, in the order of the record; that of taken back and late remarks is left out."""
    known = {finding.id for finding in state.findings if not finding.after_exercises}
    return [(piece, aimed_at(piece, matching)) for piece in state.evidence if piece.finding in known]


async def rerun(
    entry: Entry, pieces: Sequence[tuple[Evidence, Aim]], launcher: Launcher | None
) -> list[EvidenceResult]:
    """Run evidence again; one result per piece, in the order given.

    Args:
        entry: The scenario, with rubric.
        pieces: What to run, and what each should be about.
        launcher: The sandbox; None where there is none, and then nothing is run.

    Raises:
        ContentError: If the rubric's isolates cannot be read.
        IsolateError: If one of them cannot be made.
    """
    if launcher is None:
        return [not_run(piece, "no sandbox on this machine") for piece, _ in pieces]
    if not pieces:
        return []
    await asyncio.to_thread(guests.prepare, find_driver(entry.folder))
    with tempfile.TemporaryDirectory(prefix="reviewkit-evidence-") as folder:
        bench = _Bench(entry, launcher, isolates_of(entry), Path(folder))
        results = []
        for number, (piece, aim) in enumerate(pieces):
            if number >= MOST_PIECES:
                results.append(not_run(piece, f"only the first {MOST_PIECES} pieces of evidence are run"))
            elif bench.is_late:
                results.append(not_run(piece, "the time for evidence was used up by pieces before it"))
            else:
                results.append(await bench.piece(piece, aim))
        return results


def not_run(piece: Evidence, reason: str) -> EvidenceResult:
    """The result of a piece that was not run."""
    return EvidenceResult(
        finding=piece.finding, evidence=piece.id, own=own_word(piece), head="not_run", reference="not_run",
        head_seen=reason, reference_seen=reason,
    )  # fmt: skip


def own_word(piece: Evidence) -> Literal["fails", "passes", "error"]:
    """The outcome that the candidate's own kernel reported."""
    return "fails" if piece.outcome == "fails" else "passes" if piece.outcome == "passes" else "error"


@dataclass
class _Bench:
    """Trees and results of one submission, each made once."""

    entry: Entry
    launcher: Launcher
    isolates: Mapping[str, tuple[Isolate, ...]]
    folder: Path
    begun: float = field(default_factory=time.monotonic)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))
    trees: dict[str, tuple[Path, Path]] = field(default_factory=dict)
    known: dict[tuple[str, str], Came] = field(default_factory=dict)
    """By name of the tree and code."""

    @property
    def is_late(self) -> bool:
        return time.monotonic() - self.begun > TOTAL_SECONDS

    async def piece(self, piece: Evidence, aim: Aim) -> EvidenceResult:
        """Run a piece on head and the mended tree, and where it tells them apart on the isolates of its defects."""
        assert self.entry.rubric_folder is not None  # noqa: S101 - a rubric is needed to score at all
        both = {"head": self.entry.folder / "head", "reference": self.entry.rubric_folder / "reference"}
        for name, path in both.items():
            self._tree(name, path)
        head, reference = await self._run(piece.code, tuple(both))
        found: list[PutBack] = []
        if (head.outcome, reference.outcome) == ("fails", "passes"):
            found = [await self._put_back(piece.code, defect) for defect in aim.taken]
            if all(put_back.outcome != "fails" for put_back in found):
                found += [await self._put_back(piece.code, defect) for defect in aim.perhaps]
        return EvidenceResult(
            finding=piece.finding, evidence=piece.id, own=own_word(piece), head=head.outcome, head_seen=head.seen,
            reference=reference.outcome, reference_seen=reference.seen, put_back=tuple(found),
        )  # fmt: skip

    async def _put_back(self, code: str, defect: str) -> PutBack:
        """Whether the check fails on a mended tree with this defect put back; one isolate of several is enough."""
        rubric = self.entry.rubric_folder
        assert rubric is not None  # noqa: S101 - isolates come from a rubric
        last = Came("not_run", "")
        ways = self.isolates.get(defect, ())
        for number, isolate in enumerate(ways):
            name = f"{defect} {number}"
            if name not in self.trees:
                target = self.folder / f"{defect}-{number}"
                await asyncio.to_thread(make, rubric, isolate, target)
                self._tree(name, target)
            came = (await self._run(code, (name,)))[0]
            last = last if last.outcome not in ("not_run", "passes") and came.outcome == "passes" else came
            if came.outcome == "fails":
                break
        return PutBack(defect=defect, outcome=last.outcome if ways else "no_tree", seen=last.seen)

    def _tree(self, name: str, path: Path) -> None:
        if name not in self.trees:
            other = self.folder / f"{name.replace(' ', '-')}.rewritten"
            rewritten(path, other)
            self.trees[name] = (path, other)

    async def _run(self, code: str, names: tuple[str, ...]) -> list[Came]:
        """All runs of a check on these trees, mixed; what is known already is not run again."""
        wanted = [name for name in names if (name, code) not in self.known]
        runs = sorted(
            ((name, repeat) for name in wanted for repeat in range(REPEATS)),
            key=lambda run: hashlib.sha256(
                f"{self.entry.rubric.canary}:{code}:{run}".encode("utf-8", "surrogatepass")
            ).digest(),
        )
        stop = asyncio.Event()
        done = await asyncio.gather(*(self._once(code, name, repeat, stop) for name, repeat in runs))
        for name in wanted:
            order = sorted((repeat, ran) for (of, repeat), ran in zip(runs, done, strict=True) if of == name)
            self.known[name, code] = together([ran for _, ran in order])
        return [self.known[name, code] for name in names]

    async def _once(self, code: str, name: str, repeat: int, stop: asyncio.Event) -> Ran:
        async with self.slots:
            if stop.is_set():
                return Ran("error", "no outcome in time", out_of_time=True)
            scenario, entry = self.entry.scenario, self.entry
            tree = self.trees[name][0 if repeat == 0 else 1]
            driver = find_driver(entry.folder)
            load = Load(tree, scenario.modules, scenario.packages, driver)
            ran = await run_check(self.launcher, entry.folder, load, code, seed=repeat + 1)
            if ran.idle:
                ran = await run_check(self.launcher, entry.folder, load, code, seed=repeat + 1)
            if ran.out_of_time:
                stop.set()
            return ran


def together(runs: Sequence[Ran]) -> Came:
    """What several runs on one tree came to; only what all of them say is said."""
    ours = next((run for run in runs if run.outcome == "not_run"), None)
    if ours is not None:
        return Came("not_run", ours.seen)
    outcomes = [run.outcome for run in runs]
    if len(set(outcomes)) > 1:
        counts = ", ".join(f"{outcomes.count(word)} x {word}" for word in sorted(set(outcomes)))
        return Came("flaky", f"{len(runs)} runs: {counts}")
    texts = {run.seen for run in runs}
    return Came(outcomes[0], texts.pop() if len(texts) == 1 else "the text differs from run to run")
