"""What executes the scoring notebooks of a batch: forks of one prepared process, or a fresh kernel for each.

Forks: one fork server that has imported the scorer, and one set of the sandbox's fork servers, for the whole batch; threads of
this process talk to them. Kernels: processes that each keep the sandbox's fork servers which their kernels borrow.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

from reviewkit.engine import NAME, Engine
from reviewkit.sandbox import lend
from reviewkit.sandbox.lending import ADDRESS, Lender

SCORING_MODULES = (
    "reviewkit.notebook_views", "reviewkit.scoringwarm", "reviewkit.sandbox.lending", "reviewkit.decisions", "reviewkit.store", "aiosqlite",
    "sqlalchemy.ext.asyncio", "sqlalchemy.dialects.sqlite.aiosqlite",
)  # fmt: skip
"""What the scoring notebook imports."""


Options = Mapping[str, Any]
"""Of `papermill.execute_notebook`."""


@contextmanager
def scoring_pool(engine: Engine, jobs: int, log: Path) -> Iterator[tuple[Executor, Options]]:
    """What runs the notebooks of a batch, and how papermill is to execute them.

    Args:
        engine: Forks or kernels.
        jobs: Notebooks at a time.
        log: File for what kernels say on their error stream.
    """
    quick_import()
    _quiet()
    if engine is Engine.FORK:
        from reviewkit.engine.owner import forkable

        if forkable():
            with ThreadPoolExecutor(jobs, "reviewkit-score") as pool, _forks(log) as options:
                try:
                    yield pool, options
                finally:
                    pool.shutdown(wait=False, cancel_futures=True)  # what still runs ends with the server
            return
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_start_worker, initargs=(log,)) as pool:
        yield pool, {}


def ready(bank: Path, rubrics: Path, slug: str) -> tuple[str, ...]:
    """What the engine does once before it forks for submissions of this scenario."""
    return ("reviewkit.scoringwarm", "warm_up", str(bank), str(rubrics), slug)


def quick_import() -> None:
    """Spare `import nbformat`, where JupyterLab is installed, a grammar of 1.2 s that notebooks do not need."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _quiet() -> None:
    """What papermill would say of a notebook that ran out of time stands in its row."""
    logging.getLogger("papermill").setLevel(logging.CRITICAL)


@contextmanager
def resident(engine: Engine, log: Path) -> Iterator[Options]:
    """How papermill is to execute notebooks in threads of this process: a worker of a cluster, which has its own pool."""
    from reviewkit.engine.owner import forkable

    quick_import()
    _quiet()
    if engine is Engine.FORK and forkable():
        with _forks(log) as options:
            yield options
    else:
        yield {}


@contextmanager
def _forks(log: Path) -> Iterator[Options]:
    gc.disable()  # what is imported stays: looking through it again and again takes processor time
    import papermill.engines
    from papermill.iorw import local_file_io_cwd

    from reviewkit.engine import ReviewkitEngine
    from reviewkit.engine.owner import ForkServer

    gc.freeze()
    gc.enable()
    papermill.engines.papermill_engines.register(NAME, ReviewkitEngine)  # also where reviewkit is not installed, only importable
    with ExitStack() as stack:
        stack.enter_context(local_file_io_cwd())  # papermill sets it for each notebook, which threads would do across each other
        lender = lend(announce=False)
        if lender is not None:
            stack.callback(lender.close)
        server = ForkServer(SCORING_MODULES, log)
        stack.callback(server.close)  # before the threads are waited for: what still runs after a failure or an interrupt ends with it
        yield {"engine_name": NAME, "server": server, "env": {ADDRESS: str(lender.address) if lender is not None else ""}}


def _start_worker(log: Path) -> None:
    """Prepare a process of the pool: it keeps the fork servers that the kernels of its notebooks borrow."""
    _log_to(log)
    quick_import()
    lender = lend()
    if lender is not None:
        Finalize(None, lender.close, exitpriority=10)
    threading.Thread(target=_end_with_parent, args=(lender,), name="reviewkit-parent", daemon=True).start()


def _end_with_parent(lender: Lender | None) -> None:
    """A pool's process does not notice that its parent was killed, and would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        if lender is not None:
            lender.close()
        os._exit(1)


def _log_to(path: Path) -> None:
    """Let what kernels say on their error stream go to a file instead of through the progress bar."""
    with path.open("ab") as log:
        os.dup2(log.fileno(), 2)
