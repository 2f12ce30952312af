"""The front door of one process: signing in, giving the code, and recognising who is already in.

Everything here takes its own short transactions, so that no password is hashed inside one.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Invalid, Unauthorised
from api.core.log import log
from api.core.runtime import Runtime
from api.core.secret_key import key_for
from api.identity import devices, queries, second_factor, secret, service, throttle
from api.identity.passwords import Hasher, refuse_weak
from api.identity.tokens import PREFIX
from api.models import ApiToken, Person, SignIn, Viewer

NOTED_EVERY = timedelta(minutes=1)
FOR_THE_CODE = timedelta(minutes=10)
COOKIE = "beatline"
DEVICE_COOKIE = "beatline-device"
DEVICE_DAYS = 400
"""What browsers keep a cookie for at the most."""


class WrongPassword(Invalid):
    """The same words for an address that nobody has, for one without a password, and for a leaver's."""

    title = "You are not signed in"

    def __init__(self) -> None:
        super().__init__(
            "That e-mail address and password do not belong together. Try again, or ask your administrator for a link.",
            "password",
        )


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a browser brings along: its address, what it calls itself, and our device cookie if it has one."""

    address: str = field(repr=False)
    user_agent: str = field(default="", repr=False)
    device: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Welcome:
    """For the cookies. `code_needed`: they are nobody yet, until `give_code`; then there is no device cookie either."""

    secret: str = field(repr=False)
    expires_at: datetime
    code_needed: bool
    device: str = field(default="", repr=False)


class Door:
    def __init__(self, runtime: Runtime, hasher: Hasher | None = None) -> None:
        self.runtime, self.settings = runtime, runtime.settings
        self.hasher = hasher or Hasher(self.settings.password_hashes)
        self._device_key = key_for(self.settings, "devices")
        self._throttle_key = key_for(self.settings, "throttle")
        self._noting: dict[UUID, asyncio.Task[None]] = {}

    async def sign_in(self, email: str, password: str, visitor: Visitor) -> Welcome:
        """WrongPassword, or TooMany where this device or network has tried this name too often."""
        email = email.strip().lower()
        async with self.runtime.read() as session:
            person = await queries.by_email(session, email)
        device = devices.read(self._device_key, visitor.device)
        known = person is not None and device.knows(self._device_key, person.id)
        client = device.id if known else devices.network_of(visitor.address)
        key = secret.keyed(self._throttle_key, "password", email, client)
        self.hasher.require_room(known=known)
        async with self.runtime.unit_of_work() as session:
            await throttle.count_try(session, key)
        stored = person.password_hash if person and person.active else None
        if not await self.hasher.verify(password, stored, known=known) or person is None:
            raise WrongPassword()
        async with self.runtime.unit_of_work() as session:
            await throttle.forget(session, key)
            return await self._let_in(session, person.id, stored, device, visitor)

    async def give_code(self, session_secret: str, code: str, visitor: Visitor) -> Welcome:
        """The second step of a sign-in that has `code_needed`. Unauthorised when that has taken too long."""
        async with self.runtime.read() as session:
            waiting = await queries.waiting_for_code(session, session_secret)
        if waiting is None:
            raise Unauthorised("That took too long. Start again with your password.")
        person_id, device = waiting[1].id, devices.read(self._device_key, visitor.device)
        # Whoever stands here knows the password. All devices that we do not know share their tries:
        # a thief with many addresses gets no more of them, and the person's own device is not held up.
        client = device.id if device.knows(self._device_key, person_id) else "unknown"
        key = secret.keyed(self._throttle_key, "code", person_id.hex, client)
        async with self.runtime.unit_of_work() as session:
            await throttle.count_try(session, key)
        async with self.runtime.unit_of_work() as session:
            again = await queries.waiting_for_code(session, session_secret)
            if again is None:
                raise Unauthorised("That took too long. Start again with your password.")
            sign_in, person = again
            await second_factor.check(session, self.settings, person, code)
            await throttle.forget(session, key)
            sign_in.second_factor_at = now()
            sign_in.expires_at = self._until(sign_in.created_at)
            audit.record(session, _self(person, sign_in), "sign_ins.start", "sign_in", sign_in.id, second_factor=True)
            remembered = device.with_(self._device_key, person.id).signed(self._device_key)
            return Welcome(session_secret, sign_in.expires_at, code_needed=False, device=remembered)

    async def set_password(self, link: str, password: str) -> None:
        """By a one-time link: LinkOver when it is none any more, Invalid with what to change about the password."""
        async with self.runtime.read() as session:
            person = await service.person_of_link(session, link)
        refuse_weak(password, person.name, person.email)
        hashed = await self.hasher.hash(password)
        async with self.runtime.unit_of_work() as session:
            await service.set_password(session, link, hashed)

    async def viewer_by_cookie(self, session_secret: str) -> Viewer | None:
        async with self.runtime.read() as session:
            known = await queries.recognise_cookie(session, session_secret)
        return self._noted(known)

    async def viewer_by_token(self, token: str) -> Viewer | None:
        if not token.startswith(PREFIX):
            return None
        async with self.runtime.read() as session:
            known = await queries.recognise_token(session, token)
        return self._noted(known)

    async def settled(self) -> None:
        """Everything that was to be noted down is."""
        await asyncio.gather(*self._noting.values())

    async def close(self) -> None:
        await self.settled()
        self.hasher.close()

    async def _let_in(
        self, session: AsyncSession, person_id: UUID, stored: str | None, device: devices.Device, visitor: Visitor
    ) -> Welcome:
        person = await session.get_one(Person, person_id)
        if not person.active or person.password_hash != stored:
            raise WrongPassword()  # changed while it was being hashed
        code_needed = person.totp_confirmed_at is not None
        fresh = secret.fresh()
        sign_in = SignIn(
            person_id=person.id,
            token_hash=secret.digest(fresh),
            device=devices.in_words(visitor.user_agent),
            last_seen_at=now(),
            expires_at=now() + FOR_THE_CODE if code_needed else self._until(now()),
        )
        session.add(sign_in)
        if code_needed:
            return Welcome(fresh, sign_in.expires_at, code_needed=True)
        audit.record(session, _self(person, sign_in), "sign_ins.start", "sign_in", sign_in.id, second_factor=False)
        remembered = device.with_(self._device_key, person.id).signed(self._device_key)
        return Welcome(fresh, sign_in.expires_at, code_needed=False, device=remembered)

    def _until(self, begun: datetime) -> datetime:
        """A session ends when it has been idle, and some days after it began in any case."""
        idle = now() + timedelta(hours=self.settings.session_idle_hours)
        return min(idle, begun + timedelta(days=self.settings.session_days))

    def _noted(self, known: queries.Recognised | None) -> Viewer | None:
        """Written down at most once a minute, beside the request and never in its way."""
        if known is None:
            return None
        viewer = known.viewer
        key = viewer.token_id or viewer.sign_in_id
        if key and key not in self._noting and (known.seen_at is None or known.seen_at < now() - NOTED_EVERY):
            task = asyncio.create_task(self._note(viewer))
            self._noting[key] = task
            task.add_done_callback(lambda _: self._noting.pop(key, None))
        return viewer

    async def _note(self, viewer: Viewer) -> None:
        try:
            async with self.runtime.unit_of_work() as session:
                if viewer.token_id:
                    await _note_token(session, viewer.token_id)
                elif viewer.sign_in_id:
                    await self._note_sign_in(session, viewer.sign_in_id)
        except Exception:
            log.exception("last_use_not_noted")

    async def _note_sign_in(self, session: AsyncSession, sign_in_id: UUID) -> None:
        row = await session.get(SignIn, sign_in_id)
        if row and row.ended_at is None:
            row.last_seen_at, row.expires_at = now(), self._until(row.created_at)


async def _note_token(session: AsyncSession, token_id: UUID) -> None:
    await session.execute(
        update(ApiToken)
        .where(
            col(ApiToken.id) == token_id,
            or_(col(ApiToken.last_used_at).is_(None), col(ApiToken.last_used_at) < now() - NOTED_EVERY),
        )
        .values(last_used_at=now())
    )


def _self(person: Person, sign_in: SignIn) -> Viewer:
    """For the audit line only: who did it was they themselves."""
    return Viewer(person.id, person.force_id, person.name, frozenset(), sign_in_id=sign_in.id)
