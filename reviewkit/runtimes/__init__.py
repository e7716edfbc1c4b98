"""Other languages in cells of a Python notebook: one persistent host process per language. See docs/runtimes.md.

`%load_ext reviewkit.runtimes` gives a notebook of its own the magics; a workbook has them from the start.
"""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """IPython's entry point."""
    from reviewkit.runtimes.magics import register

    register(shell)
