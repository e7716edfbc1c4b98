"""Base64url without padding, and only in its one canonical spelling: one value, one text."""

from __future__ import annotations

import base64
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")


def encode(data: bytes) -> str:
    """Text of some bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Bytes of a text.

    Raises:
        ValueError: If it is not exactly what `encode` writes: other characters, padding, or stray bits at the end.
    """
    if not _ALPHABET.fullmatch(text):
        raise ValueError("characters outside base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
