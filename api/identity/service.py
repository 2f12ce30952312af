"""Everything that changes people, roles and sessions. Viewer None: somebody at the command line."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.access import service as access
from api.access.service import Action
from api.audit import service as audit
from api.core.clock import now
from api.core.errors import Conflict, DomainError, Invalid, NotFound
from api.core.saving import add_or, change_or
from api.identity import queries, second_factor, secret, throttle
from api.identity.schemas import PersonPatch
from api.identity.tokens import create_token, end_token, end_tokens_of, require_own_keys
from api.models import Force, Membership, Person, Role, SetPasswordLink, SignIn, Team, Viewer

__all__ = ["create_token", "end_token"]

EMAIL = re.compile(r"[^@\s,;<>\"()]+@[^@\s,;<>\"()]+\.[^@\s,;<>\"().]+")
NEEDS_A_TEAM = frozenset({Role.CONTRIBUTOR, Role.TEAM_MEMBER})
KEPT = timedelta(days=30)
"""How long ended sessions and used links stay, for whoever looks into something."""
TAKEN = "That address is in use already. Choose another one."


class LinkOver(DomainError):
    status = 410
    title = "This link is over"

    def __init__(self) -> None:
        super().__init__("This link was used before, or is too old. Ask your administrator for a new one.")


async def add_person(
    session: AsyncSession,
    viewer: Viewer | None,
    force_id: UUID,
    email: str,
    name: str,
    roles: Sequence[tuple[Role, UUID | None]] = (),
) -> Person:
    """Without a password: they choose one by a link."""
    if viewer:
        access.require(viewer, Action.MANAGE_PEOPLE, None)
        if viewer.force_id != force_id:
            raise NotFound()
    person = Person(force_id=force_id, email=clean_email(email), name=name)
    await add_or(session, person, TAKEN)
    audit.record(session, viewer, "people.add", "person", person.id, force_id=force_id)
    for role, team_id in roles:
        await _give(session, viewer, person, role, team_id)
    return person


async def change_person(
    session: AsyncSession, viewer: Viewer, person_id: UUID, patch: PersonPatch, version: int | None
) -> Person:
    person = (await queries.get_person(session, viewer, person_id)).person
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    changes = patch.model_dump(exclude_none=True)
    if patch.email is not None:
        changes["email"] = clean_email(patch.email)
    if not changes:
        return person
    leaves = patch.active is False and person.active
    if leaves:
        await _keep_an_admin(session, person)
    await change_or(session, person, changes, version, TAKEN)
    if leaves:
        await _end_everything(session, person)
    audit.record(session, viewer, "people.change", "person", person.id, changed=" ".join(sorted(changes)))
    return person


async def set_active(session: AsyncSession, viewer: Viewer, person_id: UUID, active: bool) -> Person:
    """A leaver's sessions, tokens and links end at once."""
    return await change_person(session, viewer, person_id, PersonPatch(active=active), None)


async def give_role(
    session: AsyncSession, viewer: Viewer | None, person: Person, role: Role, team_id: UUID | None
) -> Membership:
    if viewer:
        await queries.get_person(session, viewer, person.id)
        access.require(viewer, Action.MANAGE_PEOPLE, None)
    membership = await _give(session, viewer, person, role, team_id)
    await _count_up(session, person)
    return membership


async def take_role(session: AsyncSession, viewer: Viewer, person: Person, membership_id: UUID) -> None:
    known = await queries.get_person(session, viewer, person.id)
    access.require(viewer, Action.MANAGE_PEOPLE, None)
    membership = next((each for each in known.memberships if each.id == membership_id), None)
    if membership is None:
        raise NotFound()
    if membership.role == Role.ADMIN:
        await _keep_an_admin(session, person)
    await session.delete(membership)
    await session.flush()
    await _count_up(session, person)
    audit.record(
        session, viewer, "roles.take", "person", person.id, role=membership.role.value, team_id=membership.team_id
    )


async def reset_second_factor(session: AsyncSession, viewer: Viewer | None, person: Person) -> None:
    """A lost phone: they sign in with their password and set up a new one. Until then no real account is theirs."""
    if viewer:
        await queries.get_person(session, viewer, person.id)
        access.require(viewer, Action.MANAGE_PEOPLE, None)
    second_factor.clear(person)
    await session.flush()
    await end_sign_ins_of(session, person.id)
    audit.record(session, viewer, "second_factor.reset", "person", person.id, force_id=person.force_id)


async def set_password_link(session: AsyncSession, viewer: Viewer | None, person: Person, hours: float = 72) -> str:
    """The secret of a link that works once. A new one ends those before it."""
    if viewer:
        await queries.get_person(session, viewer, person.id)
        access.require(viewer, Action.MANAGE_PEOPLE, None)
    if not person.active:
        raise Conflict("This person is not active. Make them active first.")
    await _end_links(session, person.id)
    fresh = secret.fresh()
    link = SetPasswordLink(
        person_id=person.id, token_hash=secret.digest(fresh), expires_at=now() + timedelta(hours=hours)
    )
    session.add(link)
    audit.record(session, viewer, "set_password_links.add", "person", person.id, force_id=person.force_id)
    return fresh


