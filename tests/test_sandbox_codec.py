"""The wire carries exact built-in types, whole, and refuses everything else on both sides."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewkit.guest.plain import NotPlainError
from reviewkit.sandbox.inner import codec

LIMIT = codec.MAX_FROM_GUEST
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
scalars = (
    st.none() | st.booleans() | st.integers(-(2**200), 2**200) | st.floats(allow_nan=False) | texts | st.binary(max_size=20)
    | st.decimals(allow_nan=False, places=3, min_value=-(10**9), max_value=10**9) | st.dates() | st.datetimes()
    | st.datetimes(timezones=st.just(dt.UTC))
)  # fmt: skip
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4) | st.tuples(inner), max_leaves=12
)


def exact(value: Any) -> Any:
    """A value with its types, so that True is not 1, 1 is not 1.0 and -0.0 is not 0.0."""
    if type(value) in (list, tuple):
        return type(value), [exact(item) for item in value]
    if type(value) is dict:
        return dict, [(key, exact(item)) for key, item in value.items()]
    return type(value), repr(value)


def there(value: Any, limit: int = LIMIT) -> Any:
    frame = codec.encode(value, limit)
    assert codec.frame_length(frame[: codec.HEADER], limit) == len(frame) - codec.HEADER
    return codec.decode(frame[codec.HEADER :])


@given(values)
def test_a_value_arrives_as_it_was(value: Any) -> None:
    assert exact(there(value)) == exact(value)


def test_not_a_number_and_the_infinities_arrive() -> None:
    assert math.isnan(there(math.nan))
    assert there([math.inf, -math.inf]) == [math.inf, -math.inf]
    assert there(Decimal("NaN")).is_qnan()


class Trick(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


DEEP: list[Any] = []
for _ in range(60):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [
        Trick(1), type("S", (str,), {})("x"), type("L", (list,), {})(), {1: 2}, {Trick(1): 2}, set(), object(), int, 1j,
        2**4097, Decimal("1E+5000"), Decimal("0E-5000"), Decimal("1" * 500), "\ud800", {"\udfff": 1}, DEEP, bytearray(b"x"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_does_not_cross_is_an_error_at_home(value: Any) -> None:
    with pytest.raises(NotPlainError):
        codec.encode(value, LIMIT)


def test_a_frame_beyond_the_limit_is_an_error_at_home() -> None:
    with pytest.raises(codec.TooLargeError, match="more than the 100"):
        codec.encode("x" * 200, 100)


HOSTILE = [
    b"", b"nothing", b"\xff\xfe", b"1.5", b"NaN", b"Infinity", b"{}", b'{"a": 1}', b"[]", b"[1]", b'["x","y"]', b'["f",1]',
    b'["f","0x1p+99999"]', b'["f","zz"]', b'["b","@@"]', b'["b","YQ"]', b'["D","1E+9999999"]', b'["D","sNaN"]', b'["D","x"]',
    b'["d","a"]', b'["d",1,2]', b'["d","a",1,"a",2]', b'["m","yesterday"]', b'["y","2024-13-01"]', b'"\\ud800"',
    b'["l","\\udfff"]', b"9" * 5000, b"-" + b"9" * 5000, b"[" * 100_000, b'["l",' * 60 + b"1" + b"]" * 60, b'["f","1"',
    b'["f","0x1","0x2"]', b"[null,1]", b'[["l"],1]', b'["l",{"a":1}]', b'["d","\\ud800",1]',
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_strange_frame_is_a_protocol_error(text: bytes) -> None:
    with pytest.raises(codec.ProtocolError):
        codec.decode(text)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_protocol_error(text: bytes) -> None:
    try:
        codec.decode(text)
    except codec.ProtocolError:
        return


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(list("fbltdDmy")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@given(json_values)
def test_any_json_gives_exact_types_or_a_protocol_error(raw: Any) -> None:
    try:
        value = codec.decode(json.dumps(raw).encode())
    except codec.ProtocolError:
        return
    assert exact(there(value)) == exact(value)


@pytest.mark.parametrize("length", [0, LIMIT + 1, 2**32 - 1])
def test_a_frame_announces_a_sensible_length(length: int) -> None:
    with pytest.raises(codec.ProtocolError):
        codec.frame_length(length.to_bytes(4, "little"), LIMIT)
