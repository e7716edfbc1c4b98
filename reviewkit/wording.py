"""Words of a remark or of the key, made comparable: Unicode form, tokens, stems, identifiers, denials, rarity.

Nothing here knows about defects. The word table (`data/idf.json`) is frozen and named by its hash in every scorecard,
because a changed table moves scores.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from math import log
from typing import Final

import snowballstemmer

TEXT_LIMIT: Final = 20_000
"""Characters of one text that are read; the rest of a longer one is ignored and reported as `cut`."""
IDF_FLOOR: Final = 0.3
"""Added to each weight, so that a word found everywhere still counts a little."""


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as running text."""
    return frozenset(text.split())


STOP_WORDS: Final = word_set(
    """
    a about above after again all also am an and any are as at be because been before being below between both but by
    can could did do does doing done down during each few for from further had has have having he her here hers him his
    how i if in into is it its itself just may me might more most must my of off on once one only or other our out over
    own per same shall she should so some such than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom whose why will with would you your
    """
)
"""English function words; denials stay in, since they turn a sentence round."""
DENIALS: Final = word_set("not no nor never none nothing without cannot neither nobody nowhere hardly")
_DENIAL_PATTERN: Final = re.compile(
    r"\b(?:not|no|nor|never|none|nothing|without|cannot|neither|nobody|hardly|(?:is|are|was|were|do|does|did|has|have|had"
    r"|ca|wo|would|should|could|must|need)n['’]?t|fails? to|lacks?|lacking|missing|absent|absence)\b",
    re.IGNORECASE,
)
_TOKEN: Final = re.compile(r"[^\W\d]\w*|\d+")
_HUMP: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_TICKED: Final = re.compile(r"`+([^`\n]{1,200})`+")
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*")
_CALLED: Final = re.compile(r"\b([A-Za-z_][\w.]*)\s?\(")
_NEGATED_AUXILIARY: Final = re.compile(r"\b([A-Za-z]+)n['’]t\b")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")
# Characters that show nothing: format controls, tags, variation selectors. They can hide a word from a reader or a match.
_HIDDEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_INNER_HUMP: Final = re.compile(r"[a-z0-9][A-Z]")
_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True)
class Text:
    """One text, prepared. Sets are used for membership only; whatever is summed over is sorted first."""

    clean: str
    """NFC, without hidden characters."""
    sha256: str
    """Of the raw text, for the audit."""
    hidden: int
    """Characters removed because they show nothing."""
    cut: bool
    """True if the text was longer than `TEXT_LIMIT`."""
    stems: frozenset[str]
    """Content stems; function words and one-character tokens are dropped, denials are kept."""
    order: tuple[str, ...]
    """The same stems in the order said, with repetitions."""
    identifiers: frozenset[str]
    """Names of code, lower-cased."""
    denials: int
    """Cues of denial or absence."""

    def __hash__(self) -> int:
        """Of the hash: everything else follows from the same raw text."""
        return hash(self.sha256)

    @property
    def content(self) -> frozenset[str]:
        """Stems that say something: no denials, no bare numbers."""
        return frozenset(s for s in self.stems if s not in DENIALS and not s.isdigit())


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """English Snowball stem of a lower-case word; words in other scripts come back unchanged."""
    return str(_stemmer.stemWord(word))


def clean(raw: str) -> tuple[str, int]:
    """NFC text without characters that show nothing, and how many of those there were."""
    composed = unicodedata.normalize("NFC", raw)
    shown, removed = _HIDDEN.subn("", composed)
    return shown, removed


def tokens(text: str) -> list[str]:
    """Lower-case words, split at camelCase, snake_case and digit borders; `isn't` gives `is` and `not`."""
    words: list[str] = []
    if "'t" in text or "’t" in text:
        text = _NEGATED_AUXILIARY.sub(r"\1 not", text)
    for token in _TOKEN.findall(text):
        words.extend(_words(token))
    return words


@lru_cache(maxsize=50_000)
def _words(token: str) -> tuple[str, ...]:
    """The words of one token: a review uses few of them often."""
    return tuple(piece.lower() for part in token.split("_") for piece in _HUMP.findall(part))


def content_stems(text: str) -> tuple[str, ...]:
    """Stems of the words that carry content, in order."""
    return tuple(stem(word) for word in tokens(text) if len(word) > 1 and word not in STOP_WORDS)


def identifiers(text: str) -> frozenset[str]:
    """Names of code in a text: in back-ticks, with an inner underscore or hump, in capitals over 3, or called."""
    found: set[str] = set()
    for quoted in _TICKED.findall(text):
        found.update(name.lower() for name in _NAME.findall(quoted) if len(name) > 1)
    for called in _CALLED.findall(text):
        found.add(called.rsplit(".", 1)[-1].lower())
    for name in _NAME.findall(text):
        if name.islower() and "_" not in name:
            continue
        inner = "_" in name.strip("_") or _INNER_HUMP.search(name)
        if inner or (len(name) > 3 and name.isupper()):
            found.add(name.lower())
    return frozenset(found - STOP_WORDS)


def denials(text: str) -> int:
    """Number of cues that deny something or say it is absent."""
    return len(_DENIAL_PATTERN.findall(text))


def sentences(text: str) -> tuple[str, ...]:
    """Sentences and lines of a text, empty ones dropped."""
    return tuple(part.strip() for part in _SENTENCE.split(text) if part.strip())


def sha256(raw: str) -> str:
    """Hash (hex) of a text as it was written."""
    return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=20_000)
def prepare(raw: str) -> Text:
    """Prepare a text for comparison; pure, so equal texts share one result."""
    shown, hidden = clean(raw[:TEXT_LIMIT])
    order = content_stems(shown)
    return Text(
        clean=shown,
        sha256=sha256(raw),
        hidden=hidden,
        cut=len(raw) > TEXT_LIMIT,
        stems=frozenset(order),
        order=order,
        identifiers=identifiers(shown),
        denials=denials(shown),
    )


@dataclass(frozen=True)
class Idf:
    """How rare a stem is in review remarks; unknown stems are the rarest."""

    documents: int
    counts: Mapping[str, int]
    sha256: str

    def weight(self, word: str) -> float:
        """ln((N + 1) / (df + 1)) + 0.3; N documents, df of them with the word."""
        return log((self.documents + 1) / (self.counts.get(word, 0) + 1)) + IDF_FLOOR

    def mass(self, words: Iterable[str]) -> float:
        """Sum of the weights, added in sorted order so that no hash seed shows in the last digit."""
        return sum(self.weight(word) for word in sorted(words))

    def knows(self, word: str) -> bool:
        """Whether the background texts use the stem."""
        return word in self.counts


def build_idf(texts: Iterable[str], *, least: int = 2) -> dict[str, object]:
    """The frozen table as plain data: stems that occur in at least `least` of the texts, sorted."""
    counts: dict[str, int] = {}
    documents = 0
    for text in texts:
        documents += 1
        for word in prepare(text).stems:
            counts[word] = counts.get(word, 0) + 1
    kept = {word: counts[word] for word in sorted(counts) if counts[word] >= least}
    return {"schema_version": 1, "documents": documents, "counts": kept}


@cache
def background() -> Idf:
    """The table that ships with the package."""
    raw = resources.files("reviewkit").joinpath("data/idf.json").read_bytes()
    data = json.loads(raw)
    return Idf(documents=data["documents"], counts=data["counts"], sha256=hashlib.sha256(raw).hexdigest())
