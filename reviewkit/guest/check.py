"""Runs a check that a candidate wrote as evidence: what it is given, and what counts as its outcome.

`judge` serves the candidate's own kernel and the hiring side alike, so that what a candidate saw is what counts. The rest
is the driver of the guest that holds a check on the hiring side. The code that the check is about runs in another guest:
`stage.open` asks the parent for one, calls cross over, and its requests of the world come back here. So a check knows of
that code what it does, and nothing else.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from reviewkit.harness.job import Load, LoadError
from reviewkit.harness.stage import Stage, Tree, load_module
from reviewkit.harness.world import World

BLIND = "a check that is handed in as evidence judges what the code does: call it through stage.open"


class BlindError(Exception):
    """Evidence asked for more than calls: source text, another tree, a driver of its own."""

    def __init__(self) -> None:
        super().__init__(BLIND)


class BlindTree(Tree):
    """Stands in for the tree under test where a check may not read it."""

    def read(self, file: str) -> NoReturn:
        """Refused, as every way to the source is."""
        raise BlindError

    def files(self) -> NoReturn:
        """Refused."""
        raise BlindError


class BlindStage(Stage):
    """A stage that opens the change with the scenario's own driver, and nothing else."""

    def with_tree(self, root: Path) -> NoReturn:
        """Refused: evidence is about the change."""
        raise BlindError

    def open(self, world: World, driver: Path | None = None) -> Any:
        """As `Stage.open`, with the scenario's own driver.

        Raises:
            BlindError: For another driver, whose code would run beside the change.
        """
        if driver is not None:
            raise BlindError
        return super().open(world)


async def judge(stage: Stage, kit: ModuleType, source: str, seconds: float) -> tuple[str, str]:
    """Run the body of `async def check(stage, kit)`: ("fails" | "passes" | "error", what was seen)."""
    body = "\n".join("    " + line for line in source.split("\n"))
    space: dict[str, Any] = {}
    try:
        code = compile(f"async def check(stage, kit):\n{body}\n    pass\n", "<evidence>", "exec")
        exec(code, space)  # noqa: S102 - the check itself, in a process where it may run
        await asyncio.wait_for(space["check"](stage, kit), seconds)
    except AssertionError as error:
        return "fails", str(error) or "an assertion does not hold"
    except Exception as error:  # a fault of the check or of the code: a person tells them apart
        return "error", f"{type(error).__name__}: {error}"
    return "passes", "the check holds"


# --- on the hiring side: the driver of the guest that holds a check ---------------------------------------------------
_worlds: dict[int, World] = {}
"""By number of the job that a world was opened for."""


class _FarJob:
    """A job in another guest, reached through the parent."""

    def __init__(self, env: Any, number: int) -> None:
        self._env, self._number = env, number

    async def ask(self, op: str, payload: dict[str, Any], timeout: float) -> dict[str, Any]:
        return await _ask(self._env, self._number, op, {**payload, "timeout": float(timeout)})

    async def close(self) -> None:
        await _ask(self._env, self._number, "close", {})


class _FarLauncher:
    """Has the parent start jobs; which code they run is the parent's to say."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._number = 0

    async def launch(self, _load: Load, world: World) -> _FarJob:
        self._number += 1
        _worlds[self._number] = world
        reply = await _ask(self._env, self._number, "open", {})
        if "error" in reply:
            raise LoadError(reply["error"], reply["message"])
        return _FarJob(self._env, self._number)


async def _ask(env: Any, job: int, what: str, payload: dict[str, Any]) -> dict[str, Any]:
    reply: dict[str, Any] = await env._channel.request("stage", {"job": job, "what": what, "payload": payload})
    return reply


async def run(env: Any, source: str, seconds: float, seed: int) -> dict[str, str]:
    """Run a check: its outcome and what it saw."""
    root = Path(sys.path[0])
    _read_from_memory()
    random.seed(seed)
    stage = BlindStage(BlindTree(root / "head"), root, (), (), _FarLauncher(env))
    kit = _kit(root / "harness" / "world.py")
    stage.__dict__["kit"] = kit
    stage.__dict__["driver"] = root / "harness" / "driver"  # never looked up here: the change is opened by those outside
    outcome, seen = await judge(stage, kit, source, seconds)
    return {"outcome": outcome, "seen": seen[:4000]}


async def answer(_env: Any, job: int, op: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Let the world of a job answer what the code in that job asked for."""
    return await _worlds[job].handle(op, payload)


def _memory() -> Any:
    """The tree in memory, at the level where no file can be opened; None elsewhere."""
    return next((finder for finder in sys.meta_path if type(finder).__name__ == "MemoryTree"), None)


def _read_from_memory() -> None:
    memory = _memory()
    if memory is None:
        return
    real = Path.read_text

    def read_text(self: Path, *args: Any, **kwargs: Any) -> str:
        try:
            return str(memory.get_data(str(self)).decode("utf-8"))
        except FileNotFoundError:
            return real(self, *args, **kwargs)

    Path.read_text = read_text  # type: ignore[method-assign] # a scenario's world may read a file of the scenario


def _kit(path: Path) -> ModuleType:
    memory = _memory()
    if memory is None:
        return load_module(path)
    module = ModuleType("reviewkit_kit")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their module up
    exec(compile(memory.get_data(str(path)), path.name, "exec"), module.__dict__)  # noqa: S102 - the scenario's own file
    return module
