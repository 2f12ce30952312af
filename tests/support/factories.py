"""Short ways to make what a test needs. Alice may, Bob shares her team, Charlie is a stranger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access.service import SCOPES
from api.core.clock import now
from api.core.database import Database
from api.identity import secret
from api.models import (
    Account,
    ApiToken,
    Force,
    Membership,
    Neighbourhood,
    Person,
    Role,
    Team,
    Viewer,
)
from api.platforms.values import Platform

_number = count(1)


async def a_force(
    session: AsyncSession, name: str = "Sandford and Gloucestershire Vale Police", police_uk_id: str = ""
) -> Force:
    force = Force(
        name=name, short_name=name.partition(" ")[0], police_uk_id=police_uk_id or f"invented-force-{next(_number)}"
    )
    session.add(force)
    await session.flush()
    return force


async def a_team(session: AsyncSession, force: Force, name: str = "Sandford North") -> Team:
    team = Team(force_id=force.id, name=name)
    session.add(team)
    await session.flush()
    return team


async def a_neighbourhood(
    session: AsyncSession, team: Team, name: str = "Mill Lane & Quays", police_uk_id: str = ""
) -> Neighbourhood:
    neighbourhood = Neighbourhood(
        force_id=team.force_id, team_id=team.id, name=name, police_uk_id=police_uk_id or f"N{next(_number)}"
    )
    session.add(neighbourhood)
    await session.flush()
    return neighbourhood


async def a_person(
    session: AsyncSession,
    force: Force,
    role: Role | None = Role.TEAM_MEMBER,
    team: Team | None = None,
    name: str = "PCSO Ash Okafor",
    *,
    email: str = "",
    password_hash: str | None = None,
    second_factor: bool = False,
) -> Person:
    """`team` None with a role: in the whole force. `role` None: no role at all."""
    person = Person(
        force_id=force.id,
        email=email or f"person-{next(_number)}@sandfordvale.example",
        name=name,
        password_hash=password_hash,
        totp_confirmed_at=now() if second_factor else None,
    )
    session.add(person)
    await session.flush()
    if role is not None:
        await a_role(session, person, role, team)
    return person


async def a_role(session: AsyncSession, person: Person, role: Role, team: Team | None = None) -> Membership:
    membership = Membership(person_id=person.id, role=role, team_id=team.id if team else None)
    session.add(membership)
    await session.flush()
    return membership


async def an_account(
    session: AsyncSession,
    force: Force,
    team: Team | None = None,
    handle: str = "",
    *,
    instance: str = "https://town.example",
    practice: bool = True,
) -> Account:
    number = next(_number)
    account = Account(
        force_id=force.id,
        team_id=team.id if team else None,
        platform=Platform.MASTODON,
        instance=instance,
        remote_id=str(1000 + number),
        handle=handle or f"account{number}@town.example",
        name="Sandford North Police",
        practice=practice,
    )
    session.add(account)
    await session.flush()
    return account


async def viewer_of(
    session: AsyncSession, person: Person, *, scopes: Sequence[str] | None = None, second_factor: bool = True
) -> Viewer:
    """The person, as a request of theirs would be seen. Second factor proven unless told otherwise."""
    rows = await session.execute(select(Membership).where(col(Membership.person_id) == person.id))
    return Viewer(
        person_id=person.id,
        force_id=person.force_id,
        name=person.name,
        roles=frozenset((m.role, m.team_id) for m in rows.scalars()),
        scopes=None if scopes is None else frozenset(scopes),
        second_factor=second_factor,
    )


@dataclass(frozen=True)
class Cast:
    """Two forces. Alice and Bob are in one team; Charlie is next door and must never see any of it."""

    force: Force
    team: Team
    other_team: Team
    """Another team of the same force."""
    neighbourhood: Neighbourhood
    alice: Viewer
    """Team member."""
    bob: Viewer
    """Team member of the same team."""
    nadia: Viewer
    """Supervisor of the team."""
    lottie: Viewer
    """Contributor in the team."""
    ellie: Viewer
    """Communications, whole force."""
    dev: Viewer
    """Contact desk, whole force."""
    moira: Viewer
    """Records, whole force."""
    sam: Viewer
    """Administrator, whole force."""
    wexley: Force
    wexley_team: Team
    wexley_neighbourhood: Neighbourhood
    charlie: Viewer
    """Team member of another force."""
    ivy: Viewer
    """Administrator of another force."""

    def everyone_of_ours(self) -> list[Viewer]:
        return [self.alice, self.bob, self.nadia, self.lottie, self.ellie, self.dev, self.moira, self.sam]

    def strangers(self) -> list[Viewer]:
        return [self.charlie, self.ivy]


async def a_cast(session: AsyncSession) -> Cast:
    force = await a_force(session)
    team = await a_team(session, force)
    wexley = await a_force(session, "Wexley Constabulary")
    wexley_team = await a_team(session, wexley, "Wexley Town")

    async def as_(name: str, role: Role, where: Force = force, team: Team | None = None) -> Viewer:
        return await viewer_of(session, await a_person(session, where, role, team, name))

    return Cast(
        force=force,
        team=team,
        other_team=await a_team(session, force, "Ashcombe and Villages"),
        neighbourhood=await a_neighbourhood(session, team),
        alice=await as_("PCSO Alice Marsh", Role.TEAM_MEMBER, team=team),
        bob=await as_("PC Bob Fenn", Role.TEAM_MEMBER, team=team),
        nadia=await as_("Sgt Nadia Malik", Role.SUPERVISOR, team=team),
        lottie=await as_("Lottie Vane", Role.CONTRIBUTOR, team=team),
        ellie=await as_("Ellie Warner", Role.COMMS),
        dev=await as_("Dev Chandra", Role.CONTACT_DESK),
        moira=await as_("Moira Keane", Role.RECORDS),
        sam=await as_("Sam Birch", Role.ADMIN),
        wexley=wexley,
        wexley_team=wexley_team,
        wexley_neighbourhood=await a_neighbourhood(session, wexley_team, "Wexley Town Centre"),
        charlie=await as_("PC Charlie Reed", Role.TEAM_MEMBER, wexley, wexley_team),
        ivy=await as_("Ivy Trent", Role.ADMIN, wexley),
    )


async def count_of(database: Database, model: type, **where: UUID | str) -> int:
    """How many rows of a table there are: to see that something, or nothing, happened."""
    async with database.read() as session:
        rows = await session.execute(select(model).filter_by(**where))
        return len(rows.scalars().all())


async def a_token(database: Database, viewer: Viewer, *scopes: str) -> str:
    """A token of somebody's, with the scopes that a test needs: all of them unless named."""
    fresh = secret.fresh("blt_")
    async with database.write() as session:
        session.add(
            ApiToken(
                force_id=viewer.force_id,
                person_id=viewer.person_id,
                name="A test's",
                token_hash=secret.digest(fresh),
                scopes=list(scopes or SCOPES),
                expires_at=now() + timedelta(days=1),
            )
        )
    return fresh
