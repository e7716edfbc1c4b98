"""Trust for a workbook that this machine made: Jupyter shows its plots again after a reload.

Only `issue` leads here. A signature covers content, so a notebook that came from elsewhere, or was changed outside
Jupyter, is not trusted, whatever it says about itself.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path

from nbformat import from_dict
from nbformat.sign import NotebookNotary


def sign(notebook: Path, notary: NotebookNotary) -> None:
    """Sign a workbook that was just issued.

    Args:
        notebook: The fresh copy, nbformat 4.
        notary: Keeper of the signatures of the server that will show it.
    """
    # Without a signature everything works, only plots are hidden after a reload: no reason to refuse the workbook.
    with contextlib.suppress(OSError, sqlite3.Error):
        notary.sign(from_dict(json.loads(notebook.read_bytes())))


def notary_of(data: Path) -> NotebookNotary:
    """Keeper of the signatures below a Jupyter data folder, which is made when missing."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return NotebookNotary(data_dir=str(data))
