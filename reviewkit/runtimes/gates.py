"""`from reviewkit import gate`: forces an interleaving in a cell of Python. Cells of other languages have the same of their own.

What checks and probes use is another: reviewkit.harness.gate, on the side of the world.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

from reviewkit.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE_SECONDS: Final = 1.0
STEP_SECONDS: Final = 0.05
LATE_SECONDS: Final = 0.05
"""A step that ends so much too late is not counted: this thread did not get its turn, and others may not have had theirs."""


class Gate:
    """Holds calls of threads and of coroutines until enough have come, or until none has come for `patience` seconds.

    As a context manager it puts methods that it has replaced back at the end.
    """

    def __init__(self, n: int, patience: float) -> None:
        self.n, self.patience = n, patience
        self.arrived = 0
        """Calls that had come when it opened."""
        self._lock, self._opened = threading.Lock(), threading.Event()
        self._wakers: list[Callable[[], object]] = []
        self._waiting: set[int] = set()
        self._replaced: list[Callable[[], object]] = []

    @property
    def is_open(self) -> bool:
        """Whether further calls pass at once."""
        return self._opened.is_set()

    def open(self) -> None:
        """Let everybody pass from now on."""
        with self._lock:
            self._open()

    def _open(self) -> None:
        self._opened.set()
        for wake in self._wakers:
            with contextlib.suppress(RuntimeError):  # its loop has been closed
                wake()
        self._wakers.clear()

    def _come(self, wake: Callable[[], object] | None = None) -> int:
        """Count a call; which it is."""
        with self._lock:
            if not self.is_open:
                self.arrived += 1
                self._waiting.add(self.arrived)
                if wake is not None:
                    self._wakers.append(wake)
                if self.arrived >= self.n:
                    self._open()
            return self.arrived

    def _left(self, mine: int, left: float, began: float) -> float:
        """Patience that is left after a step; of those who wait, the one who came last counts it."""
        step = min(STEP_SECONDS, left)
        with self._lock:
            if self.is_open or mine != max(self._waiting) or time.monotonic() - began - step > LATE_SECONDS:
                return left
            if left > step:
                return left - step
            print(f"gate: opened with {self.arrived} of {self.n} calls, no other came for {self.patience:g} s", file=sys.stderr)
            self._open()
            return 0.0

    def arrive(self) -> None:
        """Come to the gate in a thread, and stay until it opens."""
        mine, left = self._come(), self.patience
        try:
            while not self.is_open:
                began = time.monotonic()
                if not self._opened.wait(min(STEP_SECONDS, left)):
                    left = self._left(mine, left, began)
        finally:
            self._go(mine)

    async def arrive_async(self) -> None:
        """The same in a coroutine; others of its loop go on."""
        woken, loop = asyncio.Event(), asyncio.get_running_loop()
        mine, left = self._come(lambda: loop.call_soon_threadsafe(woken.set)), self.patience
        try:
            while not self.is_open:
                began = time.monotonic()
                try:
                    await asyncio.wait_for(woken.wait(), min(STEP_SECONDS, left))
                except TimeoutError:
                    left = self._left(mine, left, began)
        finally:
            self._go(mine)

    def _go(self, mine: int) -> None:
        """Wait no longer: one that is cancelled or interrupted leaves the counting to the others."""
        with self._lock:
            self._waiting.discard(mine)

    @overload
    def before(self, call: F, /) -> F: ...
    @overload
    def before(self, call: object, name: str, /, *, when: Callable[..., bool] = ...) -> None: ...
    def before(self, call: Any, name: str | None = None, /, *, when: Callable[..., bool] | None = None) -> Any:
        """The same function, or a method of an object, a class or a module in its place: each call is held before it is made.

        Args:
            call: The function, or what has the method.
            name: Of the method.
            when: Says by its arguments whether a call of the method is held; all are, without it.

        Raises:
            UsageError: If there is no such function, or it cannot be replaced.
        """
        return self._held(call, name, when, is_after=False)

    @overload
    def after(self, call: F, /) -> F: ...
    @overload
    def after(self, call: object, name: str, /, *, when: Callable[..., bool] = ...) -> None: ...
    def after(self, call: Any, name: str | None = None, /, *, when: Callable[..., bool] | None = None) -> Any:
        """As `before`; each call is held when it has its result. One that raises goes on at once and does not count."""
        return self._held(call, name, when, is_after=True)

    def _held(self, call: Any, name: str | None, when: Callable[..., bool] | None, *, is_after: bool) -> Any:
        function = call if name is None else getattr(call, name, None)
        if not callable(function):
            raise UsageError(f"gate: {name or call} is no function.", "Give it a function, or an object and the name of a method.")
        wrapped = self._wrapped(function, when or (lambda *_values, **_named: True), is_after=is_after)
        if name is None:
            return wrapped
        self._replace(call, name, wrapped)
        return None

    def _wrapped(self, call: Callable[..., Any], when: Callable[..., bool], *, is_after: bool) -> Callable[..., Any]:
        @functools.wraps(call)
        async def coroutine(*values: Any, **named: Any) -> Any:
            holds = when(*values, **named)
            if holds and not is_after:
                await self.arrive_async()
            result = await call(*values, **named)
            if holds and is_after:
                await self.arrive_async()
            return result

        @functools.wraps(call)
        def function(*values: Any, **named: Any) -> Any:
            holds = when(*values, **named)
            if holds and not is_after:
                self.arrive()
            result = call(*values, **named)
            if holds and is_after and inspect.isawaitable(result):  # a coroutine that the function hands on has not begun yet
                return self._awaited(result)
            if holds and is_after:
                self.arrive()
            return result

        return coroutine if inspect.iscoroutinefunction(call) else function

    async def _awaited(self, result: Awaitable[Any]) -> Any:
        value = await result
        await self.arrive_async()
        return value

    def _replace(self, owner: Any, name: str, wrapped: Callable[..., Any]) -> None:
        before = vars(owner).get(name) if hasattr(owner, "__dict__") else None
        unbound = isinstance(owner, type) and isinstance(inspect.getattr_static(owner, name), staticmethod | classmethod)
        try:
            setattr(owner, name, staticmethod(wrapped) if unbound else wrapped)
        except (AttributeError, TypeError):
            raise UsageError(f"gate: {name} of {type(owner).__name__} cannot be replaced.", "Wrap the function that is called.") from None
        self._replaced.append(lambda: delattr(owner, name) if before is None else setattr(owner, name, before))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while self._replaced:
            self._replaced.pop()()


def gate(n: int, *, patience: float = PATIENCE_SECONDS) -> Gate:
    """A closed gate.

    Args:
        n: Calls that open it.
        patience: Seconds without a further call after which it opens all the same, and says so.

    Raises:
        UsageError: If `n` is no whole number from 1 on, or `patience` no number from 0 on.
    """
    if not isinstance(patience, int | float) or not patience >= 0:
        raise UsageError("gate: patience is a number of seconds, 0 or more.", "For example: gate(2, patience=3)")
    if not isinstance(n, int) or n < 1:
        raise UsageError("gate: it opens after 1 call or more.", "Say after how many, for example gate(2).")
    return Gate(n, patience)
