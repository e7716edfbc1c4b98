"""What the service refuses, and how that is answered."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that cannot be served; `status` is the answer's."""

    status = 400


class NotFoundError(RefusedError):
    """There is no such thing on this board."""

    status = 404


class ConflictError(RefusedError):
    """Somebody else has changed it meanwhile."""

    status = 409


class UnknownPersonError(RefusedError):
    """Nobody has this id."""

    status = 422
