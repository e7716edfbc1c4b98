"""How alike texts are in meaning: cosines of their directions, rounded before anything is decided with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from reviewkit.frozen import DECIMALS
from reviewkit.sentences import store
from reviewkit.sentences.encoder import Encoder

MOST_KEPT: Final = 5_000
"""Directions kept in memory, about 10 MB; beyond it all are forgotten."""


@dataclass
class Meaning:
    """Compares texts by one encoder; directions of texts seen before are kept."""

    encoder: Encoder
    threads: Any
    """threadpoolctl's view of the libraries that do linear algebra here."""
    _known: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, encoder: Encoder) -> Meaning:
        """With nothing kept yet."""
        from threadpoolctl import ThreadpoolController

        return cls(encoder, ThreadpoolController())

    def alike(self, text: str, others: Sequence[str]) -> list[float]:
        """
        Cosine of a text with each of some others.

        Args:
            text: Of a candidate, cleaned (`wording.Text.clean`); empty is like nothing.
            others: Of the key, cleaned.

        Returns:
            From 0 (unlike, or opposite) to 1, four decimals, in the order of `others`; each depends on its two texts alone.
        """
        if not text.strip():
            return [0.0] * len(others)
        if len(self._known) > MOST_KEPT:
            self._known.clear()
        rows = np.array([self._direction(other) for other in others])
        # Products are summed row by row, not by linear algebra: other rows must not show in a sum's last bit.
        found = (rows * self._direction(text)).sum(axis=1)
        return [round(min(1.0, max(0.0, float(cosine))), DECIMALS) for cosine in found]

    def _direction(self, text: str) -> npt.NDArray[np.float64]:
        known = self._known.get(text)
        if known is None:
            with self.threads.limit(limits=1, user_api="blas"):
                known = self._known[text] = self.encoder.encode(text).astype(np.float64)
        return known


@cache
def _of(encoder: Encoder) -> Meaning:
    return Meaning.of(encoder)


def shared() -> Meaning:
    """
    The one of this process, so that the key and repeated remarks are read once.

    Raises:
        UsageError: If the model is not set up, or its files are other ones.
    """
    return _of(store.load())
