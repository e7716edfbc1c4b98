"""Where a JDK, Spring Boot's jars and our own host are on this machine, and what to install where they are not."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.datafolder import data_folder
from reviewkit.errors import DataError
from reviewkit.runtimes.base import MissingRuntimeError

FOLDER: Final = Path(__file__).resolve().parent / "java"
"""Our own Java, the list of libraries, and what their files must be."""
LEAST: Final = 17
INSTALL: Final = "Install a JDK 17 or later, on Debian and Ubuntu: apt-get install openjdk-17-jdk-headless"
INSTALL_MAVEN: Final = "Install it, on Debian and Ubuntu: apt-get install maven"
SETUP: Final = "reviewkit setup java"
PLUGIN: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0"
SETUP_SECONDS: Final = 900
FAST_START: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto")
"""For programs that end soon: compiled once, quickly; one thread that collects."""


@dataclass(frozen=True)
class Jdk:
    """A JDK that was found."""

    home: Path
    version: str

    @property
    def java(self) -> str:
        """Path of its launcher."""
        return str(self.home / "bin" / "java")

    @property
    def javac(self) -> str:
        """Path of its compiler."""
        return str(self.home / "bin" / "javac")

    @property
    def major(self) -> int:
        """As in Java 17."""
        return int(self.version.split(".")[0].split("-")[0])


def find_jdk() -> Jdk | None:
    """The Java of JAVA_HOME, else the one on PATH; None if there is none that says its version. It may lack a compiler."""
    found = shutil.which("java")
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [Path(os.path.realpath(found)).parent.parent] if found else []
    for home in homes:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            said = re.search(r'^JAVA_VERSION="(\d+(?:[.-][^"]*)?)"', (home / "release").read_text("utf-8"), re.MULTILINE)
            if said and (home / "bin" / "java").is_file():
                return Jdk(home, said[1])
    return None


def require_jdk() -> Jdk:
    """A JDK that is new enough.

    Raises:
        MissingRuntimeError: If there is none, or only the part of one that runs programs.
    """
    jdk = find_jdk()
    if jdk is None:
        raise MissingRuntimeError("Java is not on this machine", INSTALL)
    if jdk.major < LEAST:
        raise MissingRuntimeError(f"Java {jdk.version} is too old", INSTALL)
    if not Path(jdk.javac).is_file():
        raise MissingRuntimeError(f"Java {jdk.version} is here without its compiler", INSTALL)
    return jdk


def libraries_folder() -> Path:
    """Where the jars are kept: `reviewkit/java` in the user's data folder, by the hash of what is pinned."""
    return data_folder("java") / _hash(FOLDER / "pom.xml", FOLDER / "SHA256SUMS")


def libraries() -> list[Path]:
    """The jars in the order of `classpath.txt`; empty if they are not set up.

    Raises:
        MissingRuntimeError: If one is missing or is not what it was.
    """
    folder = libraries_folder()
    if not folder.is_dir():
        return []
    pinned = pins()
    try:
        names = (folder / "classpath.txt").read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        names = []
    wrong = next((name for name in sorted(pinned) if name not in names or _sum(folder / "lib" / name) != pinned[name]), None)
    if wrong is not None:
        raise MissingRuntimeError(f"{wrong} of Spring Boot is missing or was changed", f"Run: {SETUP}")
    return [folder / "lib" / name for name in names if name in pinned]


def pins(file: Path = FOLDER / "SHA256SUMS") -> dict[str, str]:
    """What the jars must be: SHA-256 in hexadecimal by file name."""
    lines = (line.split() for line in file.read_text("utf-8").splitlines())
    return {name: digest for digest, name in lines}


def spring_version() -> str:
    """Version of Spring Boot that is pinned."""
    match = re.search(r"<spring-boot.version>([^<]+)<", (FOLDER / "pom.xml").read_text("utf-8"))
    return match[1] if match else ""


def host_classes(jdk: Jdk) -> Path:
    """Our own host, compiled once per version of it and of Java.

    Raises:
        DataError: If it cannot be compiled or written.
    """
    return compiled(jdk, "host", sorted((FOLDER / "host").glob("*.java")))


def cell_classes(jdk: Jdk) -> Path:
    """What our own package offers to cells, compiled in the same way; apart from the host, which no cell is to see.

    Raises:
        DataError: If it cannot be compiled or written.
    """
    return compiled(jdk, "cells", sorted((FOLDER / "cells").glob("*.java")))


