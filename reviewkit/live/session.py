"""One candidate's session as far as the intake has it: the fold of what its stream said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from reviewkit.record import GENESIS, Event, State, fold

_NOTHING: Final[Mapping[str, tuple[Event, ...]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the stream."""

    id: str
    """From which the stream goes on after it."""
    kind: str
    """`event` or `submission`."""
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """What was received with one invite, in order; a message that comes twice counts once."""

    invite: str
    records: Mapping[str, tuple[Event, ...]] = field(default_factory=lambda: _NOTHING)
    """Record id -> its events without a gap. More than one where a candidate's server was started afresh."""
    arrivals: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Hash of an event -> when the intake received it; ISO 8601, the intake's clock."""
    submissions: tuple[str, ...] = ()
    """SHA-256 of what was handed in, oldest first."""
    last_at: str = ""
    """When something came last, by the intake's clock."""
    last_id: str = ""
    """Of the newest message taken; the stream goes on from there."""
    is_torn: bool = False
    """An event is missing before a later one: the stream has to be read from its beginning."""

    def take(self, message: Message) -> Session:
        """The session after one more message; one of another invite, or that makes no sense, changes nothing but `last_id`."""
        on = replace(self, last_id=message.id)
        if message.facts.get("invite") != self.invite:
            return on
        if message.kind == "submission":
            sha256 = str(message.facts.get("sha256", ""))
            new = () if not sha256 or sha256 in self.submissions else (sha256,)
            return replace(on, submissions=self.submissions + new, last_at=str(message.facts.get("received_at", "")))
        return on._event(message.facts) if message.kind == "event" else on

    def _event(self, facts: Mapping[str, Any]) -> Session:
        try:
            event = Event.model_validate(facts.get("event"))
        except ValidationError:
            return self
        record, at = str(facts.get("record", "")), str(facts.get("received_at", ""))
        held = self.records.get(record, ())
        if event.seq <= len(held):
            return self
        if event.seq != len(held) + 1 or event.prev != (held[-1].hash if held else GENESIS):
            return replace(self, is_torn=True)
        records = {name: events for name, events in self.records.items() if name != record} | {record: (*held, event)}
        return replace(self, records=records, arrivals={**self.arrivals, event.hash: at}, last_at=at)

    @property
    def record(self) -> str:
        """The record that something was added to last; empty when nothing came."""
        return tuple(self.records)[-1] if self.records else ""

    @property
    def events(self) -> tuple[Event, ...]:
        """Events of that record."""
        return self.records.get(self.record, ())

    @property
    def state(self) -> State:
        """The candidate's work as it stands."""
        return fold(self.events)
