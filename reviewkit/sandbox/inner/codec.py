"""What crosses between parent and guest: JSON that keeps exact built-in types and nothing else.

None, bool, int and str stand for themselves; everything else is an array with a tag first:
`["f", "0x1.8p+1"]` float, `["b", base64]` bytes, `["l", ...]` list, `["t", ...]` tuple, `["d", key, value, ...]` dict,
`["D", "1.50"]` Decimal, `["m", iso]` datetime (`"M"` for the second of two equal wall clock times), `["y", iso]` date.
A frame is a 4-byte little-endian length and that text.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from reviewkit.guest.plain import NotPlainError

MAX_DEPTH: Final = 40
MAX_INT_BITS: Final = 4096
MAX_DECIMAL_TEXT: Final = 400
MAX_EXPONENT: Final = 1000
"""A Decimal such as 1E+999999999 is short on the wire and endless once it is printed as digits."""
MAX_FROM_GUEST: Final = 1_000_000
"""Bytes of one frame of a guest."""
MAX_TO_GUEST: Final = 8_000_000
HEADER: Final = 4
_MAX_INT_DIGITS = 1234  # of an int of 4,096 bits
_ENVELOPE = 4  # levels that a message adds around a value


class ProtocolError(Exception):
    """A frame that no honest guest sends; it ends the job."""


class TooLargeError(NotPlainError):
    """A value whose frame would be longer than the wire carries."""


def encode(value: Any, limit: int) -> bytes:
    """Return a frame.

    Raises:
        NotPlainError: For a type, size or depth that does not cross; `TooLargeError` if the frame exceeds `limit` bytes.
    """
    try:
        text = json.dumps(_pack(value, 0), ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise NotPlainError("a text with half a surrogate pair does not cross the channel") from None
    if len(text) > limit:
        raise TooLargeError(f"{len(text)} bytes are more than the {limit} that cross the channel at once")
    return len(text).to_bytes(HEADER, "little") + text


def decode(text: bytes) -> Any:
    """Return the value of a frame's text.

    Raises:
        ProtocolError: For anything that `encode` does not write.
    """
    try:
        raw = json.loads(
            text, parse_float=_refused, parse_constant=_refused, parse_int=_int, object_pairs_hook=_refused
        )
        return _unpack(raw, 0)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise ProtocolError(f"unreadable frame ({type(error).__name__})") from None


def frame_length(header: bytes, limit: int) -> int:
    """Length that a frame's header announces.

    Raises:
        ProtocolError: If it is 0 or more than `limit`.
    """
    length = int.from_bytes(header, "little")
    if not 0 < length <= limit:
        raise ProtocolError(f"a frame of {length} bytes")
    return length


def _refused(_text: Any) -> NoReturn:
    raise ProtocolError("a form of JSON that the channel does not use")


def _int(text: str) -> int:
    if len(text) > _MAX_INT_DIGITS + 1:
        raise ProtocolError("an int of too many digits")
    return int(text)


def _pack(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH + _ENVELOPE:
        raise NotPlainError(f"nested deeper than {MAX_DEPTH}")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        if value.bit_length() > MAX_INT_BITS:
            raise NotPlainError(f"an int of more than {MAX_INT_BITS} bits does not cross the channel")
        return value
    if kind is list or kind is tuple:
        return ["l" if kind is list else "t", *(_pack(item, depth + 1) for item in value)]
    if kind is dict:
        return ["d", *_pairs(value, depth)]
    packer = _PACKERS.get(kind)
    if packer is None:
        raise NotPlainError(f"{kind.__module__}.{kind.__qualname__} does not cross the channel; return built-in types")
    return packer(value)


def _pairs(value: dict[Any, Any], depth: int) -> list[Any]:
    flat: list[Any] = []
    for key, item in value.items():
        if type(key) is not str:
            raise NotPlainError("a dict with keys that are not str")
        flat += (key, _pack(item, depth + 1))
    return flat


def _pack_decimal(value: Decimal) -> list[str]:
    text = str(value)
    if not _modest(value, text):
        raise NotPlainError("a Decimal of too many digits")
    return ["D", text]


def _modest(value: Decimal, text: str) -> bool:
    exponent = value.as_tuple().exponent
    return len(text) <= MAX_DECIMAL_TEXT and not (isinstance(exponent, int) and abs(value.adjusted()) > MAX_EXPONENT)


_PACKERS: dict[type, Callable[[Any], list[str]]] = {
    float: lambda value: ["f", value.hex()],
    bytes: lambda value: ["b", base64.b64encode(value).decode()],
    Decimal: _pack_decimal,
    dt.datetime: lambda value: ["M" if value.fold else "m", value.isoformat()],
    dt.date: lambda value: ["y", value.isoformat()],
}


def _unpack(raw: Any, depth: int) -> Any:
    if depth > MAX_DEPTH + _ENVELOPE:
        raise ProtocolError("nested too deep")
    kind = type(raw)
    if kind is str:
        if not raw.isascii():
            raw.encode()  # half a surrogate pair is a UnicodeEncodeError here, not later in a report
        return raw
    if kind is not list:
        return raw
    if not raw:
        raise ProtocolError("an array without a tag")
    tag = raw[0]
    if tag == "l":
        return [_unpack(item, depth + 1) for item in raw[1:]]
    if tag == "t":
        return tuple([_unpack(item, depth + 1) for item in raw[1:]])
    if tag == "d":
        return _unpack_dict(raw, depth)
    unpacker = _UNPACKERS.get(tag) if type(tag) is str else None
    if unpacker is None or len(raw) != 2 or type(raw[1]) is not str:
        raise ProtocolError("an array with an unknown tag")
    return unpacker(raw[1])


def _unpack_dict(raw: list[Any], depth: int) -> dict[str, Any]:
    keys = raw[1::2]
    if len(raw) % 2 == 0 or any(type(key) is not str for key in keys) or len(set(keys)) != len(keys):
        raise ProtocolError("a dict with strange keys")
    return {_unpack(key, depth): _unpack(item, depth + 1) for key, item in zip(keys, raw[2::2], strict=True)}


def _unpack_float(text: str) -> float:
    if len(text) > 40:
        raise ProtocolError("a float of too many digits")
    try:
        return float.fromhex(text)
    except OverflowError:
        raise ProtocolError("a float beyond all bounds") from None


def _unpack_bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ProtocolError("bytes that are not base64") from None


def _unpack_decimal(text: str) -> Decimal:
    if len(text) > MAX_DECIMAL_TEXT:
        raise ProtocolError("a Decimal of too many digits")
    value = Decimal(text)
    if value.is_snan() or not _modest(value, text):
        raise ProtocolError("a Decimal beyond all bounds")
    return value


def _unpack_datetime(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text[:64])


def _unpack_second_datetime(text: str) -> dt.datetime:
    return _unpack_datetime(text).replace(fold=1)


def _unpack_date(text: str) -> dt.date:
    return dt.date.fromisoformat(text[:64])


_UNPACKERS: dict[str, Callable[[str], Any]] = {
    "f": _unpack_float, "b": _unpack_bytes, "D": _unpack_decimal, "m": _unpack_datetime,
    "M": _unpack_second_datetime, "y": _unpack_date,
}  # fmt: skip
