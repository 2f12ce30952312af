"""From the names that people type to the rows they mean."""

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.identity import queries as identity
from api.models import Force, Person, Team
from beatline.installation import Failure


async def force_named(session: AsyncSession, name: str | None) -> Force:
    """By name, short name or police.uk id; without a name the only force there is."""
    statement = select(Force).order_by(col(Force.name))
    if name is not None:
        plain = name.strip().lower()
        names = (col(Force.name), col(Force.short_name), col(Force.police_uk_id))
        statement = statement.where(or_(*(func.lower(column) == plain for column in names)))
    found = (await session.execute(statement)).scalars().all()
    if not found:
        raise Failure(f"There is no force called {name}." if name else "There is no force yet. Run: beatline force add")
    if len(found) > 1:
        raise Failure(f"There are several forces: {', '.join(force.name for force in found)}. Say which: --force NAME")
    return found[0]


async def team_named(session: AsyncSession, name: str, force: str | None = None) -> Team:
    """Two forces may have a team of the same name: then the force must be named as well."""
    statement = select(Team).where(func.lower(col(Team.name)) == name.strip().lower())
    if force is not None:
        statement = statement.where(col(Team.force_id) == (await force_named(session, force)).id)
    found = (await session.execute(statement)).scalars().all()
    if not found:
        known = (await session.execute(select(col(Team.name)).order_by(col(Team.name)))).scalars().all()
        raise Failure(f"There is no team called {name}. There are: {', '.join(known) or 'none yet'}.")
    if len(found) > 1:
        raise Failure(f"Several forces have a team called {name}. Say which: --force NAME")
    return found[0]


async def person_at(session: AsyncSession, email: str) -> Person:
    person = await identity.by_email(session, email)
    if person is None:
        raise Failure(f"Nobody here has the address {email}.")
    return person
