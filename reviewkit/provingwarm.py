"""What the suites of a bank find done: the fork server of `reviewkit.proving` imports this module last, and forks then.

Nothing else may import it: it goes through the libraries that trees use, and freezes what is there for the garbage collector.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
from importlib.util import find_spec
from typing import Final

from reviewkit.sandbox.inner import forkserver, pages, warm

PACKAGES: Final = ("aiosqlite", "fastapi", "httpx", "pydantic", "sqlalchemy", "structlog")
"""What trees usually need. A tree that needs more imports it itself."""


def _warm_up() -> None:
    found = [name for name in PACKAGES if find_spec(name) is not None]
    for package in found:
        for name in (package, *forkserver.WARM[package]):
            importlib.import_module(name)
    forkserver.share_tls_context()
    warm.warm_up(found)


with contextlib.suppress(Exception):  # a suite does the same by itself, later
    _warm_up()
gc.collect()
pages.collapse(gc.get_objects())
gc.freeze()
gc.set_threshold(*forkserver.GC_THRESHOLDS)
