"""What the cells of an interviewer's notebook call: proofs, fixes, the traced truth, the degraded system. Runs the bank's own code only."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

from reviewkit.anchor import Span, rubric_spans
from reviewkit.bank import Entry, find_bank
from reviewkit.drawing import Drawing, drawing_html
from reviewkit.errors import DataError, UsageError
from reviewkit.guides.fix import SideBySide, as_text, html
from reviewkit.guides.fix import side_by_side as beside
from reviewkit.plot import svg, table
from reviewkit.proving import Result, SuiteError, local_stage, run_in_process, side_by_side

HEAD, REFERENCE = "the change", "the reference"


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that a notebook shows as HTML and a terminal as text."""

    markup: str
    text: str

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Proved:
    """A flaw's proof on both trees."""

    defect: str
    head: Result
    reference: Result

    @property
    def holds(self) -> bool:
        """Whether it shows on the change and is absent in the reference, as a proof must."""
        return (self.head.outcome, self.reference.outcome) == ("shown", "absent")

    def _rows(self) -> list[dict[str, str]]:
        return [{"where": where, "the flaw is": r.outcome, "seen": r.text} for where, r in ((HEAD, self.head), (REFERENCE, self.reference))]

    def _repr_html_(self) -> str:
        warning = "" if self.holds else "<p><strong>Not as the key says.</strong> Run: reviewkit bank check</p>"
        return table(self._rows()) + warning

    def __repr__(self) -> str:
        lines = [f"on {row['where']}: {row['the flaw is']} ({row['seen']})" for row in self._rows()]
        return "\n".join(lines + ["Not as the key says. Run: reviewkit bank check"] * (not self.holds))


