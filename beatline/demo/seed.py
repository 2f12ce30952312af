"""Writes the invented forces into an empty database: everything or nothing, in one transaction."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import service as accounts
from api.accounts.schemas import RegisterPatch
from api.core.clock import now
from api.core.sealing import Seals
from api.forces import service as forces
from api.identity import queries as identity
from api.identity import service as people
from api.library import service as library
from api.models import Force
from api.platforms.values import Platform
from beatline.demo import past, plans, world
from beatline.demo.stage import Stage
from beatline.demo.town import Ours


async def is_seeded(session: AsyncSession) -> bool:
    return (await session.execute(select(Force.id).limit(1))).first() is not None  # type: ignore[call-overload]


async def seed(
    session: AsyncSession, ours: Mapping[str, Ours], town_url: str, sealer: Seals, password_hash: str
) -> None:
    stage = Stage(opened=now())
    for service in world.services():
        await _force(session, stage, service, password_hash)
        await _accounts(session, stage, service, ours, town_url, sealer)
    week = world.week()
    question = await plans.ask(session, stage, week.question)
    await past.write_down(session, stage, ours, week.question, question)
    await plans.record(session, stage, week, question)
    await plans.decide(session, stage, week.priorities)
    await plans.schedule(session, stage, week)


async def _force(session: AsyncSession, stage: Stage, service: world.Service, password_hash: str) -> None:
    force = await forces.add_force(session, None, service.name, service.short_name, service.police_uk_id)
    team = stage.teams[force.id] = await forces.add_team(session, None, force, service.team)
    for place in service.neighbourhoods:
        stage.neighbourhoods[place["id"]] = await forces.add_neighbourhood(
            session, None, team, place["id"], place["name"], place["about"]
        )
    for human in service.people:
        roles = [(role, team.id if human.in_team else None) for role in human.roles]
        person = await people.add_person(session, None, force.id, human.email, human.name, roles)
        if not human.token:
            person.password_hash = password_hash
        await session.flush()
        stage.people[human.id] = person
        stage.viewers[human.id] = await identity.viewer_of(session, person.id)
    await _library(session, stage, force)


async def _library(session: AsyncSession, stage: Stage, force: Force) -> None:
    main = {"id", "title", "category", "text", "short", "fields", "locked"}
    for row in world.standard_posts():
        stage.library[force.id, row["id"]] = await library.add_standard_post(
            session, None, force.id, row["id"], row["title"], row["category"], row["text"],
            short=row["short"], fields=row["fields"], locked=row["locked"],
            details={name: value for name, value in row.items() if name not in main},
        )  # fmt: skip


async def _accounts(
    session: AsyncSession, stage: Stage, service: world.Service, ours: Mapping[str, Ours], url: str, sealer: Seals
) -> None:
    owner = stage.viewers[service.register["owner"]]
    team = stage.teams[owner.force_id]
    register = {name: words for name, words in service.register.items() if name != "owner"}
    for each in service.accounts:
        known = ours[each.handle]
        account = await accounts.add_account(
            session, owner, owner.force_id, team.id if each.team else None, Platform.MASTODON, url,
            known.identity, known.limits, sealer.seal(known.token.secret.encode()), practice=True,
        )  # fmt: skip
        if each.ends_in_days is not None:
            account.token_expires_at = now() + timedelta(days=each.ends_in_days)
        stage.accounts[each.handle] = await accounts.update_register(
            session, owner, account.id, RegisterPatch(owner_id=owner.person_id, **register), None
        )
