"""Writes the pins of the candidate's image from requirements.lock: `reviewkit/data/image/` and `binder/`, one text.
Beside it `node.txt`, for images with a scenario in TypeScript, and `postgres.txt`, for those with a probe on PostgreSQL.

What is listed: all that the package depends on, but for what only the hiring side runs (`reviewkit.pins.HIRING_ONLY`), and the extra
`sockets`, with everything that those need on the image's Python. Run `python scripts/pin_image.py` after a change of requirements.lock,
`--check` to learn whether that was forgotten.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from reviewkit.errors import UsageError
from reviewkit.pins import HIRING_ONLY, closure, installed_facts, pins_of

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGE_DATA: Final = ROOT / "reviewkit" / "data" / "image"
TARGETS: Final = (IMAGE_DATA / "requirements.txt", ROOT / "binder" / "requirements.txt")
NODE: Final = IMAGE_DATA / "node.txt"
"""What an image with a scenario in TypeScript has beside it: the extra `node`."""
POSTGRES: Final = IMAGE_DATA / "postgres.txt"
"""What an image with a probe on PostgreSQL has beside it: the extra `postgres`."""
IMAGE: Final = {
    "python_version": "3.11", "python_full_version": "3.11.14", "sys_platform": "linux", "os_name": "posix",
    "platform_system": "Linux", "implementation_name": "cpython", "platform_python_implementation": "CPython",
}  # fmt: skip
"""What binder/runtime.txt gives: https://github.com/jupyterhub/repo2docker/tree/main/repo2docker/buildpacks/conda"""


def pins() -> str:
    """The list: the lines of the lock about each package that is needed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    roots = [need for need in project["dependencies"] if Requirement(need).name not in HIRING_ONLY]
    roots += project["optional-dependencies"]["sockets"]  # probes over real sockets; an image needs nothing to be small
    lock = pins_of((ROOT / "requirements.lock").read_text("utf-8"))
    return "".join(f"{line}\n" for name in closure(roots, facts, IMAGE) for line in lock[name])


def extra_pins(extra: str) -> str:
    """The lines of the lock about what an extra needs and `pins` does not have."""
    roots = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][extra]
    lock, there = pins_of((ROOT / "requirements.lock").read_text("utf-8")), pins_of(pins())
    return "".join(f"{line}\n" for name in closure(roots, facts, IMAGE) if name not in there for line in lock[name])


def facts(name: str) -> tuple[str, Sequence[str]]:
    """Version and requirements of a package; what only another Python needs is not installed here and needs nothing."""
    try:
        return installed_facts(name)
    except UsageError:
        return "", ()


def main(argv: list[str] | None = None) -> int:
    """Write, or check; 0 fine, 1 something to do."""
    parser = argparse.ArgumentParser(description="Pin the candidate's image from requirements.lock.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of date")
    arguments = parser.parse_args(argv)
    wanted = {**dict.fromkeys(TARGETS, pins()), NODE: extra_pins("node"), POSTGRES: extra_pins("postgres")}
    old = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in old:
        if arguments.check:
            print(f"{path.relative_to(ROOT)} is out of date. Run: python scripts/pin_image.py", file=sys.stderr)
        else:
            path.write_text(wanted[path], "utf-8")
    return 1 if arguments.check and old else 0


if __name__ == "__main__":
    raise SystemExit(main())