def compiled(jdk: Jdk, name: str, sources: list[Path]) -> Path:
    """Classes of our own sources, compiled once per version of them and of Java.

    Raises:
        DataError: If they cannot be compiled or written.
    """
    target = data_folder("java") / f"{name}-{_hash(*sources)}-{jdk.major}"
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="setup-", dir=target.parent) as place:
            command = [jdk.javac, "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "-parameters", "-g", "-d", f"{place}/classes", *map(str, sources)]
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                raise DataError("javac", f"could not compile our {name} ({_last(done.stderr)})", "Run: reviewkit doctor")
            Path(place, "classes").rename(target)
    except OSError as error:
        if not target.is_dir():  # else somebody else was faster
            raise DataError(str(target), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return target


def lacking() -> str | None:
    """What Java cells lack here, in one line; None if nothing. Spring Boot that was never set up is not missing."""
    try:
        require_jdk()
        libraries()
    except MissingRuntimeError as error:
        return str(error)
    return None


def prepare() -> Path:
    """Get the pinned libraries by Maven, once, and compile the host; what is damaged is got anew.

    Returns:
        The folder.

    Raises:
        MissingRuntimeError: If there is no JDK or no Maven.
        DataError: If Maven cannot get them, they are not what is pinned, or the folder cannot be written.
    """
    jdk, target = require_jdk(), libraries_folder()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target.parent / ".lock"):
            host_classes(jdk)
            cell_classes(jdk)
            if _is_whole():
                return target
            maven = shutil.which("mvn")
            if maven is None:
                raise MissingRuntimeError("Maven is not on this machine", INSTALL_MAVEN)
            with tempfile.TemporaryDirectory(prefix="setup-", dir=target.parent) as place:
                _fetch(jdk, maven, Path(place))
                shutil.rmtree(target, ignore_errors=True)
                Path(place, "done").rename(target)
    except OSError as error:
        raise DataError(str(target), f"cannot be written ({error.strerror})", "Name another data folder in XDG_DATA_HOME.") from None
    return target


def _is_whole() -> bool:
    try:
        return bool(libraries())
    except MissingRuntimeError:
        return False


@contextlib.contextmanager
def alone(file: Path) -> Iterator[None]:
    """Wait until no other process is at it."""
    with file.open("w") as lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(jdk: Jdk, maven: str, place: Path) -> None:
    done, lib = place / "done", place / "done" / "lib"
    lib.mkdir(parents=True)
    shutil.copyfile(FOLDER / "pom.xml", place / "pom.xml")
    command = [maven, "-B", "-ntp", "-q", f"{PLUGIN}:copy-dependencies", "-DincludeScope=test", f"-DoutputDirectory={lib}"]
    options = f"{os.environ.get('MAVEN_OPTS', '')} {' '.join(FAST_START)}".strip()
    environment = {**os.environ, "JAVA_HOME": str(jdk.home), "MAVEN_OPTS": options}
    try:
        said = subprocess.run(
            command, cwd=place, capture_output=True, text=True, errors="replace", timeout=SETUP_SECONDS, check=False,
            stdin=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DataError("mvn", f"did not end within {SETUP_SECONDS} s", f"Run again: {SETUP}") from None
    if said.returncode != 0:
        raise DataError("mvn", f"could not get the libraries ({_last(said.stdout or said.stderr)})", f"Check Maven's repository, then run: {SETUP}")
    got = {path.name: _sum(path) or "" for path in sorted(lib.iterdir())}
    check(got, pins())
    (done / "classpath.txt").write_text("".join(f"{name}\n" for name in got), "utf-8")
    shutil.copyfile(FOLDER / "SHA256SUMS", done / "SHA256SUMS")


def check(got: Mapping[str, str], pinned: Mapping[str, str]) -> None:
    """Compare what was fetched with what is pinned, both SHA-256 by file name.

    Raises:
        DataError: If they differ.
    """
    for name in sorted({*got, *pinned}):
        if got.get(name) != pinned.get(name):
            fact = "was not fetched" if name not in got else "is not in the list of checksums" if name not in pinned else "is not what its checksum says"
            raise DataError(name, fact, "Check Maven's repository; nothing was installed.")


def _last(said: str) -> str:
    """The line of a tool's output that says most: Maven's first error with a cause in it, else the last line."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in said.splitlines()]
    errors = [re.sub(r"^(\[(ERROR|FATAL)\] *)+", "", line) for line in lines if line.startswith("[ERROR]")]
    causes = [line for line in errors if re.search(r"[Cc]ould not|[Cc]annot|resolv", line)]
    return next(iter([*causes, *errors, *filter(None, lines[::-1])]), "it said nothing")[:400]


def _hash(*files: Path) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return whole.hexdigest()[:12]


def _sum(file: Path) -> str | None:
    """SHA-256 of a file; None if it cannot be read."""
    try:
        facts = file.stat()
        return _sum_of(file, (facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
    except OSError:
        return None


@functools.lru_cache(maxsize=256)
def _sum_of(file: Path, _facts: tuple[int, ...]) -> str:
    """The same, once for as long as the file stays as it is: guests are started one after another, and there are 43 MB of jars."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
