"""Reads the labelled pairs of `data/crb_matching_dev.jsonl.gz` and turns them into features of the shipped matcher."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reviewkit import likeness, pairing
from reviewkit.model import FEATURES
from reviewkit.pairing import Alike

DATA = Path(__file__).resolve().parent / "data"
PAIRS = DATA / "crb_matching_dev.jsonl.gz"
REMARKS = DATA / "aacr_comments.jsonl.gz"


@dataclass(frozen=True)
class Labelled:
    """Labelled pairs; row n of `features` belongs to entry n of everything else."""

    features: np.ndarray
    labels: np.ndarray
    repositories: np.ndarray
    reviews: np.ndarray
    """Number of the review (line of the file) a pair belongs to."""
    keys: tuple[tuple[str, str], ...]
    """(finding id, defect id) within the review, as `review_line` names them."""


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def sha256(path: Path) -> str:
    """Hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remarks() -> list[str]:
    """The background corpus: public review comments without match labels."""
    return [row["note"] for row in rows(REMARKS)]


def review_line(number: int, row: dict[str, Any]) -> str:
    """One labelled review as a line of a match file."""
    findings = [{"id": f"f{at}", "text": text} for at, text in enumerate(row["candidates"])]
    defects = [{"id": f"d{at}", "text": golden["text"]} for at, golden in enumerate(row["goldens"])]
    return json.dumps({"id": f"r{number}", "findings": findings, "defects": defects})


def read_labelled(path: Path = PAIRS, meaning: Alike | None = None) -> Labelled:
    """Features of every labelled pair, computed by the code that also scores; one more, the last, with a sentence model."""
    features: list[list[float]] = []
    labels: list[int] = []
    repositories: list[str] = []
    reviews: list[int] = []
    keys: list[tuple[str, str]] = []
    for number, row in enumerate(rows(path)):
        goldens = [golden["text"] for golden in row["goldens"]]
        wanted = sorted({candidate for _golden, candidate, _label in row["pairs"]})
        found = _features(goldens, [row["candidates"][at] for at in wanted], meaning)
        at_row = {candidate: at for at, candidate in enumerate(wanted)}
        for golden, candidate, label in row["pairs"]:
            features.append(found[at_row[candidate]][golden])
            labels.append(label)
            repositories.append(row["repo"])
            reviews.append(number)
            keys.append((f"f{candidate}", f"d{golden}"))
    return Labelled(np.array(features), np.array(labels), np.array(repositories), np.array(reviews), tuple(keys))


def _features(goldens: Sequence[str], candidates: Sequence[str], meaning: Alike | None) -> list[list[list[float]]]:
    key = pairing.key_from([(f"d{at}", "defect", None, [("text", text)], ()) for at, text in enumerate(goldens)])
    table: list[list[list[float]]] = []
    for candidate in candidates:
        remark = likeness.Remark.of(candidate, key.lexicon)
        alike = [likeness.compare(remark, target.statements[0], key.lexicon) for target in key.targets]
        meant = [] if meaning is None else meaning(remark.text.clean, key.texts)
        table.append([])
        for at, like in enumerate(alike):
            rival = max((other.cover for n, other in enumerate(alike) if n != at), default=0.0)
            named = {"overlap": like.overlap, "jaccard": like.jaccard, "margin": like.cover - rival, "kin": like.kin}
            table[-1].append([*(named[name] for name in FEATURES), *meant[at : at + 1]])
    return table
