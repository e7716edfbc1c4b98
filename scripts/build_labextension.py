"""Builds `reviewkit/labextension/` from `reviewkit/frontend/`: two scripts with their content hash in the name. No node.

The sources are small ES modules with plain named imports. Bundling is joining them in order of need and dropping the
`import` lines and `export` words; names must therefore be unique across a bundle, which is checked here.

Run `python scripts/build_labextension.py` after a change, `--check` to learn whether that was forgotten.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SOURCES: Final = ROOT / "reviewkit" / "frontend"
TARGET: Final = ROOT / "reviewkit" / "labextension"
CORE: Final = "core"
ENTRY: Final = "remoteEntry"
_HASH_LENGTH: Final = 16

_IMPORT = re.compile(r"^import (?:\{([^}]*)\}|(\w+)) from '(\.{1,2}/[\w./-]+)';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)
_NAME = re.compile(r"^(?:export )?(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


class BundleError(Exception):
    """A source uses a form of import or a name that joining cannot handle."""


def bundle(entry: Path) -> str:
    """Join a module and everything that it needs into one text without imports and exports.

    Raises:
        BundleError: If two modules use the same name at their top, or a module has another kind of import or export.
    """
    parts: list[str] = []
    owners: dict[str, Path] = {}
    _collect(entry, parts, owners, set())
    return "\n".join(parts)


def _collect(path: Path, parts: list[str], owners: dict[str, Path], done: set[Path]) -> None:
    if path in done:
        return
    done.add(path)
    source = path.read_text("utf-8")
    constants: list[str] = []
    for _names, default, target in _IMPORT.findall(source):
        file = (path.parent / target).resolve()
        if not file.is_file():
            raise BundleError(f"{path.name}: no such file: {target}")
        if default:
            constants.append(f"const {default} = {json.dumps(_squeezed(file.read_text('utf-8')))};\n")
        else:
            _collect(file, parts, owners, done)
    for name in _NAME.findall(source):
        if owners.setdefault(name, path) != path:
            raise BundleError(f"{path.name}: the name {name} is also used in {owners[name].name}; rename one")
    body = _EXPORT.sub("", _IMPORT.sub("", source))
    left = _LEFT_OVER.search(body)
    if left:
        raise BundleError(f"{path.name}: cannot join: {left.group(0)[:80]}")
    parts.append("".join(constants) + body.strip() + "\n")


def _squeezed(css: str) -> str:
    """A style sheet without comments and indentation."""
    return "\n".join(line.strip() for line in re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).splitlines() if line.strip())


def _hashed(name: str, text: str) -> str:
    return f"{name}.{hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]}.js"


def built() -> dict[str, str]:
    """Relative path -> text of every file of the extension."""
    core = bundle(SOURCES / "core" / "index.js") + "\nexport { anywidget, render };\n"
    core_name = _hashed(CORE, core)
    entry = (SOURCES / "shell" / "frame.js").read_text("utf-8")
    entry = entry.replace("/* BODY */", bundle(SOURCES / "shell" / "index.js")).replace("CORE_FILE", core_name)
    entry_name = _hashed(ENTRY, entry)
    package = json.loads((SOURCES / "package.json").read_text("utf-8"))
    package["version"] = _version()
    package["jupyterlab"]["_build"] = {
        "load": f"static/{entry_name}",
        "extension": "./extension",
        "mimeExtension": "./mimeExtension",
    }
    return {
        f"static/{core_name}": core,
        f"static/{entry_name}": entry,
        "package.json": json.dumps(package, indent=2) + "\n",
        "install.json": (SOURCES / "install.json").read_text("utf-8"),
        "schemas/reviewkit/plugin.json": (SOURCES / "plugin.json").read_text("utf-8"),
    }


def _version() -> str:
    """Version of the Python package, which the extension carries too."""
    text = (ROOT / "reviewkit" / "__init__.py").read_text("utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise BundleError("reviewkit/__init__.py: no __version__ line")
    return match.group(1)


def problems(files: dict[str, str], target: Path) -> list[str]:
    """How the folder differs from what the sources give."""
    there = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
    found = [f"{name}: left over" for name in sorted(there - files.keys())]
    for name, text in files.items():
        path = target / name
        if not path.is_file():
            found.append(f"{name}: missing")
        elif path.read_text("utf-8") != text:
            found.append(f"{name}: out of date")
    return found


def write(files: dict[str, str], target: Path) -> None:
    """Make the folder hold exactly these files."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(target).as_posix() not in files:
            path.unlink()
    for name, text in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(argv: list[str] | None = None) -> int:
    """Build, or check; 0 fine, 1 something to do."""
    parser = argparse.ArgumentParser(description="Build the lab extension from its sources.")
    parser.add_argument("--check", action="store_true", help="change nothing; say what is out of date")
    arguments = parser.parse_args(argv)
    try:
        files = built()
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    if not arguments.check:
        write(files, TARGET)
        return 0
    found = problems(files, TARGET)
    for line in found:
        print(f"reviewkit/labextension/{line}. Run: python scripts/build_labextension.py", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
