"""Puts the fork server's objects into huge pages: a fork then copies one entry where it copied 512.

What a guest writes to is copied page by page as before. Nothing depends on it: a kernel that cannot do it refuses.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Final

from reviewkit.sandbox.inner import kernel

HUGE_BITS: Final = 21
"""2 MiB, with pages of 4 KiB; where pages are larger the kernel refuses."""


def collapse(objects: Iterable[object]) -> None:
    """Ask for a huge page wherever one of the objects lies, or the code of one that is a function."""
    places = set()
    for item in objects:
        places.add(id(item) >> HUGE_BITS)
        if type(item) is types.FunctionType:
            places.add(id(item.__code__) >> HUGE_BITS)
    for place in places:
        kernel.collapse(place << HUGE_BITS, 1 << HUGE_BITS)
