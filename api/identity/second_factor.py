"""The second step: a code from an app on somebody's phone. Whoever posts as a real account has one."""

import hmac
from dataclasses import dataclass, field
from uuid import UUID

import pyotp
import segno
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from sqlalchemy import update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, Invalid
from api.core.secret_key import key_for
from api.core.settings import Settings
from api.models import Person, SignIn, Viewer

STEP = 30
ISSUER = "Beatline"


class WrongCode(Invalid):
    def __init__(self) -> None:
        super().__init__(
            "That code is not right, or was used before. Wait for the next one in your app and type that.", "code"
        )


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Shown once, to the person themselves: the secret to type, the same as an address and as a picture."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    svg: str = field(repr=False)


async def enrol(session: AsyncSession, settings: Settings, viewer: Viewer) -> Enrolment:
    """Begins; nothing is asked for at sign-in before `confirm`. Begun twice, the newer secret counts."""
    person = await _own(session, viewer)
    if person.totp_confirmed_at:
        raise Conflict("You have a second step already. Ask an administrator to take it off, then set up the new one.")
    fresh = pyotp.random_base32()
    person.totp_secret = _box(settings).encrypt(person.id.bytes + fresh.encode())
    uri = pyotp.TOTP(fresh).provisioning_uri(name=person.email, issuer_name=ISSUER)
    svg = segno.make(uri, error="m").svg_inline(
        scale=4, border=4, light="#fff", title="Code for your authenticator app"
    )
    return Enrolment(fresh, uri, svg)


async def confirm(session: AsyncSession, settings: Settings, viewer: Viewer, code: str) -> None:
    """From now on every sign-in asks for a code; this browser has just given one."""
    person = await _own(session, viewer)
    if person.totp_confirmed_at:
        raise Conflict("Your second step is set up already.")
    await check(session, settings, person, code)
    person.totp_confirmed_at = now()
    await session.execute(
        update(SignIn).where(col(SignIn.id) == viewer.sign_in_id).values(second_factor_at=person.totp_confirmed_at)
    )
    audit.record(session, viewer, "second_factor.confirm", "person", person.id)


async def check(session: AsyncSession, settings: Settings, person: Person, code: str) -> None:
    """A code works once, one step early or late at the most; WrongCode otherwise."""
    step = _step_of(_secret(settings, person), code)
    if step is None:
        raise WrongCode()
    used = await session.execute(
        update(Person)
        .where(col(Person.id) == person.id, col(Person.totp_last_step) < step)
        .values(totp_last_step=step)
        .execution_options(synchronize_session=False)
    )
    if not isinstance(used, CursorResult) or used.rowcount != 1:
        raise WrongCode()


def clear(person: Person) -> None:
    person.totp_secret, person.totp_confirmed_at = None, None


def _step_of(secret: str, code: str) -> int | None:
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdecimal()):
        return None
    generator, current = pyotp.TOTP(secret), int(now().timestamp()) // STEP
    steps = (current - 1, current, current + 1)
    return next((step for step in steps if hmac.compare_digest(generator.generate_otp(step), digits)), None)


def _secret(settings: Settings, person: Person) -> str:
    if not person.totp_secret:
        raise WrongCode()
    try:
        opened = _box(settings).decrypt(person.totp_secret)
    except CryptoError as error:
        raise Conflict("Your second step cannot be read any more. Ask an administrator to take it off.") from error
    if UUID(bytes=opened[:16]) != person.id:
        raise Conflict("Your second step is not yours. Ask an administrator to take it off.")
    return opened[16:].decode()


def _box(settings: Settings) -> SecretBox:
    return SecretBox(key_for(settings, "second factor"))


async def _own(session: AsyncSession, viewer: Viewer) -> Person:
    if viewer.sign_in_id is None:
        raise Forbidden("Set up your second step in a browser where you are signed in.")
    return await session.get_one(Person, viewer.person_id, with_for_update=True)
