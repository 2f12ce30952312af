"""API tokens: another system's key, in the name of a person, able to do no more than they and than its scopes."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import SCOPES, Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, Forbidden, Invalid
from api.identity import queries, secret
from api.models import ApiToken, Person, Viewer

PREFIX = "blt_"
LONGEST = timedelta(days=366)


def own_actions(scope: str) -> frozenset[Action]:
    """What a scope adds to the smaller ones of its family: what somebody wants who asks for it."""
    family, smaller = scope.partition(":")[0], set[Action]()
    for name, (_, actions) in SCOPES.items():
        if name == scope:
            return actions - smaller
        if name.startswith(f"{family}:"):
            smaller |= actions
    return frozenset()


def usable_scopes(viewer: Viewer) -> list[str]:
    """The scopes that a person's roles could ever make use of."""
    person = replace(viewer, scopes=None)
    return [name for name in SCOPES if any(access.may_anywhere(person, action) for action in own_actions(name))]


async def create_token(
    session: AsyncSession,
    viewer: Viewer | None,
    person: Person,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime,
) -> tuple[ApiToken, str]:
    """The token and its secret, which is shown once. One's own only; viewer None: the command line, for anybody."""
    wanted = list(dict.fromkeys(scopes))
    expires_at = _checked_expiry(viewer, expires_at)
    await _check_scopes(session, viewer, person, wanted)
    if viewer and viewer.token_id:
        maker = await session.get_one(ApiToken, viewer.token_id)
        expires_at = min(expires_at, maker.expires_at)
    fresh = secret.fresh(PREFIX)
    token = ApiToken(
        force_id=person.force_id, person_id=person.id, name=name, token_hash=secret.digest(fresh),
        scopes=wanted, expires_at=expires_at,
    )  # fmt: skip
    session.add(token)
    await session.flush()
    audit.record(
        session, viewer, "tokens.add", "token", token.id, force_id=person.force_id,
        person_id=person.id, scopes=" ".join(wanted), expires_at=expires_at.isoformat(),
    )  # fmt: skip
    return token, fresh


async def end_token(session: AsyncSession, viewer: Viewer, token_id: UUID) -> ApiToken:
    """From now on it is nobody's. Ended twice is ended once."""
    token = await queries.get_token(session, viewer, token_id)
    if token.id != viewer.token_id:
        require_own_keys(viewer)
    if token.ended_at is None:
        token.ended_at = now()
        audit.record(session, viewer, "tokens.end", "token", token.id)
    return token


async def end_tokens_of(session: AsyncSession, person_id: UUID) -> None:
    await session.execute(
        update(ApiToken)
        .where(col(ApiToken.person_id) == person_id, col(ApiToken.ended_at).is_(None))
        .values(ended_at=now())
    )


def require_own_keys(viewer: Viewer) -> None:
    """Sessions and tokens are dealt with in a browser, or by a token that was trusted with people."""
    if viewer.scopes is not None and "people:write" not in viewer.scopes:
        raise Forbidden("This token may not deal with sessions and tokens. Sign in, or use one with people:write.")


def _checked_expiry(viewer: Viewer | None, expires_at: datetime) -> datetime:
    if viewer:
        require_own_keys(viewer)
    if expires_at <= now():
        raise Invalid("That is past already. Say until when the token should work.", "expires_at")
    if expires_at > now() + LONGEST:
        raise Invalid("A token works for a year at most. Choose an earlier end.", "expires_at")
    return expires_at


async def _check_scopes(session: AsyncSession, viewer: Viewer | None, person: Person, wanted: list[str]) -> None:
    if viewer and viewer.person_id != person.id:
        raise Forbidden("A token acts in its person's name: everybody makes their own.")
    if not person.active:
        raise Conflict("This person is not active.")
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise Invalid(f"Choose scopes from: {', '.join(SCOPES)}.", "scopes")
    usable = usable_scopes(await queries.viewer_of(session, person.id))
    beyond = [scope for scope in wanted if scope not in usable]
    if beyond:
        raise Invalid(f"This person's roles never allow: {', '.join(beyond)}. Leave that out.", "scopes")
    if viewer and viewer.scopes is not None and not viewer.scopes.issuperset(wanted):
        raise Forbidden("A token cannot make one that may do more than itself.")
