"""The wheel of the running package, made from its own files: no source checkout, no build tool, no package index.

What an installed package consists of follows from its RECORD, whose hashes are checked; of an editable install, from
the package's folder. Nothing is compressed and nothing has a time, so equal files give an equal wheel on every machine.
Format: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Final

from reviewkit.errors import DataError, UsageError

NAME: Final = "reviewkit"
PACKAGE: Final = Path(__file__).resolve().parent
SHARED: Final[Mapping[str, str]] = {
    "reviewkit/labextension/": "share/jupyter/labextensions/reviewkit/",
    "reviewkit/data/overrides.json": "share/jupyter/lab/settings/overrides.d/reviewkit.json",
    "reviewkit/data/server_config.json": "etc/jupyter/jupyter_server_config.d/reviewkit.json",
}
"""Files that Jupyter looks for outside the package: where they lie in it, and where they go. As in pyproject.toml."""
LITTER: Final = frozenset(
    ("__pycache__", ".DS_Store", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache")
)
"""Names that tools leave behind in any folder."""
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: reviewkit\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_REINSTALL: Final = "Install reviewkit again, or name a wheel with --wheel."


def own_wheel() -> tuple[str, bytes]:
    """Name and bytes of the running package's wheel.

    Raises:
        UsageError: If this reviewkit is not installed, so that nothing tells its metadata.
        DataError: If an installed file is missing or was changed.
    """
    try:
        installed = distribution(NAME)
    except PackageNotFoundError:
        raise UsageError("This reviewkit is not installed, so no wheel can be made of it.", _REINSTALL) from None
    files = _package_files(installed)
    return f"{NAME}-{installed.version}-py3-none-any.whl", wheel_bytes(
        files, _metadata_files(installed), installed.version
    )


def wheel_bytes(package: Mapping[str, bytes], metadata: Mapping[str, bytes], version: str) -> bytes:
    """A wheel; pure.

    Args:
        package: Path below the root of installed packages -> bytes.
        metadata: Name in the dist-info folder -> bytes, without WHEEL and RECORD.
        version: Of the package.
    """
    info, data = f"{NAME}-{version}.dist-info", f"{NAME}-{version}.data/data"
    members = {
        **package,
        **{f"{info}/{name}": content for name, content in metadata.items()},
        f"{info}/WHEEL": _WHEEL.encode(),
    }
    for path, content in package.items():
        for source, target in SHARED.items():
            if path == source or (source.endswith("/") and path.startswith(source)):
                members[f"{data}/{target}{path.removeprefix(source)}"] = content
    record = "".join(f"{path},sha256={_digest(members[path])},{len(members[path])}\n" for path in sorted(members))
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # stored: what deflate gives depends on its library
        for path in sorted(members, key=lambda path: (path.startswith(info), path)):
            entry = zipfile.ZipInfo(path, _DATE)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            archive.writestr(entry, members[path])
    return sink.getvalue()


def given_wheel(path: Path, version: str) -> tuple[str, bytes]:
    """Name and bytes of a wheel that was built elsewhere.

    Raises:
        UsageError: If there is no such file, or it is no wheel of this version of reviewkit.
    """
    name = f"{NAME}-{version}-py3-none-any.whl"
    if path.name != name:
        raise UsageError(f"{path}: is not the wheel of this reviewkit.", f"Name a file called {name}.")
    try:
        content = path.read_bytes()
        wheel_members(content)[f"{NAME}-{version}.dist-info/RECORD"]
    except OSError as error:
        raise UsageError(
            f"{path}: the wheel cannot be read ({error.strerror}).", "Check the name after --wheel."
        ) from None
    except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError):
        raise UsageError(f"{path}: is not a wheel.", "Build it again: pip wheel --no-deps .") from None
    return name, content


def wheel_members(content: bytes) -> dict[str, bytes]:
    """Path -> bytes of every file of a wheel."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def tidy_files(folder: Path) -> list[Path]:
    """All files below a folder, sorted by name, without what tools leave behind.

    Raises:
        DataError: If there is a symbolic link or anything else that is neither file nor folder.
    """
    found = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.as_posix()):
        if path.suffix == ".pyc" or LITTER.intersection(path.relative_to(folder).parts):
            continue
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise DataError(str(path), "is no plain file, so it cannot be published", "Put the file itself there.")
        if path.is_file():
            found.append(path)
    return found


def _package_files(installed: Distribution) -> dict[str, bytes]:
    listed = [path for path in installed.files or () if path.parts[0] == NAME and path.suffix != ".pyc"]
    if not listed:  # editable: RECORD names only what points at the source
        return {f"{NAME}/{path.relative_to(PACKAGE).as_posix()}": path.read_bytes() for path in tidy_files(PACKAGE)}
    found: dict[str, bytes] = {}
    for path in listed:
        place = Path(str(path.locate()))
        try:
            content = place.read_bytes()
        except OSError as error:
            raise DataError(str(place), f"an installed file cannot be read ({error.strerror})", _REINSTALL) from None
        if path.hash is None or path.hash.value != _digest(content):
            raise DataError(str(place), "is not as it was installed", _REINSTALL)
        found[PurePosixPath(path).as_posix()] = content
    return found


def _metadata_files(installed: Distribution) -> dict[str, bytes]:
    """METADATA without the long description, which is the hiring side's README; entry points; licence."""
    head, _, _ = (installed.read_text("METADATA") or "").replace("\r\n", "\n").partition("\n\n")
    kept = [line for line in head.splitlines() if not line.startswith("Description-Content-Type:")]
    found = {"METADATA": ("\n".join(kept) + "\n").encode()}
    for name in ("entry_points.txt", "licenses/LICENSE"):
        text = installed.read_text(name)
        if text is None:
            raise DataError(f"{NAME}.dist-info/{name}", "is not among the installed files", _REINSTALL)
        found[name] = text.encode()
    return found


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
