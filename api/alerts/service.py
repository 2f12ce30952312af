"""What people do about alerts: mark one as seen, choose which e-mails they want, register other systems."""

import re
import secrets as chance
from collections.abc import Collection
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import service as access
from api.access.service import Action
from api.accounts import secrets
from api.alerts import queries
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Invalid
from api.core.jobs import Job, ask
from api.core.runtime import settings_of
from api.core.saving import change_or
from api.core.sealing import Seals
from api.core.settings import Settings
from api.models import (
    Alert,
    AlertKind,
    AlertMessage,
    MessageChannel,
    MessageEvent,
    Person,
    SecretKind,
    Viewer,
    Webhook,
)

ALERTS = Job("alerts")
SHORTEST_SECRET = 16
MOST_HOOKS = 10
LONGEST_ADDRESS = 500
NO_ADDRESS = "That is not an address. It looks like https://alarm.example/beatline."
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)


async def seen(session: AsyncSession, viewer: Viewer, alert_id: UUID) -> Alert:
    """Somebody looks after it: it stays until its cause ends, and is counted no more. Twice is once."""
    alert = await queries.get_alert(session, viewer, alert_id)
    access.require(viewer, Action.MARK_ALERTS, alert.team_id)
    if alert.seen_at is None and alert.resolved_at is None:
        changes = {"seen_at": now(), "seen_by_id": viewer.person_id}
        await change_or(session, alert, changes, None, "Somebody else was quicker.")
        audit.record(session, viewer, "alerts.seen", "alert", alert.id, kind=alert.kind)
    return alert


async def choose_mail(session: AsyncSession, viewer: Viewer, wanted: Collection[AlertKind]) -> None:
    """One's own, and only which kinds come by e-mail: in the app all of them stand."""
    person = await session.get_one(Person, viewer.person_id)
    person.no_mail = sorted(set(AlertKind) - set(wanted)) or None
    audit.record(session, viewer, "alerts.choose_mail", "person", person.id, off=",".join(person.no_mail or ()))


async def add_webhook(
    session: AsyncSession, sealer: Seals | None, viewer: Viewer, url: str, secret: str = ""
) -> tuple[Webhook, str]:
    """The webhook and its secret, which is shown once and then sealed: only workers can sign with it."""
    access.require(viewer, Action.MANAGE_WEBHOOKS, None)
    if sealer is None:
        raise Conflict("There is no key yet to seal the secret with. Start a worker once, then try again.")
    if secret and len(secret) < SHORTEST_SECRET:
        raise Invalid(f"Use at least {SHORTEST_SECRET} characters, or leave it empty: then we make one.", "secret")
    if len(await queries.webhooks(session, viewer)) >= MOST_HOOKS:
        raise Conflict(f"There are {MOST_HOOKS} already. End one first.")
    fresh = secret or f"whs_{chance.token_urlsafe(32)}"
    hook = Webhook(force_id=viewer.force_id, url=checked(url, settings_of(session)), made_by_id=viewer.person_id)
    session.add(hook)
    await session.flush()
    await secrets.put(session, hook.id, SecretKind.WEBHOOK, sealer.seal(fresh.encode()))
    audit.record(session, viewer, "webhooks.add", "webhook", hook.id, host=urlsplit(hook.url).hostname)
    return hook, fresh


async def move_webhook(
    session: AsyncSession, viewer: Viewer, webhook_id: UUID, url: str, version: int | None
) -> Webhook:
    """A new address with the same secret."""
    hook = await queries.get_webhook(session, viewer, webhook_id)
    access.require(viewer, Action.MANAGE_WEBHOOKS, None)
    changes = {"url": checked(url, settings_of(session))}
    await change_or(session, hook, changes, version, "Somebody else was quicker.")
    audit.record(session, viewer, "webhooks.move", "webhook", hook.id, host=urlsplit(hook.url).hostname)
    return hook


async def try_webhook(session: AsyncSession, viewer: Viewer, webhook_id: UUID) -> AlertMessage:
    """Sends a call that is about nothing, so that somebody can see whether it arrives."""
    hook = await queries.get_webhook(session, viewer, webhook_id)
    access.require(viewer, Action.MANAGE_WEBHOOKS, None)
    message = AlertMessage(
        force_id=hook.force_id, channel=MessageChannel.WEBHOOK, event=MessageEvent.TEST, webhook_id=hook.id,
        next_try_at=now(),
    )  # fmt: skip
    session.add(message)
    ask(session, ALERTS)
    return message


async def end_webhook(session: AsyncSession, viewer: Viewer, webhook_id: UUID) -> Webhook:
    """Told of nothing more; its secret is thrown away."""
    hook = await queries.get_webhook(session, viewer, webhook_id)
    access.require(viewer, Action.MANAGE_WEBHOOKS, None)
    hook.ended_at = now()
    await secrets.drop(session, hook.id)
    audit.record(session, viewer, "webhooks.end", "webhook", hook.id)
    return hook


def checked(url: str, settings: Settings) -> str:
    """An https address without a password in it. Where its name leads is the worker's to check, on each call."""
    parts = _split(url.strip())
    named = ((parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80))
    if parts.scheme != "https" and named not in settings.private_hosts:
        raise Invalid("Use an address that begins with https://, so that nobody on the way can read it.", "url")
    if parts.username is not None or parts.password is not None:
        raise Invalid("Leave out the name and password: the signature proves that it is us.", "url")
    return url.strip().partition("#")[0]


def _split(url: str) -> SplitResult:
    """Its parts; Invalid for whatever is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid(NO_ADDRESS, "url") from error
    odd = len(url) > LONGEST_ADDRESS or not url.isascii() or any(letter.isspace() or letter == "\\" for letter in url)
    if odd or port == 0 or parts.scheme not in ("http", "https") or not _NAME.fullmatch(parts.hostname or ""):
        raise Invalid(NO_ADDRESS, "url")
    return parts