async def person_of_link(session: AsyncSession, link: str) -> Person:
    """Whose password the link sets: LinkOver if nobody's any more."""
    rows = await session.execute(
        select(Person)
        .join(SetPasswordLink, col(SetPasswordLink.person_id) == col(Person.id))
        .where(*_usable(link), col(Person.active))
    )
    person = rows.scalar_one_or_none()
    if person is None:
        raise LinkOver()
    return person


async def set_password(session: AsyncSession, link: str, password_hash: str) -> Person:
    """Uses the link up. Whoever was signed in as them no longer is."""
    person = await person_of_link(session, link)
    used = await session.execute(
        update(SetPasswordLink).where(*_usable(link)).values(used_at=now()).execution_options(synchronize_session=False)
    )
    if not isinstance(used, CursorResult) or used.rowcount != 1:
        raise LinkOver()
    person.password_hash = password_hash
    await session.flush()
    await end_sign_ins_of(session, person.id)
    viewer = await queries.viewer_of(session, person.id)
    audit.record(session, viewer, "passwords.set", "person", person.id)
    return person


async def end_sign_in(session: AsyncSession, viewer: Viewer, sign_in_id: UUID) -> None:
    """One's own only. Ended twice is ended once."""
    row = await session.get(SignIn, sign_in_id)
    if row is None or row.person_id != viewer.person_id:
        raise NotFound()
    require_own_keys(viewer)
    if row.ended_at is None:
        row.ended_at = now()
        audit.record(session, viewer, "sign_ins.end", "sign_in", row.id)


async def end_other_sign_ins(session: AsyncSession, viewer: Viewer) -> None:
    require_own_keys(viewer)
    await end_sign_ins_of(session, viewer.person_id, but=viewer.sign_in_id)
    audit.record(session, viewer, "sign_ins.end_others", "person", viewer.person_id)


async def end_sign_ins_of(session: AsyncSession, person_id: UUID, but: UUID | None = None) -> None:
    ending = update(SignIn).where(col(SignIn.person_id) == person_id, col(SignIn.ended_at).is_(None))
    if but:
        ending = ending.where(col(SignIn.id) != but)
    await session.execute(ending.values(ended_at=now()))


async def purge(session: AsyncSession) -> None:
    """Clears away what has no more use: old tries, sessions and links that ended long ago."""
    await throttle.purge(session)
    long_ago = now() - KEPT
    for model in (SignIn, SetPasswordLink):
        await session.execute(delete(model).where(col(model.expires_at) < long_ago))


def clean_email(email: str) -> str:
    clean = email.strip().lower()
    if len(clean) > 254 or not EMAIL.fullmatch(clean):
        raise Invalid("That is not an e-mail address. It looks like first.last@force.example.", "email")
    return clean


def _usable(link: str) -> tuple[ColumnElement[bool], ...]:
    return (
        col(SetPasswordLink.token_hash) == secret.digest(link),
        col(SetPasswordLink.used_at).is_(None),
        col(SetPasswordLink.expires_at) > now(),
    )


async def _give(
    session: AsyncSession, viewer: Viewer | None, person: Person, role: Role, team_id: UUID | None
) -> Membership:
    if role == Role.ADMIN and team_id:
        raise Invalid("An administrator is one for the whole force: leave the team out.", "team_id")
    if role in NEEDS_A_TEAM and team_id is None:
        raise Invalid("Say in which team.", "team_id")
    if team_id:
        team = await session.get(Team, team_id)
        if team is None or team.force_id != person.force_id:
            raise NotFound("There is no such team in your force.")
    membership = Membership(person_id=person.id, role=role, team_id=team_id)
    await add_or(session, membership, "They have that role already.")
    audit.record(
        session, viewer, "roles.give", "person", person.id,
        force_id=person.force_id, role=role.value, team_id=team_id,
    )  # fmt: skip
    return membership


async def _keep_an_admin(session: AsyncSession, leaving: Person) -> None:
    """One administrator at a time may leave, and never the last one: nobody could let anybody in again."""
    if not leaving.active:
        return
    await session.execute(select(Force).where(col(Force.id) == leaving.force_id).with_for_update())
    others = await session.execute(
        select(func.count())
        .select_from(Membership)
        .join(Person, col(Person.id) == col(Membership.person_id))
        .where(
            col(Person.force_id) == leaving.force_id,
            col(Person.active),
            col(Person.id) != leaving.id,
            col(Membership.role) == Role.ADMIN,
        )
    )
    is_admin = await session.execute(
        select(Membership).where(col(Membership.person_id) == leaving.id, col(Membership.role) == Role.ADMIN)
    )
    if is_admin.first() and not others.scalar_one():
        raise Conflict("They are the force's last administrator. Make somebody else one first.")


async def _end_everything(session: AsyncSession, person: Person) -> None:
    await end_sign_ins_of(session, person.id)
    await end_tokens_of(session, person.id)
    await _end_links(session, person.id)


async def _end_links(session: AsyncSession, person_id: UUID) -> None:
    await session.execute(
        update(SetPasswordLink)
        .where(col(SetPasswordLink.person_id) == person_id, col(SetPasswordLink.used_at).is_(None))
        .values(used_at=now())
    )


async def _count_up(session: AsyncSession, person: Person) -> None:
    """Roles are part of what is read of a person: whoever read them before is told."""
    person.version += 1
    person.updated_at = now()
    await session.flush()
