"""A front door whose hashes are quick, and Alice's password."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from api.core.runtime import Runtime
from api.identity.door import Door, Visitor, Welcome
from api.identity.passwords import Hasher
from api.models import Person
from tests.support.factories import Cast

QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
PASSWORD = "leeks table tennis goose"
HOME = Visitor("192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
STRANGER = Visitor("198.51.100.9", "curl/8")


@dataclass
class AtTheDoor:
    door: Door
    email: str

    async def sign_in(self, password: str = PASSWORD, visitor: Visitor = HOME, email: str = "") -> Welcome:
        return await self.door.sign_in(email or self.email, password, visitor)


@pytest.fixture
async def at_the_door(runtime: Runtime, cast: Cast) -> AsyncIterator[AtTheDoor]:
    """Alice has a password. Nobody else has."""
    async with runtime.unit_of_work() as session:
        alice = await session.get_one(Person, cast.alice.person_id)
        alice.password_hash = QUICK.hash(PASSWORD)
    door = Door(runtime, Hasher(2, QUICK))
    yield AtTheDoor(door, alice.email)
    await door.close()
