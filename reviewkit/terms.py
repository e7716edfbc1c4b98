"""Terms of an interview, as the first screen shows them: what the candidate agrees to before anything is recorded.

Imported by kernels: standard library and pydantic only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from reviewkit.event import Event
from reviewkit.eventdata import Kind
from reviewkit.words import StageName

DISAGREED: Final = "Nothing is recorded until you agree on the first screen of this workbook."


class Terms(BaseModel):
    """What an invite says about the record and about AI assistants, in the words that the candidate reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minutes: Annotated[StrictInt, Field(ge=1, le=600)]
    """Time box."""
    policy_text: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Id of the wording, a key of `reviewkit.policy.TEXTS`."""
    policy: Annotated[str, StringConstraints(max_length=2000)]
    """The wording itself."""
    retention_days: Annotated[StrictInt, Field(ge=1, le=3650)]
    intake: Annotated[str, StringConstraints(max_length=200)] = ""
    """Where the record is sent; empty: handed in as a file."""
    focus_minutes: Annotated[StrictInt, Field(ge=0, le=600)] = 0
    """From the agreement on, in which nobody watches; without an intake nobody ever can."""
    stages: Annotated[dict[StageName, StrictInt], Field(max_length=len(StageName))] = {}
    """Seconds since 1970 from which a stage is open; what is not named is open from the start."""


def is_agreed(terms: Terms | None, events: Iterable[Event]) -> bool:
    """Whether work may be recorded: there are no terms, or the candidate agreed to them."""
    return terms is None or any(event.kind is Kind.CONSENT for event in events)