class Guide:
    """The cells' hand on a scenario with its rubric."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self._spans = rubric_spans(entry.rubric, self._head)

    @property
    def _head(self) -> Path:
        return self.entry.folder / "head"

    @property
    def _reference(self) -> Path:
        assert self.entry.rubric_folder is not None  # noqa: S101 - its rubric was read
        return self.entry.rubric_folder / "reference"

    def prove(self, defect: str) -> Proved:
        """Run a flaw's proof on the change and on the reference, each in a process of its own.

        Raises:
            UsageError: If the key has no such flaw.
            DataError: If the proof cannot be run.
        """
        self._known(defect)
        try:
            head, reference = side_by_side(partial(self._proof, defect), (self._head, self._reference))
        except SuiteError as error:
            raise DataError(f"rubrics/{self.entry.slug}/proofs.py", str(error), "Run: reviewkit bank check") from None
        return Proved(defect, head, reference)

    def _proof(self, defect: str, tree: Path) -> Result:
        results = run_in_process(self.entry, tree, "proofs", only=defect)
        if not results:
            raise DataError(f"rubrics/{self.entry.slug}/proofs.py", f"has no proof of {defect}", "Run: reviewkit bank check")
        return results[0]

    def fix(self, defect: str) -> Shown:
        """What the reference does at the places of a flaw, beside the change; its whole files where the remedy lies elsewhere.

        Raises:
            UsageError: If the key has no such flaw.
        """
        self._known(defect)
        spans = self._spans[defect]
        files = list(dict.fromkeys(span.file for span in spans))
        near = self._sides(files, lambda file: [span for span in spans if span.file == file])
        if near:
            return _sides_shown(near, "")
        whole = self._sides(files, lambda _file: [])
        note = "The reference differs elsewhere in these files." if whole else "The reference leaves these files as they are; see the whole reference below."
        return _sides_shown(whole, note)

    def reference(self, exercise: str) -> Shown:
        """The whole reference beside the change: files of a mend exercise first, then the rest that differs."""
        first = self.entry.scenario.exercise(exercise).files
        trees = {p.relative_to(root).as_posix() for root in (self._head, self._reference) for p in root.rglob("*") if p.is_file()}
        files = [*first, *sorted(f for f in trees if f not in first and "__pycache__" not in f)]
        return _sides_shown(self._sides(files, lambda _file: []), "")

    def _sides(self, files: Sequence[str], near: Callable[[str], Sequence[Span]]) -> list[SideBySide]:
        found = (beside(file, _text(self._head / file), _text(self._reference / file), near(file)) for file in files)
        return [side for side in found if side is not None]

    def trace(self, exercise: str, drawn: Drawing | None = None) -> Shown:
        """Measure on the instrumented change what a trace exercise asks for, and draw it; beside a drawing where one is given.

        Raises:
            DataError: If it cannot be measured.
        """
        try:
            results = {r.id: r for r in run_in_process(self.entry, self._head, "traces")}
        except SuiteError as error:
            raise DataError(f"rubrics/{self.entry.slug}/traces.py", str(error), "Run: reviewkit bank check") from None
        found = results.get(exercise)
        if found is None or found.error:
            fact = "does not measure it" if found is None else found.text
            raise DataError(f"rubrics/{self.entry.slug}/traces.py", f"{exercise}: {fact}", "Run: reviewkit bank check")
        truth = Drawing(**json.loads(found.outcome))
        keyed = self.entry.rubric.exercises.get(exercise)
        agrees = keyed is not None and (list(keyed.order), dict(keyed.marks)) == (list(truth.order), dict(truth.marks))
        note = "Measured just now; the key says the same." if agrees else "Measured just now; the key says something else."
        markup = drawing_html(self.entry.scenario.exercise(exercise), drawn, truth)
        words = "; ".join(f"{mark}: {layer}" for mark, layer in truth.marks.items())
        return Shown(f"{markup}<p>{escape(note)}</p>", f"{' > '.join(truth.order)}; {words}. {note}")

    async def degraded(self, exercise: str, seed: int = 1) -> Shown:
        """Run the system of a diagnose exercise under load, as the candidate did, and plot what was recorded.

        Raises:
            UsageError: If the exercise has no load to run.
        """
        from reviewkit.harness.stage import load_module

        run = self.entry.scenario.exercise(exercise).run
        if run is None:
            raise UsageError(f"{exercise!r} has no load to run.", "It belongs to diagnose exercises.")
        recording = await load_module(self.entry.folder / run).run(local_stage(self.entry, self._head), seed)
        plots = "".join(svg(plot) for plot in recording.plots)
        return Shown(f"<p>{escape(recording.verdict)}</p>{plots}", recording.verdict)

    def _known(self, defect: str) -> None:
        if defect not in self._spans or all(d.id != defect for d in self.entry.rubric.defects):
            raise UsageError(f"The key has no flaw {defect!r}.", "Use one of: " + ", ".join(d.id for d in self.entry.rubric.defects))


def _sides_shown(sides: Sequence[SideBySide], note: str) -> Shown:
    words = f"<p>{escape(note)}</p>" if note else ""
    return Shown(words + html(sides), "\n".join(filter(None, (note, as_text(sides)))))


def _text(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def open_guide(slug: str, bank: str = "", rubrics: str = "", built_from: str = "") -> Guide:
    """The guide of a scenario; says so when the rubric has changed since the notebook was built.

    Args:
        slug: Which scenario.
        bank: Its bank; empty searches as `reviewkit` does.
        rubrics: Folder of the rubrics; empty for the bank's own.
        built_from: sha256 of the rubric that the notebook was built from.

    Raises:
        ReviewkitError: If there is no such bank, scenario or rubric.
    """
    entry = find_bank(Path(bank) if bank else None, Path(rubrics) if rubrics else None).entry(slug)
    if entry.rubric_folder is None:
        raise UsageError(f"There is no rubric of {slug!r} here.", "Name the folder of the rubrics: `rubrics` above, or REVIEWKIT_RUBRICS.")
    guide = Guide(entry)
    is_old = built_from not in ("", entry.rubric.sha256)
    print("The rubric has changed since this notebook was built. Run: reviewkit build --guides" if is_old else f"{slug}: {len(entry.rubric.defects)} flaws, ready.")
    return guide
