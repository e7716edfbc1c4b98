"""The invite: a signed, expiring permission to do one scenario, for one candidate. Pure: no disk, no clock.

Token: `rk1.<payload>.<signature>`. Payload is canonical JSON (sorted keys, no spaces) in base64url without padding;
signature is Ed25519 (RFC 8032) over the ASCII text before its dot. The first part fixes format and algorithm, so no
field of the payload can choose them. Format: docs/invites.md.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import urlsplit

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from reviewkit import base64url
from reviewkit.errors import InviteError, UsageError
from reviewkit.event import canonical, first_fault
from reviewkit.fieldtypes import Slug, Version
from reviewkit.invite_terms import FOCUS_MINUTES
from reviewkit.policy import AiUse
from reviewkit.words import StageName

FORMAT: Final = "rk1"
TOKEN_MAX: Final = 2048
"""Characters of a token; longer ones are refused unread."""
SKEW: Final = 300
"""Seconds by which the clock of a candidate's machine may lag behind the hiring side's."""
KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_ADDRESS_MAX: Final = 200
_ROUTE: Final = "reviewkit/open/"

REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "malformed": ("This link is damaged", "Copy the whole link from the invitation and open it again."),
    "altered": ("This invite was altered, so it is not valid", "Use the link as it was sent to you."),
    "foreign": (
        "This invite was signed by somebody whose key is not known here",
        "Open it on the server that it was made for, or ask for a new link.",
    ),
    "not_yet_valid": ("This invite is not valid yet", "Check the clock of this machine, or try again later."),
    "expired": ("This invite has expired", "Ask the people who invited you to extend it."),
    "revoked": ("This invite was withdrawn", "Ask the people who invited you for a new link."),
}
"""Reason code -> what happened, what to do."""


def intake_address(text: str) -> str:
    """An intake's address as invites carry it: https (http only on this machine), no query, no final slash.

    Raises:
        ValueError: Naming what is wrong with it.
    """
    if not text.isascii() or not text.isprintable() or len(text) > _ADDRESS_MAX:
        raise ValueError(f"an address has at most {_ADDRESS_MAX} printable ASCII characters")
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or " " in text:
        raise ValueError("an address looks like https://intake.example.org")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("an address holds no user, query or fragment")
    if parts.scheme == "http" and not _is_this_machine(host):
        raise ValueError("http is for this machine only; use https")
    _ = parts.port  # raises ValueError when it is not a number
    return text.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address_or_none(text: str) -> str:
    if text and intake_address(text) != text:
        raise ValueError("an address ends without a slash")
    return text


InviteId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,40}$")]
"""Also the id of the record that is made with it, and so a file name."""
KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{12}$")]
InvitedId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-]{1,80}$")]
Seconds = Annotated[StrictInt, Field(ge=0, le=2**40)]


class Invite(BaseModel):
    """What an invite permits. Holds no name and nothing of the answer key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: InviteId
    kid: KeyId
    """Which key signed it, `key_id` of the public key."""
    candidate: InvitedId
    """Opaque id that the hiring side chose."""
    slug: Slug
    version: Version
    """Of the scenario."""
    seed: Annotated[StrictInt, Field(ge=0, lt=2**31)]
    """Draws the scenario's variant."""
    minutes: Annotated[StrictInt, Field(ge=1, le=600)]
    """Time box."""
    focus_minutes: Annotated[StrictInt, Field(ge=0, le=600)] | None = None
    """Minutes from the start in which nobody watches, as the first screen says; None in invites that do not say it."""
    stages: Annotated[dict[StageName, Seconds], Field(min_length=1)] | None = None
    """Seconds since 1970 from which a later stage is open; what is not named is open from the start. None in invites that name none."""
    intake: Annotated[str, AfterValidator(_address_or_none)] = ""
    """Address of the intake; empty: handed in as a file."""
    policy: AiUse
    policy_text: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
    """Id of the wording, a key of `reviewkit.policy.TEXTS`."""
    retention_days: Annotated[StrictInt, Field(ge=1, le=3650)]
    """How long the hiring side says it keeps the record."""
    iat: Seconds
    """Issued and valid from: seconds since 1970, UTC."""
    exp: Seconds
    """Not valid from this second on."""

    @model_validator(mode="after")
    def _stages_open_while_it_is_valid(self) -> Invite:
        if any(at >= self.exp for at in (self.stages or {}).values()):
            raise ValueError("a stage opens after the link has ended")
        return self

    @property
    def focus(self) -> int:
        """Minutes of focus time that the candidate is promised."""
        return FOCUS_MINUTES if self.focus_minutes is None else self.focus_minutes


def key_id(public: bytes) -> str:
    """Id of a public key: 72 bits of its SHA-256."""
    return base64url.encode(hashlib.sha256(public).digest()[:9])


def public_key(private: bytes) -> bytes:
    """The public key of a private one, 32 bytes each."""
    return bytes(SigningKey(private).verify_key)


