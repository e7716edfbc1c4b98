"""Errors that the ledger raises on purpose."""


class RecordError(ValueError):
    """A feed line that cannot become an entry."""

    def __init__(self, reason: str) -> None:
        """Keep the reason: a short phrase that names fields, never their contents."""
        super().__init__(reason)
        self.reason = reason
