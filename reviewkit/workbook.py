"""What a workbook's cells call: `rk`. Draws forms, runs probes and checks in the candidate's own kernel, records what it did."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import io
import logging
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from random import Random
from typing import TYPE_CHECKING, Any

from reviewkit.bank import Entry, find_bank
from reviewkit.errors import ReviewkitError, UsageError
from reviewkit.fileorder import in_order
from reviewkit.forms import bundle, form
from reviewkit.guest.check import BlindStage, BlindTree, judge
from reviewkit.harness.local import LocalLauncher
from reviewkit.harness.results import Plot, Recording, marked
from reviewkit.harness.stage import Stage, Tree, find_driver, load_module
from reviewkit.harness.standing import Standing
from reviewkit.journal import Recorder, kernel_recorder
from reviewkit.plot import svg, table
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.terms import DISAGREED
from reviewkit.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

    from reviewkit.runtimes.magics import Magics

WORKSPACE = "workspace"
EVIDENCE_SECONDS = 60.0


class Load:
    """A recording as pandas frames: `load.metrics`, `load.events`."""

    def __init__(self, recording: Recording) -> None:
        import pandas as pd

        self.metrics: pd.DataFrame = pd.DataFrame([dict(row) for row in recording.metrics])
        self.events: pd.DataFrame = pd.DataFrame([dict(row) for row in recording.events])

    def __repr__(self) -> str:
        return f"Load({len(self.metrics)} metrics, {len(self.events)} events)"


class Workbook:
    """State of one kernel's workbook. `start` binds it to a scenario; a granted kernel is bound from the beginning."""

    def __init__(self) -> None:
        self._entry: Entry | None = None
        self._recorder: Recorder | None = None
        self._workspace: Workspace | None = None
        self.cells: Magics | None = None
        """Cells of other languages; None outside of IPython."""

    # --- starting -------------------------------------------------------------------------------------------------
    def start(self, slug: str | None = None) -> None:
        """Bind this kernel to a scenario and to the record of its notebook, if that has one.

        Raises:
            UsageError: If no slug is given and the notebook has no grant.
        """
        self._recorder = kernel_recorder()
        if slug is None:
            if self._recorder is None:
                raise UsageError("This kernel belongs to no workbook.", 'Call rk.start("<scenario>").')
            slug = self._recorder.slug
        self._entry = find_bank().entry(slug)
        self._workspace = Workspace(self._entry.folder / "head", self._entry.scenario.modules)
        self._workspace.importable(WORKSPACE)
        register_magics()
        quiet_collector()
        print(f"{self._entry.scenario.title}: ready. {self._recording()}")

    def _recording(self) -> str:
        if self._recorder is None:
            return "Not recorded: this notebook was not opened by reviewkit."
        return "Preview: nothing is recorded." if self._recorder.preview else "Your work is recorded as the first screen says."

    @property
    def entry(self) -> Entry:
        """The scenario."""
        if self._entry is None:
            self.start()
        assert self._entry is not None  # noqa: S101 - start() raises otherwise
        return self._entry

    @property
    def workspace(self) -> Workspace:
        """The kernel's copies of the head tree."""
        _ = self.entry
        assert self._workspace is not None  # noqa: S101 - bound together with the entry
        return self._workspace

    def record(self, kind: str, data: dict[str, Any]) -> None:
        """Append an event to the record, if there is one."""
        if self._recorder is None or self._recorder.preview:
            return
        if not self._recorder.is_agreed:
            print(DISAGREED)
            return
        self._recorder.add(kind, data)

    # --- forms ----------------------------------------------------------------------------------------------------
    def _form(self, name: str, item_id: str | None = None) -> None:
        from IPython.display import display

        from reviewkit.widget import FormWidget

        recorder = self._recorder
        spec = in_order(form(self.entry, name, item_id), recorder.files if recorder is not None else ())
        if recorder is not None and recorder.terms is not None and not recorder.preview:
            spec["terms"] = recorder.terms.model_dump(mode="json")
        if recorder is None:
            display(FormWidget(spec, fallback=bundle(spec), forms=self._forms()))
            return
        display(
            FormWidget(
                spec, sink=lambda op, kind, data: recorder.add(kind, data, op), events=recorder.events,
                record=recorder.record, preview=recorder.preview, fallback=bundle(spec), forms=self._forms(),
            )
        )  # fmt: skip

    def _forms(self) -> list[dict[str, Any]]:
        """The forms whose completeness the submit form lists."""
        exercises = [form(self.entry, "exercise", e.id) for e in self.entry.scenario.exercises]
        return [form(self.entry, "claims"), *exercises]

    def status(self) -> None:
        """The line that says whether everything is kept, and the clock."""
        self._form("status")

    def change(self) -> None:
        """The diff and its remarks."""
        self._form("change")

    def plain(self) -> None:
        """A plain form for findings, without the diff."""
        from IPython.display import display

        from reviewkit.plainform import PlainForm

        def closed() -> bool:
            recorder = self._recorder
            return recorder is not None and any(e.kind == "review.closed" for e in recorder.events())

        display(PlainForm(self.entry, self.record, closed).box)

    def claims(self) -> None:
        """The author's claims."""
        self._form("claims")

    def close_review(self) -> None:
        """Ends the review part; the exercises open."""
        self._form("close")

    def exercise(self, exercise_id: str) -> None:
        """The form of an exercise."""
        self._form("exercise", exercise_id)

    def task(self, exercise_id: str) -> None:
        """What an exercise asks for, before the cells that belong to it."""
        self._form("task", exercise_id)

    def verdict(self) -> None:
        """The verdict form."""
        self._form("verdict")

    def submit(self) -> None:
        """The submit form."""
        self._form("submit")

    def playback(self) -> None:
        """Your own record on a time line: what is kept so far, step by step. Run it again for what came since."""
        from IPython.display import display

        from reviewkit.playback.widget import own_playback

        if self._recorder is None or self._recorder.preview:
            print(self._recording())
            return
        display(own_playback(self._recorder.events(), self.entry).box)

    # --- running --------------------------------------------------------------------------------------------------
    def stage(self, on: str = WORKSPACE, standing: Standing | None = None) -> Stage:
        """A stage for a tree: `workspace` (your edits), `head` (as proposed), `base` (before), or a mend exercise's id."""
        entry = self.entry
        root = entry.folder / on if on in ("head", "base") else self.workspace.tree(on)
        databases = partial(self.cells.database.url, fresh=True) if self.cells is not None else None
        scenario = entry.scenario
        return Stage(Tree(root), entry.folder, scenario.modules, scenario.packages, LocalLauncher(), standing=standing, databases=databases)

    async def probe(self, probe_id: str, on: str = WORKSPACE) -> None:
        """Run a probe and show what happens. `on`: see `stage`."""
        self._form("probe", probe_id)
        probe = next((p for p in self.entry.scenario.probes if p.id == probe_id), None)
        if probe is None:
            raise UsageError(f"No probe {probe_id!r}.", "Use one of: " + ", ".join(p.id for p in self.entry.scenario.probes))
        if self._lacks():
            return
        try:
            result = await load_module(self.entry.folder / probe.file).run(self.stage(on))
        except MissingRuntimeError as error:
            print(error)
            return
        print(f"{probe.title}: {result.verdict}")
        show(result.plots, result.table, result.aside)
        where = on if on in ("head", WORKSPACE) else "mend"
        self.record("probe.run", {"probe": probe_id, "tree": where, "verdict": str(result.verdict)[:500]})

    def _lacks(self) -> bool:
        """Whether what runs this scenario's code is not on this machine; says so in one line, and the rest works."""
        from reviewkit.runtimes import guests

        lacking = guests.lacking_for(find_driver(self.entry.folder))
        if lacking is not None:
            print(lacking)
        return lacking is not None

    def _locked(self) -> bool:
        """Whether the exercises are still closed; says so. Only a recorded workbook has a review part to close."""
        recorder = self._recorder
        if recorder is None or recorder.preview or any(e.kind == "review.closed" for e in recorder.events()):
            return False
        print("Opens when you close the review part.")
        return True

    async def check(self, exercise_id: str) -> None:
        """Run the public checks of a mend exercise on your files."""
        if self._locked():
            self._form("exercise", exercise_id)
            return
        self._form("exercise", exercise_id)
        exercise = self.entry.scenario.exercise(exercise_id)
        if exercise.public_checks is None:
            raise UsageError(f"{exercise_id!r} has no public checks.", "They belong to mend exercises.")
        if self._lacks():
            return
        results = []
        async with Standing() as standing:
            stage = self.stage(exercise_id, standing)
            for mark, function in marked(load_module(self.entry.folder / exercise.public_checks), "check").values():
                try:
                    verdict = await function(stage, Random(mark.id))
                    passed, seen = verdict.passed, f"expected {verdict.expected}; saw {verdict.seen}"
                except MissingRuntimeError as error:  # this machine's lack is no outcome of the candidate's code
                    print(error)
                    return
                except Exception as error:  # the candidate's code may fail in any way: that is an outcome
                    passed, seen = False, f"{type(error).__name__}: {error}"
                print(f"{'passed' if passed else 'FAILED'}  {mark.title}" + ("" if passed else f": {seen}"))
                results.append({"check": mark.id, "passed": passed, "seen": seen[:1000]})
        self.record("exercise.run", {"exercise": exercise_id, "results": results})

    async def load(self, exercise_id: str, seed: int = 1) -> Load:
        """Run the system of a diagnose exercise under load; returns its metrics and events as frames."""
        exercise = self.entry.scenario.exercise(exercise_id)
        if exercise.run is None:
            raise UsageError(f"{exercise_id!r} has no load to run.", "It belongs to diagnose exercises.")
        if self._locked() or self._lacks():
            return Load(Recording((), ()))
        recording: Recording = await load_module(self.entry.folder / exercise.run).run(self.stage("head"), seed)
        print(recording.verdict)
        show(recording.plots, ())
        return Load(recording)

    def evidence_cell(self, line: str, cell: str) -> None:
        """`%%evidence REMARK`: run a check on the change as proposed and record what came out."""
        if not any(part.strip() and not part.lstrip().startswith("#") for part in cell.split("\n")):
            print("Nothing to run yet: write a check that should hold.")
            return
        if self._lacks():
            return
        finding_id = self._finding(line.strip() or "last")
        with ThreadPoolExecutor(1) as pool:  # the kernel's own loop is running this cell
            outcome, seen = pool.submit(asyncio.run, run_evidence(self.stage("head"), cell)).result()
        print(f"{outcome}: {seen}")
        data = {"id": uuid.uuid4().hex, "finding": finding_id, "code": cell, "outcome": outcome, "seen": seen[:1000]}
        self.record("evidence.run", data)

    def _finding(self, wanted: str) -> str:
        """Id of a finding named as `last`, as its number, or by its id; empty when nothing is recorded."""
        if self._recorder is None or self._recorder.preview:
            return ""
        ids = list(dict.fromkeys(e.data["id"] for e in self._recorder.events() if e.kind == "finding.added"))
        if wanted == "last" and ids:
            return str(ids[-1])
        if wanted.isdigit() and 1 <= int(wanted) <= len(ids):
            return str(ids[int(wanted) - 1])
        if wanted in ids:
            return wanted
        raise UsageError(f"No remark {wanted!r}.", "Make the remark first, then use `last` or its number.")

    def driver(self) -> None:
        """Print what the scenario's world and driver offer."""
        for name in ("world.py", find_driver(self.entry.folder).name):
            print(f"{'#' if name.endswith('.py') else '//'} harness/{name}")
            print((self.entry.folder / "harness" / name).read_text("utf-8"))

    # --- cells ----------------------------------------------------------------------------------------------------
    def review_cell(self, line: str, cell: str) -> None:
        """`%%review FILE`: put a file into the workspace."""
        file = self._changed_file(line.strip(), self.entry.scenario.files)
        self.workspace.write(WORKSPACE, file, cell)
        print(f"{file}: in your workspace")

    def mend_cell(self, line: str, cell: str) -> None:
        """`%%mend EXERCISE FILE`: put a file into the mended tree."""
        if self._locked():
            return
        exercise_id, _, file = line.strip().partition(" ")
        exercise = self.entry.scenario.exercise(exercise_id)
        file = self._changed_file(file.strip(), exercise.files)
        self.workspace.write(exercise_id, file, cell)
        print(f"{file}: in your mend")
        text = cell if cell.endswith("\n") else cell + "\n"
        self.record("exercise.edited", {"exercise": exercise_id, "file": file, "text": text})

    @staticmethod
    def _changed_file(file: str, known: tuple[str, ...]) -> str:
        if file not in known:
            raise UsageError(f"{file!r} is no file of this cell's kind.", "Use one of: " + ", ".join(known))
        return file


