"""A small made-up workbook with every form, for tests of what a candidate sees. No scenario of the bank is touched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reviewkit.diff import file_change

MIME = "application/vnd.reviewkit.form+json"
SLUG = "made-up"
SEVERITIES = ["blocker", "major", "minor", "nit"]
CATEGORIES = ["correctness", "concurrency", "data", "security", "performance", "reliability"]

OLD_STORE = '''"""Parcels and where they are."""

from __future__ import annotations

import sqlite3


class Store:
    """Parcels in a database file."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path)

    def place_of(self, parcel: str) -> str | None:
        """Where a parcel is, or None."""
        row = self.db.execute("SELECT place FROM parcels WHERE id = ?", (parcel,)).fetchone()
        return row[0] if row else None

    def move(self, parcel: str, place: str) -> None:
        """Note a new place."""
        self.db.execute("UPDATE parcels SET place = ? WHERE id = ?", (place, parcel))
        self.db.commit()
'''
NEW_STORE = '''"""Parcels and where they are."""

from __future__ import annotations

import sqlite3
from functools import lru_cache

BATCH = 500


class Store:
    """Parcels in a database file."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, check_same_thread=False)

    @lru_cache(maxsize=10_000)
    def place_of(self, parcel: str) -> str | None:
        """Where a parcel is, or None. Answers come from memory when asked again."""
        row = self.db.execute("SELECT place FROM parcels WHERE id = ?", (parcel,)).fetchone()
        return row[0] if row else None

    def move(self, parcel: str, place: str) -> None:
        """Note a new place."""
        self.db.execute("UPDATE parcels SET place = ? WHERE id = ?", (place, parcel))
        self.db.commit()

    def move_all(self, moves: list[tuple[str, str]]) -> int:
        """Note many new places; returns how many were noted."""
        done = 0
        for start in range(0, len(moves), BATCH):
            for parcel, place in moves[start : start + BATCH]:
                try:
                    self.move(parcel, place)
                    done += 1
                except sqlite3.Error:
                    continue
        return done
'''
NEW_REPORT = '''"""A line per parcel."""

from __future__ import annotations

from parcels.store import Store


def report(store: Store, parcels: list[str]) -> str:
    """Where each parcel is, one line each."""
    text = ""
    for parcel in parcels:
        place = store.place_of(parcel)
        text += f"{parcel}: {place or 'unknown'}\\n"
    return text
'''
DESCRIPTION = """Depots move parcels in bulk now, and the overview was slow.

- `move_all` takes a list and works in batches of 500.
- Places are kept in memory, so **the overview no longer waits** for the database.
- A failing row does not stop the others.
"""


def long_file(rows: int) -> tuple[str, str]:
    """Two versions of a file whose change has about `rows` rows."""
    old = "".join(f"value_{n} = compute({n})\n" for n in range(rows // 2))
    return old, old.replace("compute", "measure")


def change_spec(*, rows: int = 0) -> dict[str, Any]:
    """The `change` form; with `rows`, one more file of about that many rows comes last."""
    files = [file_change("parcels/store.py", OLD_STORE, NEW_STORE), file_change("parcels/report.py", None, NEW_REPORT)]
    if rows:
        files.append(file_change("parcels/values.py", *long_file(rows)))
    return {
        "title": "Move parcels in bulk",
        "description": DESCRIPTION,
        "severities": SEVERITIES,
        "categories": CATEGORIES,
        "files": files,
    }


def specs(*, rows: int = 0) -> list[dict[str, Any]]:
    """All forms of the workbook, in order."""
    layers = [("cache", "Memory cache"), ("api", "Web handler"), ("db", "Database"), ("store", "Store"), ("queue", "Queue")]
    marks = [("begins", "A transaction begins"), ("lock", "A lock is taken")]
    forms: list[dict[str, Any]] = [
        {"form": "status", "minutes": 45},
        {"form": "change", **change_spec(rows=rows)},
        {"form": "claims", "claims": [{"id": "c1", "text": "The overview no longer waits for the database."}, {"id": "c2", "text": "A failing row does not stop the others."}]},
        {"form": "probe", "probe": {"id": "bulk", "title": "Many moves at once", "text": "Moves 1,000 parcels, then asks where they are."}},
        {"form": "close"},
        {"form": "task", "exercise": {"id": "mend", "title": "Mend it", "prompt": "Mend what you would not ship."}},
        {"form": "mend", "exercise": {"id": "mend", "title": "Mend it", "files": ["parcels/store.py"]}},
        {
            "form": "trace",
            "exercise": {
                "id": "trace",
                "title": "Follow one move",
                "prompt": "Put the layers in the order in which one call crosses them.",
                "layers": [{"id": key, "label": label} for key, label in layers],
                "marks": [{"id": key, "label": label} for key, label in marks],
            },
        },
        {"form": "diagnose", "exercise": {"id": "diagnose", "title": "A depot in trouble", "prompt": "Say what is going on."}},
        {"form": "explain", "exercise": {"id": "explain", "title": "Explain it", "prompt": "Explain to a new colleague what a stale answer is."}},
        {"form": "verdict"},
        {"form": "submit"},
    ]
    return [{"schema": 1, "slug": SLUG, "version": "1.0.0", **form} for form in forms]


def form_cell(spec: dict[str, Any], source: str | None = None) -> dict[str, Any]:
    """A cell with a stored form; running it displays the form again."""
    bundle = {MIME: spec, "text/plain": f"reviewkit form: {spec['form']}"}
    again = f"import json\nfrom IPython.display import display\ndisplay(json.loads({json.dumps(bundle)!r}), raw=True)"
    return {
        "cell_type": "code",
        "id": f"form-{spec['form']}",
        "metadata": {"tags": ["reviewkit-form"], "reviewkit": {"form": spec["form"]}, "jupyter": {"source_hidden": True}},
        "source": again if source is None else source,
        "execution_count": 1,
        "outputs": [{"output_type": "display_data", "data": bundle, "metadata": {}}],
    }


def notebook(*, rows: int = 0, metadata: dict[str, Any] | None = None) -> dict[str, Any]:
    """The workbook as an .ipynb document."""
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Move parcels in bulk\n\n## The change"}
    ]
    for spec in specs(rows=rows):
        if spec["form"] == "mend":
            cells.append(
                {
                    "cell_type": "code",
                    "id": "mend-store",
                    "metadata": {"tags": ["reviewkit-mend"], "reviewkit": {"mend": "mend", "file": "parcels/store.py"}},
                    "source": "%%mend mend parcels/store.py\n" + NEW_STORE.rstrip("\n"),
                    "execution_count": None,
                    "outputs": [],
                }
            )
        cells.append(form_cell(spec))
    own = {"schema": 1, "slug": SLUG, "version": "1.0.0"} if metadata is None else metadata
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel, "reviewkit": own}, "cells": cells}


def write(path: Path, document: dict[str, Any]) -> Path:
    """Write a notebook, with the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1), "utf-8")
    return path
