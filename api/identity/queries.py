"""Everything that only reads about people: who is asking, who may be seen, which sessions and tokens there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.core.clock import now
from api.core.errors import NotFound
from api.core.gates import the_one
from api.core.paging import PAGE, Page, paged
from api.identity import secret as secrets
from api.models import ApiToken, Force, Membership, Neighbourhood, Person, Role, SignIn, Team, Viewer


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who it is, and when they were last noted down."""

    viewer: Viewer
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Known:
    """A person with what they are."""

    person: Person
    memberships: tuple[Membership, ...]


@dataclass(frozen=True, slots=True)
class Me:
    person: Person
    force: Force
    teams: Sequence[Team]
    neighbourhoods: Sequence[Neighbourhood]


_PERSON = (
    col(Person.id), col(Person.force_id), col(Person.name), col(Person.totp_confirmed_at),
    col(Membership.role), col(Membership.team_id),
)  # fmt: skip


def _roles(rows: Sequence[Any]) -> frozenset[tuple[Role, UUID | None]]:
    return frozenset((Role(row.role), row.team_id) for row in rows if row.role is not None)


async def recognise_token(session: AsyncSession, secret: str) -> Recognised | None:
    """One query. The token's person must have had their second step when it was made, and have the same one still."""
    asked: Select[Any] = (
        select(
            *_PERSON, col(ApiToken.id).label("token_id"), ApiToken.scopes, ApiToken.last_used_at,  # type: ignore[call-overload]
            col(ApiToken.created_at).label("made_at"),
        )
        .join(Person, col(Person.id) == col(ApiToken.person_id))
        .outerjoin(Membership, col(Membership.person_id) == col(Person.id))
        .where(
            col(ApiToken.token_hash) == secrets.digest(secret),
            col(ApiToken.ended_at).is_(None),
            col(ApiToken.expires_at) > now(),
            col(Person.active),
        )
    )  # fmt: skip
    rows = (await session.execute(asked)).all()
    if not rows:
        return None
    row = rows[0]
    viewer = Viewer(
        row.id, row.force_id, row.name, _roles(rows), scopes=frozenset(row.scopes), token_id=row.token_id,
        second_factor=row.totp_confirmed_at is not None and row.totp_confirmed_at <= row.made_at,
    )  # fmt: skip
    return Recognised(viewer, row.last_used_at)


async def recognise_cookie(session: AsyncSession, secret: str) -> Recognised | None:
    """One query. Who has a second step and has not given its code yet is nobody so far."""
    asked: Select[Any] = (
        select(*_PERSON, col(SignIn.id).label("sign_in_id"), SignIn.last_seen_at, SignIn.second_factor_at)  # type: ignore[call-overload]
        .join(Person, col(Person.id) == col(SignIn.person_id))
        .outerjoin(Membership, col(Membership.person_id) == col(Person.id))
        .where(
            *_open_sign_in(secret),
            or_(col(Person.totp_confirmed_at).is_(None), col(SignIn.second_factor_at).is_not(None)),
        )
    )
    rows = (await session.execute(asked)).all()
    if not rows:
        return None
    row = rows[0]
    proven = row.totp_confirmed_at is not None and row.second_factor_at is not None
    viewer = Viewer(
        row.id, row.force_id, row.name, _roles(rows), sign_in_id=row.sign_in_id, second_factor=proven
    )  # fmt: skip
    return Recognised(viewer, row.last_seen_at)


async def viewer_from_token(session: AsyncSession, secret: str) -> Viewer | None:
    known = await recognise_token(session, secret)
    return known.viewer if known else None


async def viewer_from_cookie(session: AsyncSession, secret: str) -> Viewer | None:
    known = await recognise_cookie(session, secret)
    return known.viewer if known else None


async def viewer_of(session: AsyncSession, person_id: UUID) -> Viewer:
    """With all their roles and no session: for jobs, the command line and the demo."""
    asked = (
        select(*_PERSON)
        .outerjoin(Membership, col(Membership.person_id) == col(Person.id))
        .where(col(Person.id) == person_id, col(Person.active))
    )
    rows = (await session.execute(asked)).all()
    if not rows:
        raise NotFound()
    row = rows[0]
    return Viewer(
        row.id, row.force_id, row.name, _roles(rows), second_factor=row.totp_confirmed_at is not None
    )  # fmt: skip


def _open_sign_in(secret: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SignIn.token_hash) == secrets.digest(secret),
        col(SignIn.ended_at).is_(None),
        col(SignIn.expires_at) > now(),
        col(Person.active) == True,  # noqa: E712
    )


async def waiting_for_code(session: AsyncSession, secret: str) -> tuple[SignIn, Person] | None:
    """Somebody who has given their password and not yet their code."""
    rows = await session.execute(
        select(SignIn, Person)
        .join(Person, col(Person.id) == col(SignIn.person_id))
        .where(
            *_open_sign_in(secret), col(SignIn.second_factor_at).is_(None), col(Person.totp_confirmed_at).is_not(None)
        )
    )
    row = rows.one_or_none()
    return (row[0], row[1]) if row else None


