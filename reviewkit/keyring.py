"""The hiring side's signing keys on disk: one file each, mode 0600, made on first use; never in a candidate's image."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reviewkit import base64url
from reviewkit.durable import sync, sync_folder
from reviewkit.errors import DataError, UsageError
from reviewkit.invite import KEY_BYTES, key_id, public_key, public_keys

KEYS_VARIABLE: Final = "REVIEWKIT_KEYS"
PUBKEY_VARIABLE: Final = "REVIEWKIT_PUBKEY"
"""Public keys themselves, or the path of a file that holds them."""
_NAME: Final = re.compile(r"invite-(\d{3,6})\.key")


@dataclass(frozen=True)
class SigningKeyPair:
    """One key of the hiring side."""

    number: int
    private: bytes
    """32 bytes; shown nowhere."""

    def __repr__(self) -> str:
        return f"SigningKeyPair({self.number}, {self.kid})"

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return public_key(self.private)

    @property
    def kid(self) -> str:
        """Its id in invites."""
        return key_id(self.public)


def keys_folder() -> Path:
    """Folder of the private keys: `REVIEWKIT_KEYS`, or `reviewkit/keys` in the user's configuration folder."""
    chosen = os.environ.get(KEYS_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "reviewkit" / "keys"


def read_keys(folder: Path) -> list[SigningKeyPair]:
    """All keys of a folder, oldest first; the last one signs.

    Raises:
        DataError: If a key file is damaged or others may read it.
    """
    try:
        names = sorted((int(found[1]), path) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name)))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataError(str(folder), f"the keys cannot be read ({error.strerror})", "Check its permissions.") from None
    return [SigningKeyPair(number, _read_private(path)) for number, path in names]


def signing_key(folder: Path) -> SigningKeyPair:
    """The newest key; a first one is made where there is none.

    Raises:
        DataError: As `read_keys` and `new_key`.
    """
    known = read_keys(folder)
    return known[-1] if known else new_key(folder)


def new_key(folder: Path) -> SigningKeyPair:
    """Make another key, which signs from now on; the older ones keep verifying.

    Raises:
        DataError: If it could not be written.
    """
    number = max((key.number for key in read_keys(folder)), default=0) + 1
    pair = SigningKeyPair(number, os.urandom(KEY_BYTES))
    path = folder / f"invite-{number:03d}.key"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, base64url.encode(pair.private).encode() + b"\n")
            sync(handle)
        finally:
            os.close(handle)
        sync_folder(folder)
    except OSError as error:
        step = f"Name another folder with {KEYS_VARIABLE}."
        raise DataError(str(path), f"the key could not be written ({error.strerror})", step) from None
    return pair


def key_of(kid: str, folder: Path) -> SigningKeyPair | None:
    """The key with this id, or None."""
    return next((key for key in read_keys(folder) if key.kid == kid), None)


def public_text(keys: list[SigningKeyPair]) -> str:
    """Public keys for `REVIEWKIT_PUBKEY`: newest first, on one line."""
    return " ".join(base64url.encode(key.public) for key in reversed(keys))


def given_public_keys(text: str | None = None) -> dict[str, bytes]:
    """Public keys as configured: a text of keys, or the path of a file that holds them.

    Args:
        text: By default what `REVIEWKIT_PUBKEY` says.

    Raises:
        UsageError: If there is none, or it cannot be read.
    """
    given = os.environ.get(PUBKEY_VARIABLE, "") if text is None else text
    if not given.strip():
        step = f"Set {PUBKEY_VARIABLE} to what `reviewkit invite key --public` prints, or name a file with it."
        raise UsageError("No public key of invites is given.", step)
    path = Path(given.strip())
    if "\n" not in given and len(given) < 4096 and path.is_file():
        try:
            given = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: the public keys cannot be read.", "Export them again: reviewkit invite key --public") from error
    return public_keys(given)


def _read_private(path: Path) -> bytes:
    again = "Restore it from a backup, or move it away and make another: reviewkit invite key --new"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status, text = os.fstat(handle), os.read(handle, 200)
        finally:
            os.close(handle)
        private = base64url.decode(text.decode("ascii").strip())
    except (OSError, ValueError):
        raise DataError(str(path), "is not a readable signing key", again) from None
    if len(private) != KEY_BYTES or not stat.S_ISREG(status.st_mode):
        raise DataError(str(path), "is not a signing key", again)
    if status.st_mode & 0o077:
        raise DataError(str(path), "other users of this machine can read this signing key", f"Run: chmod 600 {path}")
    return private
