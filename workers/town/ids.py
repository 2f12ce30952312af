"""Ids as Mastodon makes them: the millisecond in front, so that order of ids is order of time."""

from typing import Literal

Style = Literal["snowflake", "ulid", "flake"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {letter: value for value, letter in enumerate(_CROCKFORD)}
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PLACES = {letter: place for place, letter in enumerate(_LETTERS)}
_MIX = 0x9E3779B97F4A7C15  # only to make the random part of a ULID look random


class Ids:
    """Never gives the same id twice, and never a smaller one than before."""

    def __init__(self, last: int = 0) -> None:
        self.last = last

    def next(self, at_ms: int) -> int:
        self.last = max(at_ms << 16, self.last + 1)
        return self.last


def show(number: int, style: Style = "snowflake") -> str:
    if style == "snowflake":
        return str(number)
    if style == "flake":
        return _flake(number)
    millisecond, sequence = number >> 16, number & 0xFFFF
    whole = (millisecond << 80) | (sequence << 64) | ((number * _MIX) & 0xFFFFFFFFFFFFFFFF)
    return "".join(_CROCKFORD[(whole >> (5 * place)) & 31] for place in range(25, -1, -1))


def _flake(number: int) -> str:
    """Eighteen letters, small and large ones different, in front of them one that no number begins with."""
    letters = ""
    for _ in range(17):
        number, place = divmod(number, 62)
        letters = _LETTERS[place] + letters
    return f"A{letters}"


def _read_flake(word: str) -> int | None:
    number = 0
    for letter in word[1:]:
        number = number * 62 + _PLACES.get(letter, 1 << 70)
    return number if number < 1 << 63 else None


def read(text: object) -> int | None:
    """Accepts each style, so that changing it mid-way breaks no old link."""
    word = str(text or "").strip()
    if word.isascii() and word.isdigit() and len(word) < 20:
        return int(word)
    if len(word) == 18 and word[0] == "A":
        return _read_flake(word)
    word = word.upper()
    if len(word) != 26 or any(letter not in _VALUES for letter in word):
        return None
    whole = 0
    for letter in word:
        whole = whole * 32 + _VALUES[letter]
    number = ((whole >> 80) << 16) | ((whole >> 64) & 0xFFFF)
    return number if number < 1 << 63 else None
