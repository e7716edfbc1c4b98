"""Settings of one deployment."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Settings:
    """Addresses and tokens, read once at start."""

    help_url: str
    shop_url: str
    mail_url: str
    service_token: str

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Self:
        """Take the known names from VALUES (the environment), ignore others."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})
