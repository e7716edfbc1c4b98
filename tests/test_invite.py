"""Promises of invites: only a genuine, valid token permits anything, and every refusal says what to do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_intake import KEYS, NOW, PRIVATE, PUBLIC, invite, token
from pydantic import ValidationError

from reviewkit import base64url
from reviewkit.errors import InviteError, UsageError
from reviewkit.event import canonical
from reviewkit.invite import (
    FORMAT,
    SKEW,
    TOKEN_MAX,
    intake_address,
    key_id,
    public_key,
    public_keys,
    revocations,
    sign,
    token_of,
    verify,
)
from reviewkit.opening import terms_of


def refused(text: str, now: float = NOW, **options: object) -> str:
    with pytest.raises(InviteError) as caught:
        verify(text, KEYS, now, **options)  # type: ignore[arg-type]
    assert str(caught.value).count(". ") == 1
    assert text[:12] not in str(caught.value) or len(text) < 12
    return caught.value.reason


def test_what_was_signed_is_what_is_read() -> None:
    made = invite(intake="https://intake.example.org/x", focus_minutes=20)
    text = sign(made, PRIVATE)
    assert verify(text, KEYS, NOW) == made
    assert sign(made, PRIVATE) == text
    assert len(text) < 700
    payload = json.loads(base64url.decode(text.split(".")[1]))
    assert not {"alg", "name", "typ"} & payload.keys()
    assert type(payload["exp"]) is int


def test_days_of_stages_are_signed_and_an_invite_without_them_is_the_one_it_was() -> None:
    plain = invite()
    assert "stages" not in json.loads(base64url.decode(sign(plain, PRIVATE).split(".")[1]))
    dated = invite(stages={"degraded": NOW + 50, "architecture": NOW + 20})
    assert verify(sign(dated, PRIVATE), KEYS, NOW).stages == {"architecture": NOW + 20, "degraded": NOW + 50}
    assert terms_of(plain).stages == {}
    assert terms_of(dated).stages == dated.stages
    for wrong in ({"review": NOW}, {"architecture": dated.exp}, {"architecture": "2026-12-03"}, {}):
        with pytest.raises(ValidationError):
            invite(stages=wrong)


def test_each_reason_is_its_own() -> None:
    good = token(exp=NOW + 100, iat=NOW)
    head, payload, signature = good.split(".")
    other_key = bytes(32)
    stranger = sign(invite(kid=key_id(public_key(other_key))), other_key)
    forged = base64url.encode(canonical({**json.loads(base64url.decode(payload)), "candidate": "c-2"}))
    assert refused(good, NOW + 100) == "expired"
    assert refused(good, NOW - SKEW - 1) == "not_yet_valid"
    assert verify(good, KEYS, NOW - SKEW).id == invite().id
    assert refused(good, revoked={invite().id}) == "revoked"
    assert refused(stranger) == "foreign"
    assert refused(f"{head}.{forged}.{signature}") == "altered"
    assert refused(f"{head}.{payload}") == "malformed"
    assert refused(f"rk2.{payload}.{signature}") == "malformed"
    assert refused("x" * (TOKEN_MAX + 1)) == "malformed"


def test_an_extended_invite_is_valid_longer_and_a_revoked_one_never_again() -> None:
    text = token(exp=NOW + 100)
    changes = [(invite().id, "extended", NOW + 900), (invite(2).id, "revoked", 0), (invite(2).id, "extended", NOW + 900)]
    revoked, extended = revocations(changes)
    assert verify(text, KEYS, NOW + 899, revoked=revoked, extended=extended)
    assert refused(text, NOW + 900, revoked=revoked, extended=extended) == "expired"
    assert refused(token(2), revoked=revoked, extended=extended) == "revoked"


def test_only_one_spelling_of_a_token_is_a_token() -> None:
    """Padding, other alphabets, stray bits, spaces and key order: the same claims in other text are not the token."""
    head, payload, signature = token().split(".")
    claims = json.loads(base64url.decode(payload))
    spaced = base64url.encode(json.dumps(claims).encode())
    doubled = base64url.encode(canonical(claims)[:-1] + b',"exp":9}')
    last = signature[-1]
    stray = signature[:-1] + chr(ord(last) + 1)
    for other in (
        f"{head}.{payload}=.{signature}", f"{head}.{payload}.{signature}=", f"{head}.{spaced}.{signature}", f" {token()}",
        f"{head}.{doubled}.{signature}", f"{token()}\n", f"{head}.{payload}.{stray}", f"{head}.{payload}.{signature}.x",
    ):  # fmt: skip
        assert refused(other) in ("malformed", "altered")


def test_wrong_shapes_signed_by_us_are_refused_too() -> None:
    from nacl.signing import SigningKey

    base = invite().model_dump(mode="json")
    for wrong in ({"exp": 1.5}, {"exp": True}, {"exp": "9"}, {"name": "x"}, {"candidate": ""}, {"id": "../x"}, {"intake": "ftp://x"}):
        signed = f"{FORMAT}.{base64url.encode(canonical({**base, **wrong}))}"
        text = f"{signed}.{base64url.encode(SigningKey(PRIVATE).sign(signed.encode()).signature)}"
        assert refused(text) == "malformed", wrong


@given(st.text(max_size=300) | st.from_regex(r"\Ark1\.[A-Za-z0-9_-]{0,80}\.[A-Za-z0-9_-]{0,90}\Z"))
def test_anything_else_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(InviteError):
        verify(text, KEYS, NOW)


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_changed_character_survives(place: int, char: int) -> None:
    text = token()
    place %= len(text)
    changed = text[:place] + chr(char) + text[place + 1 :]
    if changed != text:
        with pytest.raises(InviteError):
            verify(changed, KEYS, NOW)


@given(st.binary(max_size=100))
def test_base64url_has_one_text_for_each_value(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data
    for wrong in ("=", "+", "/", " ", "\n", "é"):
        with pytest.raises(ValueError, match="base64url"):
            base64url.decode(base64url.encode(data) + wrong)


def test_a_key_is_found_by_its_id_in_a_list_of_keys() -> None:
    second = public_key(bytes(32))
    text = f"# of the hiring side\n{base64url.encode(second)}, {base64url.encode(PUBLIC)}\n"
    keys = public_keys(text)
    assert keys == {key_id(PUBLIC): PUBLIC, key_id(second): second}
    assert verify(token(), keys, NOW)
    for wrong in ("", "# nothing", "abc", base64url.encode(b"x" * 31), base64url.encode(PUBLIC) + "="):
        with pytest.raises(UsageError):
            public_keys(wrong)


def test_signing_needs_the_key_that_the_invite_names() -> None:
    with pytest.raises(ValueError, match="another key"):
        sign(invite(), bytes(32))


@pytest.mark.parametrize("good", ["https://x.org", "https://x.org:8443/a", "http://localhost:8700", "http://127.0.0.1:1", "http://[::1]:2"])
def test_addresses_of_an_intake(good: str) -> None:
    assert intake_address(good + "/") == good


@pytest.mark.parametrize(
    "bad",
    ["", "x.org", "ftp://x.org", "http://x.org", "https://u:p@x.org", "https://x.org?q=1", "https://x.org#f", "https://x.org:port", "https://x.org/" + "a" * 300, "https://é.org", "https://x .org"],
)  # fmt: skip
def test_what_is_no_address(bad: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        intake_address(bad)


def test_a_token_is_found_in_its_link() -> None:
    for link in (
        f"https://h.org/v2/gh/o/r/HEAD?urlpath=reviewkit%2Fopen%2F{token()}&x=1",
        f"http://localhost:8888/reviewkit/open/{token()}?token=abc", f" {token()}\n",
    ):  # fmt: skip
        assert token_of(link) == token()
