"""Archives of classes that guests map instead of loading, checking and linking them: JDK, compiler, Spring, H2, our own.

An archive is made once per JDK and class path, by a guest that runs a sample of ours as an ordinary process (`java/training`): nothing of
a candidate's, and nothing of a scenario's, ever goes into one. Guests in the sandbox can read it and not write it. Java itself looks whether it
fits and does without one that does not, so that a missing archive costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reviewkit.datafolder import data_folder
from reviewkit.runtimes.javaplace import FOLDER, Jdk, alone

TRAINING: Final = FOLDER / "training"
_failed: set[Path] = set()
"""Archives that could not be made, so that it is not tried again by this process."""
Command = Callable[[str], tuple[str, ...]]
"""Command line of a guest with this folder to write to, without its last arguments."""


def place(jdk: Jdk, classes: tuple[Path, ...], sample: str, command: Command) -> Path:
    """Where the archive lies: by all that Java compares before it uses one, and by what the sample does."""
    home = jdk.home.resolve()
    seen = hashlib.sha256()
    for part in command(""):
        seen.update(part.encode("utf-8", "surrogateescape") + b"\0")
    for file in (home / "release", home / "lib" / "modules", home / "lib" / "server" / "classes.jsa", *classes):
        with contextlib.suppress(OSError):
            facts = file.stat()
            seen.update(f"{file} {facts.st_size} {int(facts.st_mtime)}\0".encode())  # images keep no parts of a second, and Java looks at none
    for file in sorted((TRAINING / sample).rglob("*.java")):
        seen.update(file.read_bytes() + b"\0")
    return data_folder("java") / f"{sample}-{seen.hexdigest()[:12]}.jsa"


def found(jdk: Jdk, classes: tuple[Path, ...], sample: str, command: Command) -> Path | None:
    """The archive for guests with this class path; None where there is none."""
    target = place(jdk, classes, sample, command)
    return target if target.is_file() else None


def made(jdk: Jdk, classes: tuple[Path, ...], sample: str, command: Command) -> Path | None:
    """The same, made where there is none, which takes seconds, on a busy machine a minute.

    Args:
        jdk: Their JDK.
        classes: Their class path: files, since Java keeps no classes of folders.
        sample: `plain` or `spring`, a folder of `java/training`.
        command: Of a guest without an archive.

    Returns:
        None where none can be made: guests then start without.
    """
    target = place(jdk, classes, sample, command)
    if not target.is_file() and target not in _failed:
        try:
            with alone(target.parent / f".lock-{sample}"):
                if not target.is_file():
                    _make(target, sample, command)
        except (OSError, subprocess.SubprocessError):
            _failed.add(target)
    return target if target.is_file() else None


def _make(target: Path, sample: str, command: Command) -> None:
    from reviewkit.runtimes.javatraining import TrainingError, train

    with tempfile.TemporaryDirectory(prefix="setup-", dir=target.parent) as folder:
        archive, tree = Path(folder, "made.jsa"), Path(folder, "tree")
        shutil.copytree(TRAINING / sample, tree)  # an installed package may lie where Java's paths end up in the archive
        java, *arguments = command(f"{folder}/scratch")
        try:
            train([java, f"-XX:ArchiveClassesAtExit={archive}", "-Xlog:disable", *arguments], tree, sample)
        except TrainingError as error:
            raise OSError(str(error)) from None
        archive.chmod(0o444)
        archive.rename(target)


def jar(folder: Path) -> Path:
    """The classes of a folder as one file beside it, since Java keeps no classes of folders in an archive; made once.

    Raises:
        OSError: If it cannot be written.
    """
    target = folder.with_name(f"{folder.name}.jar")
    if not target.is_file():
        with tempfile.TemporaryDirectory(prefix="setup-", dir=folder.parent) as place:
            made = Path(place, "made.jar")
            with zipfile.ZipFile(made, "w") as file:
                file.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n")
                for path in sorted(folder.rglob("*.class")):
                    file.write(path, path.relative_to(folder).as_posix())
            made.chmod(0o444)
            made.rename(target)
    return target