def public_keys(text: str) -> dict[str, bytes]:
    """Public keys of a text as `reviewkit invite key --public` prints it: one each, `#` starts a comment line.

    Returns:
        Key id -> 32 bytes.

    Raises:
        UsageError: If the text holds anything else, or no key.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    words = " ".join(lines).replace(",", " ").split()
    found = {}
    for word in words:
        try:
            key = base64url.decode(word)
            VerifyKey(key)
        except (ValueError, TypeError):
            raise UsageError("A public key of invites is damaged.", "Export it again: reviewkit invite key --public") from None
        found[key_id(key)] = key
    if not found:
        raise UsageError("No public key of invites is given.", "Export one: reviewkit invite key --public")
    return found


def sign(invite: Invite, private: bytes) -> str:
    """Token of an invite; the same invite and key always give the same token.

    Args:
        invite: Its `kid` must belong to `private`.
        private: 32 bytes.

    Raises:
        ValueError: If the key is not the one that the invite names.
    """
    key = SigningKey(private)
    if key_id(bytes(key.verify_key)) != invite.kid:
        raise ValueError("the invite names another key")
    claims = invite.model_dump(mode="json", exclude_none=True)
    signed = f"{FORMAT}.{base64url.encode(canonical(claims))}"
    return f"{signed}.{base64url.encode(key.sign(signed.encode()).signature)}"


def verify(
    token: str,
    keys: Mapping[str, bytes],
    now: float,
    *,
    revoked: Collection[str] = (),
    extended: Mapping[str, int] | None = None,
) -> Invite:
    """The invite of a token that is genuine and valid now.

    Args:
        token: As it came; anything.
        keys: Key id -> public key, as `public_keys` gives them.
        now: Seconds since 1970.
        revoked: Ids of invites that were withdrawn.
        extended: Invite id -> later `exp`, where the hiring side prolonged it without a new token.

    Raises:
        InviteError: With one of `REASONS`; holds nothing of the token.
    """
    invite = read(token, keys)
    check(invite, now, revoked=revoked, extended=extended)
    return invite


def check(
    invite: Invite, now: float, *, revoked: Collection[str] = (), extended: Mapping[str, int] | None = None
) -> None:
    """Refuse a genuine invite that is not valid now.

    Args:
        invite: As `read` gives it.
        now: Seconds since 1970.
        revoked: As for `verify`.
        extended: As for `verify`.

    Raises:
        InviteError: `revoked`, `not_yet_valid` or `expired`.
    """
    if invite.id in revoked:
        _refuse("revoked")
    if now < invite.iat - SKEW:
        _refuse("not_yet_valid")
    if now >= max(invite.exp, (extended or {}).get(invite.id, 0)):
        _refuse("expired")


def read(token: str, keys: Mapping[str, bytes]) -> Invite:
    """The invite of a genuine token, valid now or not.

    Raises:
        InviteError: `malformed`, `foreign` or `altered`.
    """
    version, payload, signature, raw = _split(token)
    kid = raw.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        _refuse("foreign")
    try:
        VerifyKey(key).verify(f"{version}.{payload}".encode(), signature)
    except (BadSignatureError, ValueError):
        _refuse("altered")
    try:
        return Invite.model_validate(raw)
    except ValidationError as error:  # signed by us, so made by another version of the package
        raise InviteError("malformed", f"This invite cannot be read ({first_fault(error)})", "Update reviewkit.") from None


def token_of(text: str) -> str:
    """The token in a link, or the text itself when it is no link."""
    _before, found, after = text.strip().replace("%2F", "/").replace("%2f", "/").partition(_ROUTE)
    return re.split(r"[?#&/]", after, maxsplit=1)[0] if found else text.strip()


def looks_like_token(text: str) -> bool:
    """Whether a text is meant as a token, sound or not."""
    return text.startswith(f"{FORMAT}.")


def _split(token: str) -> tuple[str, str, bytes, dict[str, Any]]:
    """Version, payload text, signature and claims of a token whose shape is right; nothing is believed yet."""
    if len(token) > TOKEN_MAX or not token.isascii():
        _refuse("malformed")
    parts = token.split(".")
    if len(parts) != 3 or parts[0] != FORMAT:
        _refuse("malformed")
    version, payload, signed = parts
    try:
        data, signature = base64url.decode(payload), base64url.decode(signed)
        claims = json.loads(data)
        is_canonical = isinstance(claims, dict) and canonical(claims) == data
    except (ValueError, RecursionError):
        _refuse("malformed")
    if not is_canonical or len(signature) != _SIGNATURE_BYTES:
        _refuse("malformed")
    return version, payload, signature, claims


def _refuse(reason: str) -> NoReturn:
    raise InviteError(reason, *REASONS[reason])


def revocations(changes: Iterable[tuple[str, str, int]]) -> tuple[frozenset[str], dict[str, int]]:
    """What `verify` needs, from changes in their order.

    Args:
        changes: Invite id, `revoked` or `extended`, and the new `exp` where extended.

    Returns:
        Ids withdrawn for good, and the latest extension of each other invite.
    """
    gone, later = set[str](), dict[str, int]()
    for invite, change, exp in changes:
        if change == "revoked":
            gone.add(invite)
        elif change == "extended":
            later[invite] = max(exp, later.get(invite, 0))
    return frozenset(gone), later
