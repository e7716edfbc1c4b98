"""nbgrader on the workload: `prepare FOLDER` makes a course of `FOLDER/submissions`, `grade FOLDER` autogrades it and writes feedback."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from work import CHECKS, FINDINGS, Submission, answer_cells, cell, notebook, submissions, write

NAME = "shelf"
POINTS = "SELECT student.id, SUM(grade.auto_score) FROM grade JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id "
POINTS += "JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id "
POINTS += "JOIN student ON submitted_assignment.student_id = student.id GROUP BY student.id"


def document(done: Submission) -> dict:
    """A candidate's notebook: the five cells, and a cell for each check."""
    cells = answer_cells(done)
    for made in cells:
        solution = made["id"] in ("findings", "mend")
        if solution:
            made["metadata"]["nbgrader"] = {"schema_version": 3, "grade": False, "solution": True, "locked": False, "task": False, "grade_id": made["id"]}
    for name in (*CHECKS, FINDINGS):
        mark = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "points": 1, "grade_id": f"check-{name}"}
        cells.append(cell("code", f"check-{name}", f"from shelfkit import passes\n\nassert passes({name!r}, globals())", nbgrader=mark))
    return notebook(cells)


def prepare(folder: Path, count: int) -> None:
    """Make the course."""
    folder.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'made'\nc.ExecutePreprocessor.timeout = 60\n")
    every = submissions(count)
    write(folder / "source" / NAME / "shelf.ipynb", document(every[0]))
    tool(folder, "generate_assignment", NAME)
    for done in every:
        write(folder / "submitted" / done.candidate / NAME / "shelf.ipynb", document(done))


def tool(folder: Path, *arguments: str) -> None:
    """Run nbgrader, which looks for a program of its environment on the path."""
    bin_folder = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(bin_folder / "nbgrader"), *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def grade(folder: Path) -> None:
    """What is measured."""
    tool(folder, "autograde", NAME)
    tool(folder, "generate_feedback", NAME)
    with sqlite3.connect(folder / "gradebook.db") as book:
        (folder / "points.json").write_text(json.dumps(dict(book.execute(POINTS).fetchall())))
    assert list((folder / "feedback").glob("*/*/shelf.html"))


if __name__ == "__main__":
    prepare(Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[1] == "prepare" else grade(Path(sys.argv[2]))
