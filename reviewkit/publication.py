"""The candidate-facing repository as values: which files it holds, and what they say. Nothing of a rubric gets in here.

It is an explicit list. What a scenario's folder holds beside the parts of a scenario is left out and named.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from reviewkit import __version__
from reviewkit.bank import Entry
from reviewkit.build import workbook
from reviewkit.errors import DataError
from reviewkit.imageparts import Parts, parts_of
from reviewkit.ownwheel import tidy_files, wheel_members
from reviewkit.pins import with_packages
from reviewkit.scenario import Scenario

MANIFEST: Final = "publication.json"
SCHEMA: Final = 1
PUBKEY: Final = "binder/invite.pub"
TEXTS: Final = ("scenario.yaml", "brief.md", "pull_request.md")
TREES: Final = ("base", "exercises", "harness", "head", "probes")
_COPIED: Final = ("runtime.txt", "postBuild", "start", "lab-settings.json", "lab-page.json", "server-config.json", "kernel-config.json")
_EXECUTABLE: Final = frozenset(("binder/postBuild", "binder/start"))
Tree = dict[str, bytes]
"""POSIX path below the published folder -> bytes."""


@dataclass(frozen=True)
class ScenarioFiles:
    """What of a scenario's folder is published."""

    tree: Tree
    left_out: tuple[str, ...]
    """Paths that are no part of a scenario."""


def is_executable(path: str) -> bool:
    """Whether a published file is a program."""
    return path in _EXECUTABLE


def scenario_files(entry: Entry) -> ScenarioFiles:
    """Files of a scenario that a candidate sees.

    Raises:
        DataError: If one is missing, or no plain file.
    """
    tree: Tree = {}
    left: list[str] = []
    for path in tidy_files(entry.folder):
        inside = path.relative_to(entry.folder)
        name = f"scenarios/{entry.slug}/{inside.as_posix()}"
        if inside.as_posix() in TEXTS or inside.parts[0] in TREES:
            tree[name] = path.read_bytes()
        else:
            left.append(name)
    for text in TEXTS:
        if f"scenarios/{entry.slug}/{text}" not in tree:
            raise DataError(
                f"scenarios/{entry.slug}/{text}", "is missing", f"Write it, then run: reviewkit bank check {entry.slug}"
            )
    return ScenarioFiles(tree, tuple(left))


def notebook_file(entry: Entry) -> bytes:
    """A blank workbook, built anew from the candidate's half of a scenario alone."""
    bare = Entry(entry.slug, entry.folder, None)
    return (json.dumps(workbook(bare), indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def image_files(scenarios: Sequence[Scenario], parts: Parts, wheel: tuple[str, bytes], public_keys: str) -> Tree:
    """`binder/`: what a hub builds and starts.

    Args:
        scenarios: Those that are published.
        parts: What their code needs beside Python; what it does not need leaves no byte.
        wheel: Name and bytes of the reviewkit that the image installs.
        public_keys: Keys that verify invites, on one line; empty for none.

    Raises:
        UsageError: If a package that a scenario needs is not installed, so that it cannot be pinned.
    """
    needed = [package for scenario in scenarios for package in scenario.packages]
    tree = {f"binder/{name}": _image_file(name).encode() for name in _COPIED}
    aside = "".join(_image_file(name) for name, there in (("node.txt", parts.node), ("postgres.txt", parts.postgres)) if there)
    tree["binder/requirements.txt"] = with_packages(_image_file("requirements.txt") + aside, needed).encode()
    if parts.system:
        tree["binder/apt.txt"] = "".join(f"{name}\n" for name in parts.system).encode()
    for name, there in (("postBuild-react", parts.react), ("postBuild-spring", parts.spring)):
        tree["binder/postBuild"] += _image_file(name).encode() if there else b""
    tree[f"binder/{wheel[0]}"] = wheel[1]
    if public_keys:
        tree[PUBKEY] = f"{public_keys}\n".encode()
    return tree


def texts(scenarios: Mapping[str, Scenario], parts: Parts, wheel: tuple[str, bytes]) -> Tree:
    """README for candidates, and the licence of the code."""
    rows = "\n".join(f"| {slug} | {s.title} | {s.stack} | {s.minutes} |" for slug, s in sorted(scenarios.items()))
    licences = "\n".join(f"- `scenarios/{slug}`: {s.licence}" for slug, s in sorted(scenarios.items()))
    readme = Template(_image_file("README.md")).substitute(scenarios=rows, licences=licences, needs=parts.told)
    members = wheel_members(wheel[1])
    licence = next(content for name, content in members.items() if name.endswith(".dist-info/licenses/LICENSE"))
    return {"README.md": readme.encode(), "LICENSE": licence}


def manifest(tree: Mapping[str, bytes], scenarios: Mapping[str, Scenario]) -> bytes:
    """What was published, with the SHA-256 of each file: by it a later publication knows its own files."""
    content = {
        "schema": SCHEMA,
        "reviewkit": __version__,
        "scenarios": {slug: scenario.version for slug, scenario in sorted(scenarios.items())},
        "files": {path: digest(content) for path, content in sorted(tree.items())},
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def publication(entries: Iterable[Entry], wheel: tuple[str, bytes], public_keys: str) -> ScenarioFiles:
    """Everything that a candidate-facing repository of these scenarios holds.

    Args:
        entries: Scenarios; their rubrics are not looked at.
        wheel: As for `image_files`.
        public_keys: As for `image_files`.

    Raises:
        ContentError: If a scenario cannot be read.
        DataError: As `scenario_files`.
        UsageError: As `image_files`.
    """
    tree: Tree = {}
    left: list[str] = []
    scenarios: dict[str, Scenario] = {}
    folders: list[Path] = []
    for entry in entries:
        found = scenario_files(entry)
        scenarios[entry.slug] = entry.scenario
        folders.append(entry.folder)
        tree |= {**found.tree, f"notebooks/{entry.slug}.ipynb": notebook_file(entry)}
        left += found.left_out
    parts = parts_of(folders)
    tree |= {**image_files(list(scenarios.values()), parts, wheel, public_keys), **texts(scenarios, parts, wheel)}
    tree[MANIFEST] = manifest(tree, scenarios)
    return ScenarioFiles(dict(sorted(tree.items())), tuple(left))


def digest(content: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _image_file(name: str) -> str:
    return (Path(str(files("reviewkit"))) / "data" / "image" / name).read_text("utf-8")
