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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from reviewkit import wording

Cells = npt.NDArray[np.int64]

_WEIGHT_STEPS: Final = 16
"""Word weights are rounded to sixteenths before they are summed."""


@dataclass(frozen=True, eq=False)
class Table:
    """Directions of stems; a stem that is not in `rows` has none."""

    rows: Mapping[str, int]
    cells: npt.NDArray[np.int8]
    """A row of whole numbers from -127 to 127 for each stem."""
    sha256: str


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """Where a text points: the weighted sum over its stems, whole numbers, and its length."""

    cells: Cells
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
    cells = np.frombuffer(base64.b64decode(data["cells"]), dtype=np.int8).reshape(-1, data["dimensions"])
    rows = {stem: at for at, stem in enumerate(data["stems"])}
    return Table(rows, cells, hashlib.sha256(raw).hexdigest())


@cache
def table() -> Table:
    """The table that ships with the package."""
    return decode(resources.files("reviewkit").joinpath("data/kin.json").read_bytes())


def direction(stems: frozenset[str], directions: Table, idf: wording.Idf) -> Direction:
    """Direction of a set of stems, each weighted by the square root of its rarity."""
    known = [stem for stem in stems if stem in directions.rows]  # whole numbers: the order of summing cannot show
    weights = np.array([round(sqrt(idf.weight(stem)) * _WEIGHT_STEPS) for stem in known], dtype=np.int64)
    total = weights @ directions.cells[[directions.rows[stem] for stem in known]].astype(np.int64)
    return Direction(total, sqrt(int(total @ total)))


@lru_cache(maxsize=20_000)
def of(text: wording.Text) -> Direction:
    """Direction of a text in the shipped table."""
    return direction(text.stems, table(), wording.background())


def kin(one: Direction, other: Direction) -> float:
    """Cosine between two texts, 0 when either has no known word or they point apart; 0 to 1."""
    return cosine(int(one.cells @ other.cells), one.length, other.length)


def stacked(directions: Sequence[Direction]) -> Cells:
    """Directions as the rows of one table."""
    if not directions:
        return np.zeros((0, table().cells.shape[1]), dtype=np.int64)
    return np.stack([direction.cells for direction in directions])


def products(one: Direction, others: Cells) -> list[int]:
    """Scalar products of a direction with each row of `others`, as `cosine` takes them."""
    found: list[int] = (others @ one.cells).tolist()
    return found


def cosine(product: int, one: float, other: float) -> float:
    """Cosine from a scalar product and two lengths, cut off at 0."""
    return max(0.0, product / (one * other)) if one and other else 0.0
