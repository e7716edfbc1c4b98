"""Who asks: a candidate with an invite, or the hiring side with a token of its own. One Authorization header, or 401."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.engine import Connection

from reviewkit.errors import IntakeError, InviteError, UsageError
from reviewkit.intake.limits import Headers
from reviewkit.intake.rows import Bearer
from reviewkit.intake.storage import Storage
from reviewkit.intake.tables import TOKENS
from reviewkit.invite import check, read

HIRING: Final = "rkh_"
"""How a hiring-side token begins."""
KNOWN_MAX: Final = 5_000
"""Invites whose signature is remembered as checked."""
_STATUS: Final = {"expired": 403, "revoked": 403, "not_yet_valid": 403}
_LOGIN: Final = "Send one Authorization header: Bearer and your invite."


def bearer_text(headers: Headers) -> str:
    """The token of a request.

    Raises:
        IntakeError: 401, when there is not exactly one Authorization header with a bearer token.
    """
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) != 1:
        raise IntakeError("unauthorized", "Exactly one Authorization header is needed", _LOGIN, 401)
    scheme, _, token = found[0].partition(b" ")
    if scheme.lower() != b"bearer" or not token or not token.isascii():
        raise IntakeError("unauthorized", "This is no bearer token", _LOGIN, 401)
    return token.decode("ascii").strip()


class Verified:
    """Reads invites; the signature of the same token is checked once, its times and withdrawal at every request.

    Args:
        keys: Public keys of invites by id.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self.keys = keys
        self._known: OrderedDict[str, Bearer] = OrderedDict()

    def get(self, token: str, storage: Storage, now: float) -> Bearer:
        """The candidate's side of a request.

        Args:
            token: As it was sent.
            storage: Knows which invites were withdrawn or prolonged.
            now: Seconds since 1970.

        Raises:
            IntakeError: 401 for a token that proves nothing, 403 for a genuine one that is not valid now.
        """
        digest = hash_of(token)
        try:
            found = self._known.get(digest) or Bearer(read(token, self.keys), digest)
            check(found.invite, now, revoked=storage.revoked, extended=storage.extended)
        except InviteError as error:
            raise IntakeError(error.reason, error.fact, error.next_step, _STATUS.get(error.reason, 401)) from None
        self._known[digest] = found
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found


def hash_of(token: str) -> str:
    """SHA-256 (hex): tokens are kept as this only. They are long and random, so no slower hash is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_known(token: str, hashes: Sequence[str]) -> bool:
    """Whether a token has one of these hashes; takes the same time whichever it is."""
    mine, found = hash_of(token), False
    for known in hashes:
        found |= hmac.compare_digest(mine, known)
    return found


async def is_hiring(token: str, storage: Storage) -> bool:
    """Whether this is a valid hiring-side token."""
    if not token.startswith(HIRING) or len(token) > 200:
        return False
    query = select(TOKENS.c.sha256).where(TOKENS.c.revoked_at.is_(None))
    hashes = await storage.read(lambda c: list(c.execute(query).scalars()))
    return is_known(token, hashes)


async def make_token(storage: Storage, name: str, at: str) -> str:
    """A new hiring-side token; shown once, only its hash is stored."""
    token = HIRING + secrets.token_urlsafe(32)
    values = {"name": name, "sha256": hash_of(token), "created_at": at}
    await storage.commit(lambda c, _entries: c.execute(TOKENS.insert().values(**values)) and None)
    return token


async def revoke_token(storage: Storage, number: int, at: str) -> None:
    """Withdraw a hiring-side token.

    Raises:
        UsageError: If none with this number is valid.
    """

    def work(connection: Connection) -> int:
        where = (TOKENS.c.id == number, TOKENS.c.revoked_at.is_(None))
        return connection.execute(TOKENS.update().where(*where).values(revoked_at=at)).rowcount

    if not await storage.commit(lambda c, _entries: work(c)):
        raise UsageError("No valid token has this number.", "See: reviewkit intake token list")


async def list_tokens(storage: Storage) -> list[dict[str, object]]:
    """Number, name and times of every hiring-side token."""
    query = select(TOKENS.c.id, TOKENS.c.name, TOKENS.c.created_at, TOKENS.c.revoked_at).order_by(TOKENS.c.id)
    return await storage.read(lambda c: [dict(row._mapping) for row in c.execute(query)])
