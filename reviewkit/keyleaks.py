"""Does a file hold something of the answer key? Canaries, statements of the key word for word, and signing keys. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewkit import base64url
from reviewkit.neutrality import RUN, words
from reviewkit.ownwheel import wheel_members
from reviewkit.rubric import Rubric

SHORTEST: Final = RUN
"""Words of a statement below which it is an everyday phrase."""


@dataclass(frozen=True)
class Secret:
    """Something that no candidate may read."""

    name: str
    """What it is, for the hiring side; does not hold it."""
    data: bytes = b""
    """Found as these bytes."""
    phrase: str = ""
    """Found as these words in a row, whatever stands between them."""


def secrets_of(slug: str, rubric: Rubric) -> list[Secret]:
    """Canary and statements of a rubric."""
    found = [Secret(f"the canary of rubric {slug!r}", data=rubric.canary.encode())]
    for ident, text in _statements(rubric):
        said = words(text)
        if len(said) >= SHORTEST:
            found.append(Secret(f"the key's words about {ident!r} of {slug!r}", phrase=f" {' '.join(said)} "))
    return found


def key_secret(private: bytes, number: int) -> Secret:
    """A signing key as its file holds it."""
    return Secret(f"the private signing key {number}", data=base64url.encode(private).encode())


def found_in(files: Mapping[str, bytes], secrets: Iterable[Secret]) -> Iterator[tuple[str, Secret]]:
    """Each path that holds a secret, with the secret; wheels are looked into."""
    known = list(secrets)
    for path, content in files.items():
        inside = wheel_members(content) if path.endswith(".whl") else {"": content}
        for member, data in inside.items():
            place, said = f"{path}:{member}" if member else path, f" {' '.join(words(_text(path, data)))} "
            for secret in known:
                if (secret.data and secret.data in data) or (secret.phrase and secret.phrase in said):
                    yield place, secret


def _statements(rubric: Rubric) -> Iterator[tuple[str, str]]:
    for defect in rubric.defects:
        for text in (defect.title, *defect.sees, *defect.understands, *defect.mends):
            yield defect.id, text
    yield from ((gate.id, gate.statement) for gate in rubric.gates)
    yield from ((decoy.id, decoy.why) for decoy in rubric.decoys)
    yield from ((valid.id, valid.statement) for valid in rubric.also_valid)
    yield from ((claim.id, claim.why) for claim in rubric.claims)
    for ident, key in rubric.exercises.items():
        for text in (*key.cause, *key.evidence, *key.fix, *key.trade_off, *key.points):
            yield ident, text


def _text(path: str, data: bytes) -> str:
    """What a file says; of JSON its strings, since an escaped line break would hide a phrase."""
    text = data.decode("utf-8", "replace")
    if path.endswith((".ipynb", ".json")):
        try:
            return " ".join(_strings(json.loads(text)))
        except ValueError:
            return text
    return text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
