"""Settings of the import."""

from dataclasses import dataclass

CURRENCIES = frozenset(
    {"AUD", "CAD", "CHF", "DKK", "EUR", "GBP", "JPY", "KWD", "NOK", "PLN", "SEK", "USD"}
)


@dataclass(frozen=True)
class Settings:
    """What may differ between environments."""

    currencies: frozenset[str] = CURRENCIES
    chunk_size: int = 200
