"""Stands in for `concurrent.futures.thread` in a guest that has no threads: a pool can be made, work for it cannot be begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any


class ThreadPoolExecutor(Executor):
    """A pool without threads; `reviewkit.sandbox.wasi.inside.pipe` does the harness's own work in line."""

    def __init__(self, max_workers: int | None = None, thread_name_prefix: str = "", *_args: Any, **_kwargs: Any) -> None:
        self._thread_name_prefix = thread_name_prefix

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """As where no thread can be started.

        Raises:
            RuntimeError: Always.
        """
        threading.Thread(target=fn, args=args, kwargs=kwargs).start()
        raise RuntimeError("can't start new thread")
