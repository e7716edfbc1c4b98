"""Plain papermill on the workload, a fresh kernel for each notebook, and HTML by a kept exporter: `prepare FOLDER COUNT`, `grade FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from work import CHECKS, FINDINGS, answer_cells, cell, notebook, submissions, write

CELL = "from shelfkit import passes\n\npasses({name!r}, globals())"


def prepare(folder: Path, count: int) -> None:
    """Make the notebooks, with a cell for each check."""
    for made in submissions(count):
        checks = [cell("code", f"check-{name}", CELL.format(name=name)) for name in (*CHECKS, FINDINGS)]
        write(folder / "submissions" / f"{made.candidate}.ipynb", notebook([*answer_cells(made), *checks]))


def grade(folder: Path) -> None:
    """What is measured."""
    import papermill
    from nbconvert import HTMLExporter

    exporter, points = HTMLExporter(), {}
    (folder / "done").mkdir()
    for path in sorted((folder / "submissions").iterdir()):
        target = folder / "done" / path.name
        executed = papermill.execute_notebook(str(path), str(target), progress_bar=False, kernel_name="python3", request_save_on_cell_execute=False)
        html, _resources = exporter.from_notebook_node(executed)
        target.with_suffix(".html").write_text(html, "utf-8")
        checks = [made for made in executed.cells if made.get("id", "").startswith("check-")]
        points[path.stem] = sum(made.outputs[0].data["text/plain"] == "True" for made in checks)
        target.with_suffix(".json").write_text(json.dumps({"candidate": path.stem, "points": points[path.stem]}))
    (folder / "points.json").write_text(json.dumps(points))


if __name__ == "__main__":
    prepare(Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[1] == "prepare" else grade(Path(sys.argv[2]))
