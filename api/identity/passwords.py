"""Passwords: which ones are good enough, and hashing them without letting strangers use up the machine."""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from pwdlib import PasswordHash

from api.core.errors import Invalid, TooMany
from api.identity import secret

T = TypeVar("T")
SHORTEST, LONGEST = 12, 256
FEWEST_CHARACTERS = 5
_COMMON = """
    123456789012 1234567890123 12345678901234 123412341234 123123123123 112233445566 098765432109 987654321098
    abcdefghijkl abcdefghijklm abc123abc123 abcd1234abcd a1b2c3d4e5f6 aaaabbbbcccc abcabcabcabc
    qwertyuiop12 qwertyuiop123 qwertyuiopas qwerty123456 qwertyqwerty qwerty12345678 1q2w3e4r5t6y 1qaz2wsx3edc
    zxcvbnmasdfg asdfghjkl123 asdfasdfasdf qazwsxedcrfv
    password1234 password12345 password123456 passwordpassword password2025 password2026 passw0rd1234 p@ssw0rd1234
    p@ssword1234 mypassword123 newpassword1 thisismypassword mysecretpassword changeme1234 changemenow1 changemeplease
    letmeinletmein letmein12345 letmein123456 welcome12345 welcome123456 welcomewelcome iloveyou1234 iloveyouiloveyou
    administrator admin1234567 adminadminadmin administrator1 superman1234 football1234 liverpool1234 arsenal12345
    manchester123 chelsea12345 sunshine1234 princess1234 monkey123456 dragon123456 trustno1trustno1 whatever1234
    policepolice policeofficer police123456 constabulary constabulary1 neighbourhood neighbourhood1 beatlinebeatline
    beatline1234 sergeant1234 inspector1234 neighbourhoodpolicing winter2025winter summer2026summer
    correcthorsebatterystaple
"""
COMMON = frozenset(_COMMON.split())


def refuse_weak(password: str, name: str, email: str) -> None:
    """Long is good; a few words are good; what anybody would try first is not."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if len(plain) < SHORTEST:
        raise Invalid(f"Use at least {SHORTEST} characters. Three random words are good.", "password")
    if len(password) > LONGEST:
        raise Invalid(f"Use at most {LONGEST} characters.", "password")
    if plain in COMMON or re.sub(r"[\W_]", "", plain) in COMMON:
        raise Invalid("Too many people use that password. Three random words are better.", "password")
    if len(set(plain)) < FEWEST_CHARACTERS:
        raise Invalid("That repeats a few characters. Three random words are better.", "password")
    if any(word in plain for word in _own_words(name, email)):
        raise Invalid(
            "That has your name or your e-mail address in it. Use words that nobody links to you.", "password"
        )


def _own_words(name: str, email: str) -> list[str]:
    words = [*re.split(r"\W+", name.casefold()), *re.split(r"[^a-z0-9]+", email.casefold().partition("@")[0])]
    return [word for word in words if len(word) >= 4] + [email.casefold()]


class Hasher:
    """One per process. At most `at_once` hashes run, and one of several places is kept for known devices.

    A flood from strangers waits in its own short queue and is then turned away; people who
    have signed in from their device before still get in.
    """

    QUEUE = 20

    def __init__(self, at_once: int, scheme: PasswordHash | None = None) -> None:
        self._scheme = scheme or PasswordHash.recommended()
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._all = asyncio.Semaphore(at_once)
        self._strangers = asyncio.Semaphore(max(1, at_once - 1))
        self._waiting = 0
        self._nobody = ""

    def require_room(self, *, known: bool) -> None:
        if not known and self._waiting >= self.QUEUE:
            raise TooMany("Many people are signing in at this moment. Try again in a few seconds.", 5)

    async def hash(self, password: str) -> str:
        async with self._place(known=True):
            return await self._in_thread(lambda: self._scheme.hash(_bytes(password)))

    async def verify(self, password: str, stored: str | None, *, known: bool) -> bool:
        """Takes as long where there is nobody, or nobody with a password: time tells nothing."""
        async with self._place(known=known):
            if not self._nobody:
                self._nobody = await self._in_thread(lambda: self._scheme.hash(secret.fresh()))
            right = await self._in_thread(lambda: self._scheme.verify(_bytes(password), stored or self._nobody))
        return right and stored is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @asynccontextmanager
    async def _place(self, *, known: bool) -> AsyncIterator[None]:
        if known:
            async with self._all:
                yield
            return
        self._waiting += 1
        try:
            async with self._strangers, self._all:
                yield
        finally:
            self._waiting -= 1

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def _bytes(password: str) -> bytes:
    """The same password however a keyboard composes its accents; too long is cut, for hashing must not take long."""
    return unicodedata.normalize("NFKC", password[: LONGEST * 2]).encode("utf-8", "surrogatepass")