async def run_evidence(stage: Stage, source: str) -> tuple[str, str]:
    """Run a candidate's check in their own kernel, with what it gets again later: ("fails" | "passes" | "error", what was seen)."""
    blind = BlindStage(BlindTree(stage.tree.root), stage.scenario, stage.modules, stage.packages, stage.launcher)
    return await judge(blind, blind.kit, source, EVIDENCE_SECONDS)


def show(plots: Any, rows: Any, aside: str = "") -> None:
    """Show plots, a line on them, and a table as one figure."""
    from IPython.display import HTML, display

    parts = [svg(plot) for plot in plots if isinstance(plot, Plot)]
    parts.append(f"<figcaption>{escape(aside)}</figcaption>" if aside else "")
    parts.append(table([dict(row) for row in rows]))
    if any(parts):
        display(HTML(f'<figure class="rk-figure" style="margin:0">{"".join(parts)}</figure>'))


rk = Workbook()


def quiet_collector() -> None:
    """Keep SQLAlchemy's remarks about collected connections out of cells: whether one comes depends on chance."""
    logging.getLogger("sqlalchemy.pool").addHandler(logging.NullHandler())
    logging.getLogger("sqlalchemy.pool").propagate = False
    warnings.filterwarnings("ignore", message="The garbage collector is trying to clean up")


