"""Refusals of the stock service; the API turns each into a JSON answer."""

from __future__ import annotations


class StockError(Exception):
    """A request that the service understood and refused."""

    status = 400

    def __init__(self, code: str, detail: str) -> None:
        """Keep a code for programs and a detail for people."""
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class NotFoundError(StockError):
    """There is no such thing."""

    status = 404


class ConflictError(StockError):
    """The request does not fit what is there."""

    status = 409


class UnavailableError(StockError):
    """Not now; asking again later may help."""

    status = 503
