"""`reviewkit publish`: gather, look for the key in every file, then write the folder; nothing is written before."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit import __version__
from reviewkit.bank import Bank, Entry
from reviewkit.durable import replace_file
from reviewkit.errors import DataError, UsageError, printable
from reviewkit.keyleaks import Secret, found_in, key_secret, secrets_of
from reviewkit.keyring import SigningKeyPair
from reviewkit.ownwheel import given_wheel, own_wheel
from reviewkit.publication import MANIFEST, digest, is_executable, publication

_OTHER: Final = "Name an empty folder, or one that holds an earlier publication and nothing else."
_GIT: Final = ".git"


@dataclass(frozen=True)
class Published:
    """What was written."""

    folder: Path
    files: tuple[str, ...]
    scenarios: tuple[str, ...]
    left_out: tuple[str, ...]
    """Files of the scenarios' folders that are no part of a scenario."""
    has_key: bool
    """Whether invites can be verified with it."""


def publish(
    bank: Bank,
    slugs: Sequence[str],
    folder: Path,
    *,
    keys: Sequence[SigningKeyPair] = (),
    public_keys: str = "",
    wheel: Path | None = None,
) -> Published:
    """Write the candidate-facing repository of a bank.

    Args:
        bank: With rubrics, whose canaries and statements are looked for.
        slugs: Which scenarios; empty means all.
        folder: Made when missing; else empty, or an earlier publication, which is replaced. `.git` in it is left alone.
        keys: Signing keys of the hiring side, looked for in what is published.
        public_keys: Goes with it, so that invites can be verified.
        wheel: A wheel of this version; None makes one of the running package.

    Raises:
        UsageError: If the folder holds anything else, there are no rubrics to check against, or the wheel is none.
        DataError: If a file would give something of the key away, or cannot be read or written.
    """
    entries = [bank.entry(slug) for slug in dict.fromkeys(slugs or bank.slugs)]
    secrets = [*(secret for entry in bank for secret in secrets_of(entry.slug, _rubric_of(entry).rubric)),
               *(key_secret(key.private, key.number) for key in keys)]  # fmt: skip
    found = publication(entries, given_wheel(wheel, __version__) if wheel else own_wheel(), public_keys)
    refuse_leaks(found.tree, secrets)
    try:
        before = _own_files(folder, found.tree)
        if folder.exists():
            _replace(folder, before, found.tree)
        else:
            _write_new(folder, found.tree)
    except OSError as error:
        raise DataError(
            str(folder), f"cannot be written ({error.strerror})", "Check the disk, or name another folder."
        ) from None
    return Published(
        folder, tuple(found.tree), tuple(entry.slug for entry in entries), found.left_out, bool(public_keys)
    )


def refuse_leaks(tree: Mapping[str, bytes], secrets: Sequence[Secret]) -> None:
    """Say which file gives something of the key away.

    Raises:
        DataError: Naming the first such file and what it holds, not the words themselves.
    """
    sources_first = dict(sorted(tree.items(), key=lambda item: not item[0].startswith("scenarios/")))
    for path, secret in found_in(sources_first, secrets):  # what is built of a file would be named before it
        raise DataError(path, f"holds {secret.name}, so nothing was published", "Take it out, then publish again.")


def _rubric_of(entry: Entry) -> Entry:
    """The entry itself, once it has a rubric."""
    if entry.rubric_folder is None:
        fact = f"There is no rubric of {entry.slug!r} here, so nobody can tell whether a file gives its key away."
        raise UsageError(fact, "Name the folder of the rubrics with --rubrics or REVIEWKIT_RUBRICS.")
    return entry


def _own_files(folder: Path, tree: Mapping[str, bytes]) -> tuple[str, ...]:
    """Files of an earlier publication in a folder, also of one that was ended half-way; none when it is missing or empty.

    Raises:
        UsageError: If it holds anything else, or a published file was changed.
    """
    if not folder.exists() and not folder.is_symlink():
        return ()
    if not folder.is_dir():
        raise UsageError(f"{folder}: is not a folder.", _OTHER)
    known = _manifest_of(folder)
    there = []
    for path in _files_without_git(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not path.is_file():
            raise UsageError(f"{folder}: holds {printable(name)}, which is no plain file.", _OTHER)
        if name != MANIFEST and digest(path.read_bytes()) not in (known.get(name), digest(tree.get(name, b""))):
            if name not in known:
                raise UsageError(f"{folder}: holds {printable(name)}, which is not of an earlier publication.", _OTHER)
            step = "Keep a copy elsewhere and delete it, then publish again."
            raise UsageError(f"{folder}: {printable(name)} was changed after it was published.", step)
        there.append(name)
    return tuple(there)


def _manifest_of(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of an earlier publication's files; empty without one."""
    try:
        files = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {str(path): str(value) for path, value in files.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{folder}: holds a {MANIFEST} that is none of ours.", _OTHER) from None


def _files_without_git(folder: Path) -> list[Path]:
    """All files of a published folder; what git keeps in it is git's."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name != _GIT:
            found += (
                sorted(p for p in path.rglob("*") if not p.is_dir())
                if path.is_dir() and not path.is_symlink()
                else [path]
            )
    return found


def _replace(folder: Path, before: Sequence[str], tree: Mapping[str, bytes]) -> None:
    """Turn an earlier publication into this one, file by file; the manifest comes last."""
    for path in sorted(tree, key=lambda path: path == MANIFEST):
        place = _place(folder, path)
        if not place.is_file() or place.read_bytes() != tree[path]:
            replace_file(place, tree[path])
        place.chmod(_mode(path))
    for path in before:
        if path not in tree:
            (folder / path).unlink()
            for parent in (folder / path).parents:
                if parent == folder or any(parent.iterdir()):
                    break
                parent.rmdir()


def _write_new(folder: Path, tree: Mapping[str, bytes]) -> None:
    """Write beside it and rename, so that the folder is whole or not there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".publish-", dir=folder.parent))
    try:
        made.chmod(0o755)
        for path, content in tree.items():
            place = _place(made, path)
            place.write_bytes(content)
            place.chmod(_mode(path))
        made.rename(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def _place(folder: Path, path: str) -> Path:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _mode(path: str) -> int:
    return 0o755 if is_executable(path) else 0o644
