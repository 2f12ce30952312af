"""Who signs in to the demo and how: one password for everybody here, and one token, both made once for each folder."""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.service import SCOPES
from api.core.clock import now
from api.identity import queries
from api.identity import service as identity
from api.models import Person
from beatline.demo import world
from beatline.demo.town import write_private

FILE = "demo.json"
TOKEN_NAME = "Demo: other systems"  # noqa: S105


@dataclass(frozen=True)
class Keys:
    password: str
    token: str
    town_url: str


def known(data: Path) -> Keys | None:
    """What the last start wrote down; None where there is none, or none that can be read."""
    with suppress(OSError, ValueError, KeyError, TypeError, StopIteration):
        written = json.loads((data / FILE).read_text())
        person = next(iter(written["people"].values()))
        return Keys(str(person["password"]), str(written["token"]), str(written["town_url"]))
    return None


def new_password() -> str:
    return secrets.token_urlsafe(9)


async def set_passwords(session: AsyncSession, password_hash: str) -> None:
    """For everybody of the invented forces, when what was written down about them is lost."""
    emails = [human.email for service in world.services() for human in service.people if not human.token]
    await session.execute(update(Person).where(col(Person.email).in_(emails)).values(password_hash=password_hash))


async def new_token(session: AsyncSession) -> str:
    human = next(human for service in world.services() for human in service.people if human.token)
    person = await queries.by_email(session, human.email)
    assert person is not None
    _, secret = await identity.create_token(
        session, None, person, TOKEN_NAME, list(SCOPES), now() + timedelta(days=365)
    )
    return secret


def write(data: Path, url: str, keys: Keys) -> dict[str, Any]:
    shown = {human.shown: human.email for service in world.services() for human in service.people if human.shown}
    written = {
        "url": url,
        "town_url": keys.town_url,
        "token": keys.token,
        "people": {role: {"email": email, "password": keys.password} for role, email in shown.items()},
    }
    write_private(data / FILE, json.dumps(written, indent=2) + "\n")
    return written
