"""The order in which a change shows its files: drawn from an invite's seed, so that candidates next to each other differ.

Only what is shown has it. Anchors name files by path, so neither record nor score depends on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

CHANGE: Final = "change"
"""The form that it concerns."""


def drawn(files: Sequence[str], seed: int) -> tuple[str, ...]:
    """All files in the order that a seed draws: the same on every machine and in every version of Python.

    Args:
        files: Paths, in any order; the same ones give the same answer.
        seed: Of an invite.
    """
    return tuple(sorted(files, key=lambda path: hashlib.sha256(f"{seed}\n{path}".encode()).digest()))


def in_order(spec: Mapping[str, Any], order: Sequence[str]) -> dict[str, Any]:
    """The specification of a form with its files in an order; as it is, where it shows none or the order is empty.

    Args:
        spec: Of any form; `docs/record.md`, section 5.
        order: Paths; a file that it does not name comes last, as it was.
    """
    if spec.get("form") != CHANGE or not order:
        return dict(spec)
    place = {path: number for number, path in enumerate(order)}
    return {**spec, "files": sorted(spec["files"], key=lambda file: place.get(file["path"], len(place)))}


def draw(notebook: dict[str, Any], seed: int) -> tuple[str, ...]:
    """Show the change of a blank workbook in the order that a seed draws; the order, empty without a change in it."""
    from reviewkit.forms import MIME, bundle  # here, because kernels import this module and need no diff for it

    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            spec = output.get("data", {}).get(MIME)
            if isinstance(spec, dict) and spec.get("form") == CHANGE:
                order = drawn([file["path"] for file in spec["files"]], seed)
                output["data"] = bundle(in_order(spec, order))
                return order
    return ()
