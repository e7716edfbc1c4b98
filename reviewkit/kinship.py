"""Words that keep the same company: a small frozen table of word directions, learned from review remarks.

The table (`data/kin.json`) is a truncated singular value decomposition of public review comments (see
benchmarks/matching/fit.py), rounded to whole numbers. Sums and products are over integers, so a likeness is the same
to the last bit on every machine.
"""

from __future__ import annotations

import base64
import hashlib
import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from math import sqrt
from operator import mul
from typing import Final

from reviewkit import wording

_WEIGHT_STEPS: Final = 16
"""Word weights are rounded to sixteenths before they are summed."""


@dataclass(frozen=True)
class Table:
    """Directions of stems; a stem that is not in `rows` has none."""

    dimensions: int
    rows: Mapping[str, int]
    cells: array[int]
    sha256: str

    def row(self, stem: str) -> array[int] | None:
        """The direction of a stem, `dimensions` whole numbers from -127 to 127."""
        at = self.rows.get(stem)
        return None if at is None else self.cells[at * self.dimensions : (at + 1) * self.dimensions]


@dataclass(frozen=True, slots=True)
class Direction:
    """Where a text points: the weighted sum over its stems, and its length."""

    cells: tuple[int, ...]
    length: float


def encode(stems: list[str], rows: list[list[int]]) -> dict[str, object]:
    """The table as plain data for its file; every cell must lie within -127..127."""
    flat = array("b", [cell for row in rows for cell in row])
    return {
        "schema_version": 1,
        "dimensions": len(rows[0]),
        "stems": stems,
        "cells": base64.b64encode(flat.tobytes()).decode("ascii"),
    }


def decode(raw: bytes) -> Table:
    """Read a table back from the bytes of its file."""
    data = json.loads(raw)
    cells = array("b")
    cells.frombytes(base64.b64decode(data["cells"]))
    rows = {stem: at for at, stem in enumerate(data["stems"])}
    return Table(data["dimensions"], rows, cells, hashlib.sha256(raw).hexdigest())


@cache
def table() -> Table:
    """The table that ships with the package."""
    return decode(resources.files("reviewkit").joinpath("data/kin.json").read_bytes())


def direction(stems: frozenset[str], directions: Table, idf: wording.Idf) -> Direction:
    """Direction of a set of stems, each weighted by the square root of its rarity."""
    total = [0] * directions.dimensions
    for stem in stems:  # whole numbers: the order of summing cannot show
        row = directions.row(stem)
        if row is not None:
            weight = round(sqrt(idf.weight(stem)) * _WEIGHT_STEPS)
            total = [have + weight * cell for have, cell in zip(total, row, strict=True)]
    return Direction(tuple(total), sqrt(sum(map(mul, total, total))))


@lru_cache(maxsize=20_000)
def of(text: wording.Text) -> Direction:
    """Direction of a text in the shipped table."""
    return direction(text.stems, table(), wording.background())


def kin(one: Direction, other: Direction) -> float:
    """Cosine between two texts, 0 when either has no known word or they point apart; 0 to 1."""
    if not one.length or not other.length:
        return 0.0
    product: int = sum(map(mul, one.cells, other.cells))
    return max(0.0, product / (one.length * other.length))
