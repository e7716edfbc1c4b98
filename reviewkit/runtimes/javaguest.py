"""Guests that are Java processes: what their command line is and what their end says, in the sandbox and outside alike."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reviewkit.errors import DataError
from reviewkit.runtimes import javaarchive, programend
from reviewkit.runtimes.base import MissingRuntimeError
from reviewkit.runtimes.javaplace import FAST_START, SETUP, Jdk, compiled, libraries, require_jdk

if TYPE_CHECKING:
    from reviewkit.sandbox.line import Exit

DRIVERS: Final = (".java",)
"""Endings of drivers that make a guest a Java process."""
HEAP_MEGABYTES: Final = 256
CPU_SECONDS: Final = 15
"""Of one guest: Java starts and compiles a tree in less than one of them, without an archive on a slow machine in three."""
SPRING_SECONDS: Final = 30
"""Of one that has Spring, whose first context takes 1, without an archive on a slow machine 8."""
_SPRING: Final = re.compile(r"^\s*import\s+(static\s+)?org\.springframework\.", re.MULTILINE)
_OUT_OF_MEMORY: Final = 3
"""Status with which Java ends where its heap is full."""


def has_spring(driver: Path) -> bool:
    """Whether guests with this driver have Spring Boot's libraries: the scenario's own file says so, never a candidate's."""
    return _SPRING.search(driver.read_text("utf-8", "replace")) is not None


def lacking_for(driver: Path) -> str | None:
    """What guests with this driver lack on this machine, in one line that names the command; None if nothing."""
    if driver.suffix not in DRIVERS:
        return None
    try:
        require_jdk()
        if has_spring(driver):
            _jars()
    except MissingRuntimeError as error:
        return str(error)
    return None


@dataclass(frozen=True)
class Parts:
    """What guests are made of on this machine."""

    jdk: Jdk
    classes: tuple[Path, ...]
    """Their class path."""
    archive: Path | None
    """Of the classes of both; None where there is none."""

    @property
    def readable(self) -> tuple[str, ...]:
        """Files and folders beside the launcher that a guest opens; a distribution may keep the JDK's settings elsewhere."""
        home = self.jdk.home.resolve()
        settings = {file.resolve() for file in (home / "conf").rglob("*") if file.is_file()}
        archives = [str(self.archive)] if self.archive else []
        return (str(home), *sorted(str(file) for file in settings if not file.is_relative_to(home)), *map(str, self.classes), *archives)


def member(jdk: Jdk) -> Path:
    """File with the classes that a guest runs, compiled once.

    Raises:
        DataError: If they cannot be compiled or written.
    """
    folder = compiled(jdk, "guest", sorted((Path(__file__).resolve().parent.parent / "guest" / "java").glob("*.java")))
    try:
        return javaarchive.jar(folder)
    except OSError as error:
        raise DataError(str(folder), f"cannot be written beside ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None


def required(*, spring: bool = False) -> Parts:
    """What guests need, and an archive if there is one.

    Raises:
        MissingRuntimeError: If there is no JDK, the classes cannot be made, or Spring is needed and not set up.
    """
    return _parts(javaarchive.found, spring=spring)


def prepare(*, spring: bool = False) -> Parts:
    """The same, and make the archive where there is none. It takes its time: never while a check's own time runs.

    Raises:
        MissingRuntimeError: As `required`.
    """
    return _parts(javaarchive.made, spring=spring)


def _parts(look: Callable[[Jdk, tuple[Path, ...], str, javaarchive.Command], Path | None], *, spring: bool) -> Parts:
    jdk = require_jdk()
    jars = _jars() if spring else []
    try:
        classes = (member(jdk), *jars)
    except DataError as error:
        raise MissingRuntimeError(str(error).removesuffix("."), "Run: reviewkit doctor") from None
    archive = look(jdk, classes, "spring" if spring else "plain", lambda scratch: command(Parts(jdk, classes, None), scratch))
    return Parts(jdk, classes, archive)


def _jars() -> list[Path]:
    jars = libraries()
    if not jars:
        raise MissingRuntimeError("Spring Boot and its libraries are not set up", f"Run: {SETUP}")
    return jars


def command(parts: Parts, scratch: str = "/scratch") -> tuple[str, ...]:
    """Command line of a guest, without its last arguments: the wire's descriptor and the tree.

    There is no /dev/random in a guest: without a source to seed from, Java spins threads for seconds to gather chance.
    """
    archived = [f"-XX:SharedArchiveFile={parts.archive}"] if parts.archive else []
    return (
        os.path.realpath(parts.jdk.java), *FAST_START, *archived, f"-Xmx{HEAP_MEGABYTES}m", "-Xss1m", "-XX:+ExitOnOutOfMemoryError", "-XX:-UsePerfData",
        "-XX:-CreateCoredumpOnCrash", f"-XX:ErrorFile={os.devnull}", f"-Djava.io.tmpdir={scratch}", "-Dfile.encoding=UTF-8", "-Duser.language=en",
        "-Duser.country=US", "-Duser.timezone=UTC", "-Djava.awt.headless=true", "-Djava.security.egd=file:/dev/urandom",
        "--add-opens=java.base/java.io=ALL-UNNAMED", "-cp", os.pathsep.join(map(str, parts.classes)), "reviewkit.guest.Member",
    )  # fmt: skip


def environment(jdk: Jdk) -> dict[str, str]:
    """What its launcher needs to find its libraries where it cannot ask the system for its own path."""
    return {"LD_LIBRARY_PATH": str(jdk.home.resolve() / "lib")}


def how_it_ended(ended: Exit, cpu_seconds: int) -> tuple[str, str]:
    """Why a guest ended that nobody had told to, as `reviewkit.sandbox.ending.Ending` and words."""
    return programend.how_it_ended(ended, cpu_seconds, f"{HEAP_MEGABYTES} MiB of Java heap", _OUT_OF_MEMORY)
