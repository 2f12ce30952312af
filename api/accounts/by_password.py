"""Connecting with a handle and an app password, where a platform has no page to say yes on.

What is typed is sealed at the door. A worker signs in with it, once it has found where the account lives, and drops it.
"""

import json
import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import instance as instances
from api.accounts import secrets, service
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Invalid
from api.core.jobs import Job, ask
from api.core.sealing import Seals, at_hand
from api.core.settings import Settings
from api.models import Connection, ConnectionState, Secret, SecretKind, Viewer
from api.platforms.facts import FACTS
from api.platforms.values import Platform

APP_PASSWORD = re.compile(r"[a-z0-9]{4}(-[a-z0-9]{4}){3}")
HANDLE = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"))
"""What comes along when a handle is copied from a page."""
TYPE_HANDLE = "Type the whole handle, such as sandfordpolice.bsky.social."
NOT_ONE = (
    "An app password has four groups of four, such as abcd-efgh-ijkl-mnop. Never type the account’s own password here."
)


async def begin(
    session: AsyncSession,
    sealer: Seals | None,
    viewer: Viewer,
    team_id: UUID | None,
    platform: Platform,
    handle: str,
    app_password: str,
    server: str = "",
    *,
    settings: Settings,
) -> Connection:
    """Asks a worker to sign in. `server` empty: it is found from the handle."""
    await service.team_is_theirs(session, viewer, team_id)
    access.require(viewer, Action.CONNECT, team_id)
    if not FACTS[platform].app_password:
        raise Invalid(f"A {FACTS[platform].label} account is connected on a page of its own server.", "platform")
    typed = {"handle": handle_from(handle), "password": password_from(app_password)}
    origin = instances.origin(server, settings.private_hosts) if server.strip() else ""
    service.require_second_step(viewer, origin, settings)
    connection = Connection(
        force_id=viewer.force_id,
        team_id=team_id,
        person_id=viewer.person_id,
        platform=platform,
        instance=origin,
        redirect_uri="",
        expires_at=now() + timedelta(minutes=service.MINUTES_TO_CONNECT),
    )
    session.add(connection)
    sealed = at_hand(sealer).seal(json.dumps(typed).encode())
    await secrets.put(session, connection.id, SecretKind.APP_PASSWORD, sealed)
    audit.record(session, viewer, "accounts.connect_asked", "connection", connection.id, platform=platform.value)
    ask(session, Job("connect", str(connection.id)))
    return connection


def handle_from(typed: str) -> str:
    handle = typed.translate(UNSEEN).strip().lstrip("@").lower()
    if len(handle) > 253 or not HANDLE.fullmatch(handle):
        raise Invalid(TYPE_HANDLE, "handle")
    return handle


def password_from(typed: str) -> str:
    """Only what looks like one: an account's own password would open everything, and must not even be sealed."""
    password = typed.translate(UNSEEN).strip()
    if not APP_PASSWORD.fullmatch(password):
        raise Invalid(NOT_ONE, "app_password")
    return password


async def take(session: AsyncSession, connection: Connection) -> Secret | None:
    """What was typed, for one worker. Who dies with it in hand leaves a try that ends by itself."""
    until = now() + timedelta(seconds=service.SECONDS_TO_EXCHANGE)
    if not await service.step(session, connection, ConnectionState.ANSWERED, expires_at=until):
        return None
    return await secrets.get(session, connection.id, SecretKind.APP_PASSWORD)


async def found(session: AsyncSession, connection: Connection, server: str) -> None:
    """The worker knows where the account lives."""
    await service.step(session, connection, connection.state, instance=server)


async def put_back(session: AsyncSession, connection: Connection, sentence: str) -> None:
    """The server could not be reached: a few tries more, then the person is told."""
    until = now() + timedelta(minutes=service.MINUTES_TO_CONNECT)
    if connection.attempts + 1 >= service.TRIES:
        await service.fail_connection(session, connection, sentence)
    elif await service.step(
        session, connection, ConnectionState.ASKED, attempts=connection.attempts + 1, expires_at=until
    ):
        ask(session, Job("connect", str(connection.id)))
