"""A stage: one tree of a scenario, ready to be run in a world."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib.util
import itertools
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from types import CodeType, ModuleType
from typing import Protocol, TypeVar

from reviewkit.harness.job import Calls, Launcher, Load
from reviewkit.harness.standing import Standing
from reviewkit.harness.world import World

_counter = itertools.count(1)


class HasWorld(Protocol):
    """What a scenario's `harness/world.py` makes."""

    @property
    def world(self) -> World:
        """The world that the guest lives in."""


Made = TypeVar("Made", bound=HasWorld)


@dataclass(frozen=True)
class Tree:
    """A folder of files under test."""

    root: Path

    def read(self, file: str) -> str:
        """Text of a file."""
        return (self.root / file).read_text("utf-8")

    def syntax(self, file: str) -> ast.Module:
        """Syntax tree of a Python file."""
        return ast.parse(self.read(file), file)

    def files(self) -> tuple[str, ...]:
        """Relative POSIX paths of all files, sorted; caches left out."""
        found = (p.relative_to(self.root) for p in self.root.rglob("*") if p.is_file())
        return tuple(sorted(p.as_posix() for p in found if "__pycache__" not in p.parts and p.suffix != ".pyc"))

    def modules(self) -> tuple[str, ...]:
        """Python files only."""
        return tuple(file for file in self.files() if file.endswith(".py"))


@dataclass(frozen=True)
class Stage:
    """What probes, proofs, checks and load generators are given."""

    tree: Tree
    scenario: Path
    """Folder of the scenario, for `harness/` and `exercises/`."""
    modules: tuple[str, ...]
    packages: tuple[str, ...]
    launcher: Launcher
    rubric_folder: Path | None = None
    standing: Standing | None = None
    """Where guests are kept that many items of a suite use; None where each has its own."""
    databases: Callable[[str], str] | None = None
    """Makes a fresh database of a real PostgreSQL server: its address, by its name. None where there is none to be had."""

    @property
    def rubric(self) -> Path:
        """Folder of the rubric.

        Raises:
            LookupError: On the candidate's side, where there is none.
        """
        if self.rubric_folder is None:
            raise LookupError("this stage has no rubric")
        return self.rubric_folder

    @cached_property
    def kit(self) -> ModuleType:
        """The scenario's `harness/world.py`."""
        return load_module(self.scenario / "harness" / "world.py")

    @cached_property
    def driver(self) -> Path:
        """The scenario's own driver."""
        return find_driver(self.scenario)

    def with_tree(self, root: Path) -> Stage:
        """The same stage for another tree."""
        return replace(self, tree=Tree(root))

    async def postgres(self, name: str = "probe") -> str:
        """Address of a fresh database of a real PostgreSQL server, which begins anew with each call of that name.

        In a workbook it is one of the kernel's own server: cells of SQL find it by its name afterwards.

        Raises:
            LookupError: For hidden checks and evidence, which reach nothing but their world.
            HostError: Where it does not start, or a part of it is not installed; the message names the command that gets it.
            UsageError: If it is no name that a cell could look at: small letters, digits and _.
        """
        if self.databases is None:
            raise LookupError("this stage has no PostgreSQL; probes, proofs and public checks have")
        return await asyncio.to_thread(self.databases, name)

    @contextlib.asynccontextmanager
    async def open(self, world: World, driver: Path | None = None) -> AsyncIterator[Calls]:
        """Start the tree in `world`; on leaving, guest and world are closed; what was observed stays readable.

        Raises:
            LoadError: If the tree or the driver fails while it is loaded.
        """
        source = driver or self.driver
        try:
            job = await self.launcher.launch(Load(self.tree.root, self.modules, self.packages, source), world)
        except BaseException:
            world.close()
            raise
        try:
            yield Calls(job, world)
        finally:
            await job.close()
            world.close()

    @contextlib.asynccontextmanager
    async def common(self, make: Callable[[], Made]) -> AsyncIterator[tuple[Calls, Made]]:
        """As `open`, for code that leaves no trace for what comes after it in the same guest.

        The guest is the one that asked for the same before, where such guests are kept; else it is its own.

        Args:
            make: Function of the kit that makes what has the `world`.

        Raises:
            LoadError: As `open`.
        """
        if self.standing is None:
            made = make()
            async with self.open(made.world) as job:
                yield job, made
            return
        key = (self.tree.root, make.__qualname__)
        held = self.standing.guests.get(key)
        if held is None or held[0].over:
            made = make()
            held = await self.standing.opened.enter_async_context(self.open(made.world)), made
            self.standing.guests[key] = held
        yield held


def find_driver(scenario: Path) -> Path:
    """The driver of a scenario: `harness/driver.py`, `driver.ts` for a tree of TypeScript, `driver.tsx` or `driver.jsx` for one of React,
    `Driver.java` for one of Java.
    """
    places = (scenario / "harness" / name for name in ("driver.ts", "driver.tsx", "driver.jsx", "Driver.java"))
    return next((place for place in places if place.is_file()), scenario / "harness" / "driver.py")


def load_module(path: Path) -> ModuleType:
    """Import a Python file under a name of its own, leaving no bytecode beside it.

    Raises:
        Exception: Whatever the file raises.
    """
    name = f"reviewkit_loaded_{next(_counter)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    saved, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # for what the file imports
    try:
        exec(_compiled(path.read_bytes(), str(path)), module.__dict__)  # noqa: S102 - importing is running
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.dont_write_bytecode = saved
    return module


@lru_cache(maxsize=64)
def _compiled(source: bytes, path: str) -> CodeType:
    """A file's code: each check has a world file, and a bank has few."""
    return compile(source, path, "exec", dont_inherit=True)
