"""Names of merchants as statements print them."""

from functools import lru_cache

LONGEST = 22


@lru_cache(maxsize=256)
def printed(merchant: str) -> str:
    """Give the name in capitals, cut to the width of a statement."""
    return " ".join(merchant.upper().split())[:LONGEST]
