"""What content is called: a hash of its one canonical form, so that equal content has an equal name."""

import base64
import hashlib
from typing import Any

DAG_CBOR, RAW = 0x71, 0x55
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP, _TAG = range(7)
_LINK = 42


def of_record(value: Any) -> str:
    return _name(DAG_CBOR, _encode(value))


def of_blob(content: bytes) -> str:
    return _name(RAW, content)


def _name(codec: int, content: bytes) -> str:
    whole = bytes([1, codec, 0x12, 32]) + hashlib.sha256(content).digest()
    return "b" + base64.b32encode(whole).decode().lower().rstrip("=")


def _encode(value: Any) -> bytes:
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int():
            return _head(_UNSIGNED, value) if value >= 0 else _head(_NEGATIVE, -1 - value)
        case str():
            words = value.encode()
            return _head(_TEXT, len(words)) + words
        case list():
            return _head(_LIST, len(value)) + b"".join(map(_encode, value))
        case {"$link": str(cid)} if len(value) == 1:
            return _head(_TAG, _LINK) + _bytes(b"\0" + _raw(cid))
        case {"$bytes": str(content)} if len(value) == 1:
            return _bytes(base64.b64decode(content + "=" * (-len(content) % 4)))
        case dict():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return _head(_MAP, len(keys)) + b"".join(_encode(key) + _encode(value[key]) for key in keys)
    raise ValueError("Records hold no fractions.")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(size for size in (1, 2, 4, 8) if number < 1 << 8 * size)
    return bytes([major << 5 | 24 + size.bit_length() - 1]) + number.to_bytes(size)


def _bytes(content: bytes) -> bytes:
    return _head(_BYTES, len(content)) + content


def _raw(cid: str) -> bytes:
    letters = cid[1:].upper()
    return base64.b32decode(letters + "=" * (-len(letters) % 8))
