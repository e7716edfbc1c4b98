"""What all parts of a scorecard are made of: frozen values, their ranges, and one canonical text for each."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

DECIMALS: Final = 4
"""Every number of a scorecard is rounded to this many decimals, and probabilities before any comparison."""

Probability = Annotated[float, Field(ge=0, le=1)]
Points = Annotated[float, Field(ge=0, le=100)]
Ident = Annotated[str, Field(min_length=1, max_length=200)]
SandboxLevel = Literal["namespaces", "landlock", "namespaces-node", "landlock-node", "namespaces-java", "landlock-java", "seccomp", "wasi", "none"]
"""What held a submission's code; `-node` and `-java`: the profiles of guests that are such processes, see docs/sandbox.md."""


class Frozen(BaseModel):
    """Base of everything in a scorecard."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical(value: Any) -> str:
    """Canonical JSON text of plain data.

    Raises:
        ValueError: If a number is NaN or infinite.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def digest(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of plain data."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()
