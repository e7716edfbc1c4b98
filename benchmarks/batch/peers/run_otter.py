"""otter-grader on the workload, in one process: `prepare FOLDER COUNT`, `grade FOLDER`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from work import CHECKS, FINDINGS, answer_cells, notebook, submissions, write

TEST = '''OK_FORMAT = True
test = {{
    "name": {name!r}, "points": 1,
    "suites": [{{"cases": [{{"code": {code!r}, "hidden": True, "locked": False}}], "scored": True, "setup": "", "teardown": "", "type": "doctest"}}],
}}
'''


def prepare(folder: Path, count: int) -> None:
    """Make the autograder and the submissions."""
    (folder / "tests").mkdir(parents=True)
    for name in (*CHECKS, FINDINGS):
        code = f">>> from shelfkit import passes\n>>> passes({name!r}, globals())\nTrue"
        (folder / "tests" / f"{name.replace('-', '_')}.py").write_text(TEST.format(name=name, code=code))
    done = subprocess.run([str(Path(sys.executable).with_name("otter")), "generate", "-t", "tests"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and (folder / "autograder.zip").is_file(), done.stderr[-2000:]
    for made in submissions(count):
        write(folder / "submissions" / f"{made.candidate}.ipynb", notebook(answer_cells(made)))


def grade(folder: Path) -> None:
    """What is measured."""
    from otter.api import grade_submission

    points = {}
    for path in sorted((folder / "submissions").iterdir()):
        results = grade_submission(str(path), str(folder / "autograder.zip"), quiet=True)
        points[path.stem] = results.total
    (folder / "points.json").write_text(json.dumps(points))


if __name__ == "__main__":
    prepare(Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[1] == "prepare" else grade(Path(sys.argv[2]))