async def by_email(session: AsyncSession, email: str) -> Person | None:
    """For the door only: nothing it knows may be shown before they have proven who they are."""
    clean = email.strip().lower()
    if not clean.isprintable():
        return None  # nobody's, and not every database takes it as text
    rows = await session.execute(select(Person).where(col(Person.email) == clean))
    return rows.scalar_one_or_none()


def _person_seen(viewer: Viewer) -> ColumnElement[bool]:
    """Oneself; the people of one's teams; with a role in the whole force, the people of the force."""
    ours = col(Person.force_id) == viewer.force_id
    if access.may(viewer, Action.SEE_PEOPLE, None):
        return ours
    teams = [team_id for team_id in viewer.team_ids if access.may(viewer, Action.SEE_PEOPLE, team_id)]
    colleagues = select(col(Membership.person_id)).where(col(Membership.team_id).in_(teams))
    return and_(ours, or_(col(Person.id) == viewer.person_id, col(Person.id).in_(colleagues) if teams else false()))


async def people(
    session: AsyncSession,
    viewer: Viewer,
    team_id: UUID | None = None,
    cursor: str | None = None,
    limit: int = PAGE,
) -> Page[Known]:
    access.require_anywhere(viewer, Action.SEE_PEOPLE)
    asked = select(Person).where(_person_seen(viewer))
    if team_id:
        members = select(col(Membership.person_id)).where(col(Membership.team_id) == team_id)
        asked = asked.where(col(Person.id).in_(members))
    found = await paged(session, asked, col(Person.created_at), col(Person.id), cursor, limit, newest_first=False)
    return Page(await _with_memberships(session, found.items), found.next_cursor)


async def get_person(session: AsyncSession, viewer: Viewer, person_id: UUID) -> Known:
    rows = await session.execute(select(Person).where(col(Person.id) == person_id, _person_seen(viewer)))
    found = await _with_memberships(session, rows.scalars().all())
    if not found:
        raise NotFound()
    return found[0]


async def _with_memberships(session: AsyncSession, people: Sequence[Person]) -> list[Known]:
    rows = await session.execute(
        select(Membership)
        .where(col(Membership.person_id).in_([person.id for person in people]))
        .order_by(col(Membership.created_at), col(Membership.id))
    )
    memberships = rows.scalars().all()
    return [Known(person, tuple(m for m in memberships if m.person_id == person.id)) for person in people]


async def names(session: AsyncSession, ids: Iterable[UUID | None]) -> dict[UUID, str]:
    """The caller has passed the gate to the things that these people are named on."""
    wanted = {each for each in ids if each is not None}
    if not wanted:
        return {}
    rows = await session.execute(select(col(Person.id), col(Person.name)).where(col(Person.id).in_(wanted)))
    return {row.id: row.name for row in rows}


async def me(session: AsyncSession, viewer: Viewer) -> Me:
    """Whatever the token's scopes: who one is and where one belongs is no secret from oneself."""
    teams = select(Team).where(col(Team.force_id) == viewer.force_id)
    places = select(Neighbourhood).where(col(Neighbourhood.force_id) == viewer.force_id)
    if not viewer.whole_force:
        teams = teams.where(col(Team.id).in_(viewer.team_ids))
        places = places.where(col(Neighbourhood.team_id).in_(viewer.team_ids))
    return Me(
        await session.get_one(Person, viewer.person_id),
        await session.get_one(Force, viewer.force_id),
        (await session.execute(teams.order_by(col(Team.name)))).scalars().all(),
        (await session.execute(places.order_by(col(Neighbourhood.name)))).scalars().all(),
    )


async def sign_ins(session: AsyncSession, viewer: Viewer, cursor: str | None = None, limit: int = PAGE) -> Page[SignIn]:
    """One's own that still work, newest first."""
    if viewer.scopes is not None:
        access.require_anywhere(viewer, Action.SEE_PEOPLE)
    asked = select(SignIn).where(
        col(SignIn.person_id) == viewer.person_id, col(SignIn.ended_at).is_(None), col(SignIn.expires_at) > now()
    )
    return await paged(session, asked, col(SignIn.created_at), col(SignIn.id), cursor, limit, newest_first=True)


def _token_seen(viewer: Viewer) -> ColumnElement[bool]:
    """One's own; an administrator sees those of the force, to end what a leaver left behind."""
    if access.may(viewer, Action.MANAGE_PEOPLE, None):
        return col(ApiToken.force_id) == viewer.force_id
    return and_(col(ApiToken.force_id) == viewer.force_id, col(ApiToken.person_id) == viewer.person_id)


async def tokens(session: AsyncSession, viewer: Viewer, cursor: str | None = None, limit: int = PAGE) -> Page[ApiToken]:
    if viewer.scopes is not None:
        access.require_anywhere(viewer, Action.SEE_PEOPLE)
    asked = select(ApiToken).where(_token_seen(viewer))
    return await paged(session, asked, col(ApiToken.created_at), col(ApiToken.id), cursor, limit, newest_first=True)


async def get_token(session: AsyncSession, viewer: Viewer, token_id: UUID) -> ApiToken:
    return await the_one(session, select(ApiToken).where(col(ApiToken.id) == token_id, _token_seen(viewer)))
