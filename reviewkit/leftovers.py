"""What a killed batch left half written in an output folder: temporary files that nobody will rename any more."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

OLD_SECONDS: Final = 600.0
"""Age from which no writer can be at it still; each needs some milliseconds."""


def sweep(out: Path) -> None:
    """Remove old temporary files; other batches in the same folder notice nothing."""
    for folder in (out, *(path for path in out.iterdir() if path.is_dir() and not path.is_symlink())):
        for path in folder.glob(".tmp-*"):
            with suppress(OSError):
                if time.time() - path.lstat().st_mtime > OLD_SECONDS:
                    path.unlink()
