"""A small BERT encoder in NumPy: texts to directions of unit length, single precision.

Each text is computed alone, on one thread: what comes out depends on the text and the machine's arithmetic, never on
which texts came before, beside it, or on how many cores there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from reviewkit.sentences import wordpiece

Floats = npt.NDArray[np.float32]
LONGEST: Final = 256
"""Pieces of a text that are read, as the model was trained to be used."""
HEAD_WIDTH: Final = 32
"""Numbers per attention head of the MiniLM family."""
_EPSILON: Final = np.float32(1e-12)


class UnfitWeightsError(ValueError):
    """The tensors are not those of such an encoder."""


@dataclass(frozen=True, eq=False)
class _Layer:
    """One layer; each matrix is (in, out)."""

    joint: Floats
    """Query, key and value side by side."""
    joint_bias: Floats
    mixed: Floats
    mixed_bias: Floats
    first_norm: tuple[Floats, Floats]
    wide: Floats
    wide_bias: Floats
    narrow: Floats
    narrow_bias: Floats
    second_norm: tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Encoder:
    """A BERT encoder whose text direction is the mean of its last layer."""

    vocabulary: Mapping[str, int]
    words: Floats
    places: Floats
    """Per position, the first token type added."""
    norm: tuple[Floats, Floats]
    layers: tuple[_Layer, ...]

    @classmethod
    def of(cls, tensors: Mapping[str, npt.NDArray[np.generic]], vocabulary: Mapping[str, int]) -> Encoder:
        """
        From tensors named as BERT's are, in float32.

        Raises:
            UnfitWeightsError: If one is missing or does not fit the others or the vocabulary.
        """
        try:
            return _built(tensors, vocabulary)
        except KeyError as error:
            raise UnfitWeightsError(f"no tensor {error.args[0]}") from None

    def encode(self, text: str) -> Floats:
        """Direction of a text, of length 1."""
        pieces = wordpiece.numbers(text, self.vocabulary, min(LONGEST, len(self.places)))
        state = _normed(self.words[pieces] + self.places[: len(pieces)], self.norm)
        for layer in self.layers:
            state = _through(state, layer)
        mean = state.mean(axis=0, dtype=np.float64)
        unit: Floats = (mean / max(float(np.sqrt(mean @ mean)), 1e-12)).astype(np.float32)
        return unit


def _built(tensors: Mapping[str, npt.NDArray[np.generic]], vocabulary: Mapping[str, int]) -> Encoder:
    width = tensors["embeddings.word_embeddings.weight"].shape[-1]

    def take(name: str, *shape: int) -> Floats:
        found = tensors[name]
        if found.dtype != np.float32 or (shape and found.shape != shape) or not np.isfinite(found).all():
            raise UnfitWeightsError(f"{name} is {found.dtype} {found.shape}, not finite float32 {shape}")
        return np.ascontiguousarray(found, dtype=np.float32)

    def norm(name: str) -> tuple[Floats, Floats]:
        return take(f"{name}.LayerNorm.weight", width), take(f"{name}.LayerNorm.bias", width)

    def layer(number: int) -> _Layer:
        at = f"encoder.layer.{number}"
        parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        hidden = tensors[f"{at}.intermediate.dense.weight"].shape[0]
        return _Layer(
            np.concatenate([take(f"{part}.weight", width, width).T for part in parts], axis=1),
            np.concatenate([take(f"{part}.bias", width) for part in parts]),
            np.ascontiguousarray(take(f"{at}.attention.output.dense.weight", width, width).T),
            take(f"{at}.attention.output.dense.bias", width),
            norm(f"{at}.attention.output"),
            np.ascontiguousarray(take(f"{at}.intermediate.dense.weight", hidden, width).T),
            take(f"{at}.intermediate.dense.bias", hidden),
            np.ascontiguousarray(take(f"{at}.output.dense.weight", width, hidden).T),
            take(f"{at}.output.dense.bias", width),
            norm(f"{at}.output"),
        )

    count = len({name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")})
    if width % HEAD_WIDTH or not count:
        raise UnfitWeightsError(f"{count} layers of {width} numbers are no such encoder")
    return Encoder(
        vocabulary,
        take("embeddings.word_embeddings.weight", len(vocabulary), width),
        take("embeddings.position_embeddings.weight") + take("embeddings.token_type_embeddings.weight")[0],
        norm("embeddings"),
        tuple(layer(number) for number in range(count)),
    )


def _through(state: Floats, layer: _Layer) -> Floats:
    """One layer: attention, then the wide part, each added to what came in and normed. `state` is (pieces, width)."""
    length, width = state.shape
    heads = width // HEAD_WIDTH
    query, key, value = (state @ layer.joint + layer.joint_bias).reshape(length, 3, heads, HEAD_WIDTH).transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) * np.float32(1 / sqrt(HEAD_WIDTH))
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    mixed = (scores @ value).transpose(1, 0, 2).reshape(length, width)
    state = _normed(state + (mixed @ layer.mixed + layer.mixed_bias), layer.first_norm)
    wide = _gelu(state @ layer.wide + layer.wide_bias)
    return _normed(state + (wide @ layer.narrow + layer.narrow_bias), layer.second_norm)


def _normed(state: Floats, norm: tuple[Floats, Floats]) -> Floats:
    centred = state - state.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + _EPSILON)
    scaled: Floats = centred / spread * norm[0] + norm[1]
    return scaled


def _gelu(x: Floats) -> Floats:
    """x times the normal distribution at x; erf as in Abramowitz and Stegun 7.1.26, off by 1.5e-7 at most."""
    size = np.abs(x) * np.float32(sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    tail = np.float32(1.061405429) * t
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(coefficient)
        tail *= t
    tail *= np.exp(-size * size)
    return x * np.where(x < 0, tail, 2 - tail) * np.float32(0.5)
