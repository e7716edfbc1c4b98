"""A papermill engine that runs trusted notebooks in forks of a prepared process instead of a fresh kernel each.

    papermill --engine reviewkit input.ipynb output.ipynb

The notebook that it leaves equals a kernel-run one: the same IPython kernel code runs the cells, and the same client code
(nbclient's and papermill's) turns its messages into outputs. What is left out is starting a process, its imports, sockets
and shutdown. See docs/engine.md. It isolates nothing: never hand it a candidate's notebook.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

NAME = "reviewkit"
"""What papermill knows the engine by."""


class Engine(StrEnum):
    """What executes a notebook of ours; it is the same notebook afterwards."""

    FORK = "fork"
    KERNEL = "kernel"


def __getattr__(name: str) -> Any:
    """`ReviewkitEngine`, imported when it is asked for: papermill loads its engines while it is being imported itself."""
    if name != "ReviewkitEngine":
        raise AttributeError(name)
    import papermill.engines  # noqa: F401 - first: importing it comes back here, and must find its classes defined

    from reviewkit.engine.managed import ReviewkitEngine

    return ReviewkitEngine
