"""Writes the pins of the candidate's image from requirements.lock: `reviewkit/data/image/` and `binder/`, one text.

What is listed: all that the package depends on, but for what only the hiring side runs (`reviewkit.pins.HIRING_ONLY`), with
everything that those need on the image's Python. Run `python scripts/pin_image.py` after a change of requirements.lock,
`--check` to learn whether that was forgotten.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Final

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reviewkit.pins import HIRING_ONLY, closure, installed_facts

ROOT: Final = Path(__file__).resolve().parent.parent
TARGETS: Final = (ROOT / "reviewkit" / "data" / "image" / "requirements.txt", ROOT / "binder" / "requirements.txt")
IMAGE: Final = {
    "python_version": "3.11", "python_full_version": "3.11.14", "sys_platform": "linux", "os_name": "posix",
    "platform_system": "Linux", "implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": "",
}  # fmt: skip
"""What binder/runtime.txt gives: https://github.com/jupyterhub/repo2docker/tree/main/repo2docker/buildpacks/conda"""


def locked(text: str) -> dict[str, str]:
    """Canonical name -> version of the lock's lines that hold in the image."""
    found = {}
    for line in text.splitlines():
        pin, _, marker = line.split("#")[0].partition(";")
        if "==" in pin and (not marker.strip() or Marker(marker.strip()).evaluate(IMAGE)):
            name, _, version = pin.partition("==")
            found[canonicalize_name(name.strip())] = version.strip()
    return found


def pins() -> str:
    """The list, one `name==version` a line."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    roots = [need for need in project["dependencies"] if Requirement(need).name not in HIRING_ONLY]
    lock = locked((ROOT / "requirements.lock").read_text("utf-8"))
    return "".join(f"{name}=={lock[name]}\n" for name in closure(roots, installed_facts))


def main(argv: list[str] | None = None) -> int:
    """Write, or check; 0 fine, 1 something to do."""
    parser = argparse.ArgumentParser(description="Pin the candidate's image from requirements.lock.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of date")
    arguments = parser.parse_args(argv)
    text = pins()
    old = [path for path in TARGETS if not path.is_file() or path.read_text("utf-8") != text]
    for path in old:
        if arguments.check:
            print(f"{path.relative_to(ROOT)} is out of date. Run: python scripts/pin_image.py", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
    return 1 if arguments.check and old else 0


if __name__ == "__main__":
    raise SystemExit(main())