def register_magics() -> None:
    """Let the cells `%%review`, `%%mend` and `%%evidence` work in this IPython."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        return
    shell.register_magic_function(_told(rk.review_cell), "cell", "review")
    shell.register_magic_function(_told(rk.mend_cell), "cell", "mend")
    shell.register_magic_function(_told(rk.evidence_cell), "cell", "evidence")
    from reviewkit.runtimes import magics

    if rk.cells is None or rk.cells.shell is not shell:  # hosts and databases outlive a second start
        rk.cells = magics.register(shell, lambda: rk.workspace.tree(WORKSPACE))


def _told(function: Any) -> Any:
    """A magic that prints a reviewkit error as one line instead of a traceback."""

    def magic(line: str, cell: str) -> None:
        try:
            function(line, cell)
        except ReviewkitError as error:
            print(error)

    magic.__doc__ = inspect.getdoc(function)
    return magic


def load_ipython_extension(shell: Any) -> None:
    """IPython's entry point: `rk` is there before the first cell; a granted kernel is bound to its scenario."""
    shell.push({"rk": rk})
    register_magics()
    if kernel_recorder() is not None:
        with contextlib.redirect_stdout(io.StringIO()):
            rk.start()


__all__ = ["Load", "Workbook", "load_ipython_extension", "rk", "show"]
