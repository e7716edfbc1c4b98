"""A folder of submissions for batches of any size: honest ones, broken ones, ones whose code hangs, one that is huge in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import made_submissions as made

API = "txservice/api.py"
BODIES = (
    "When the row is there already nothing is written, and yet the answer says that it was stored under number {n}.",
    "The amount is a float, so that {n} payments no longer add up to what was really paid by the customers.",
    "An exception of the store is swallowed after {n} tries, and nobody learns that the payment was lost.",
)
TIME_LIMIT = 60
"""Seconds; what hangs takes them without using a processor."""
MEMORY_LIMIT = 128
"""Megabytes."""


def fill(folder: Path, count: int, broken: int = 1, hanging: int = 1, greedy: int = 0) -> dict[str, str]:
    """Make so many files; names with the reason codes that their rows must have, in the order in which a batch takes them."""
    folder.mkdir(exist_ok=True)
    mended = folder.parent / "mended"
    (mended / "mend" / "txservice").mkdir(parents=True, exist_ok=True)
    source = (made.ROOT / "scenarios" / made.SLUG / "head" / API).read_text("utf-8")
    (mended / "mend" / API).write_text(source.replace("    try:\n", "    import asyncio\n\n    await asyncio.sleep(10**6)\n    try:\n", 1), "utf-8")
    expected: dict[str, str] = {}
    for number in range(count):
        hangs = number < hanging  # first, so that all others are scored beside them
        body = BODIES[number % len(BODIES)].format(n=number + 2)
        finding = {**made.SEEN, "body": body, "why": "", "fix": ""}
        sample = made.review(findings=[finding], mend={"mend": [API]} if hangs else {})
        notebook = made.completed(sample, mended, candidate=f"c-{number}")
        path = folder / f"{number:05}.ipynb"
        code = "time_limit" if hangs else ""
        if number >= count - broken:
            path.write_text(json.dumps(notebook)[: 2000 + number], "utf-8")
            code = "not_json"
        elif number >= count - broken - greedy:
            notebook["cells"].append({"cell_type": "raw", "metadata": {}, "source": "\U0001f600" + "x" * 20_000_000})
            path.write_text(json.dumps(notebook, ensure_ascii=False), "utf-8")
            code = "memory_limit"
        else:
            made.write(path, notebook)
        expected[path.name] = code
    return expected


def command(inbox: object, out: object, *options: str) -> list[str]:
    """The command as a user gives it."""
    limits = ["--time-limit", str(TIME_LIMIT), "--memory-limit", str(MEMORY_LIMIT), "--jobs", "2"]
    return [sys.executable, "-m", "reviewkit.cli", "score", str(inbox), "--out", str(out), "--bank", str(made.ROOT), "--jsonl", *limits, *options]


def start(inbox: Path, out: Path, *options: str, mark: str = "", stores: bool = False) -> subprocess.Popen[str]:
    """The command, begun; its processes can be told by the mark in their environment."""
    places = (f"file://{inbox}", f"file://{out}") if stores else (inbox, out)
    env = {**os.environ, "REVIEWKIT_TEST_MARK": mark}
    errors = out.with_suffix(".stderr").open("a")
    with errors:
        return subprocess.Popen(command(*places, *options), stdout=subprocess.PIPE, stderr=errors, text=True, env=env)


def marked(mark: str) -> list[int]:
    """Processes that have the mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"REVIEWKIT_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def compared(out: Path) -> dict[str, bytes]:
    """What must be the same bytes however a batch went: scorecards, rows, CSV, and the data of the cohort."""
    names = ["cohort.csv", "cohort.json", *(f"{part}/{path.name}" for part in ("scorecards", "rows", "runs") for path in sorted((out / part).iterdir()))]
    return {name: (out / name).read_bytes() for name in names}
