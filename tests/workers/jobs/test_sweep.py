"""What has passed its date goes by itself, and nothing else does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import SQLModel

from api.accounts import secrets
from api.core.clock import Clock, now
from api.core.runtime import Runtime
from api.core.sealing import Sealed
from api.models import (
    AlertMessage,
    Answer,
    Arrival,
    Connection,
    IdempotencyKey,
    Message,
    MessageChannel,
    MessageEvent,
    MessageState,
    Question,
    Secret,
    SecretKind,
    SetPasswordLink,
    Sighting,
    SightingState,
    SignIn,
    Source,
    Throttle,
)
from api.outbox import service as outbox
from api.platforms.values import Platform
from tests.support.factories import Cast, an_account
from tests.support.small_town import SmallTown
from tests.support.talk import hear, said
from workers.context import Context
from workers.jobs import sweep
from workers.jobs.sweep import Sweeper
from workers.platforms import CONNECTORS
from workers.vault import Vault


@pytest.fixture
def context(runtime: Runtime) -> Context:
    return Context(runtime, SmallTown(), CONNECTORS, Vault([bytes(range(32))]))


def passing(cast: Cast) -> list[Any]:
    """One of everything that ends, ending in an hour."""
    soon, person = now() + timedelta(hours=1), cast.alice.person_id
    return [
        IdempotencyKey(owner="o", route="r", key="k", body_hash="h", status=200, body="", expires_at=soon),
        SignIn(person_id=person, token_hash="t", last_seen_at=now(), expires_at=soon),
        SetPasswordLink(person_id=person, token_hash="l", expires_at=soon),
        Throttle(key="k", last_failure_at=soon),
        Connection(
            force_id=cast.force.id, person_id=person, platform=Platform.MASTODON, instance="https://town.example",
            redirect_uri="https://beatline.example/back", expires_at=soon,
        ),
    ]  # fmt: skip


async def kinds(runtime: Runtime) -> set[type]:
    models: list[type[SQLModel]] = [
        IdempotencyKey, SignIn, SetPasswordLink, Throttle, Connection, Message, Arrival, Secret, AlertMessage, Sighting
    ]  # fmt: skip
    async with runtime.read() as session:
        return {model for model in models if (await session.execute(select(model).limit(1))).first()}


async def test_everything_that_ends_is_cleared_away_after_its_time(
    runtime: Runtime, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    async with runtime.unit_of_work() as session:
        things = passing(cast)
        session.add_all(things)
        await session.flush()
        await secrets.put(session, things[-1].id, SecretKind.VERIFIER, Sealed("k", b"sealed"))
        account = await an_account(session, cast.force, cast.team)
        await hear(session, account, said())
        session.add(
            Arrival(
                account_id=account.id, stream="mentions", remote_id="1", content_hash="h", payload={},
                received_at=now(), purge_at=now() + timedelta(hours=1),
            )
        )  # fmt: skip
        session.add(
            AlertMessage(
                force_id=cast.force.id, channel=MessageChannel.MAIL, event=MessageEvent.OPENED,
                state=MessageState.SENT, next_try_at=now(),
            )
        )  # fmt: skip
        delivery = await outbox.queue(session, cast.alice, account, "Road closed", now())
        session.add(
            Sighting(
                force_id=cast.force.id, delivery_id=delivery.id, asked_by_id=cast.alice.person_id, url="https://a.example/1",
                next_try_at=now(), state=SightingState.REJECTED,
            )
        )  # fmt: skip
    everything = await kinds(runtime)
    assert len(everything) == 10
    await Sweeper(context).step()
    assert await kinds(runtime) == everything
    moved_clock.pass_time(hours=2)
    await Sweeper(context).step()
    assert await kinds(runtime) == everything - {IdempotencyKey, Arrival}
    moved_clock.pass_time(days=2)
    await Sweeper(context).step()
    assert await kinds(runtime) == {SignIn, Message, AlertMessage, Sighting}
    moved_clock.pass_time(days=40)
    await Sweeper(context).step()
    assert await kinds(runtime) == {Message}
    moved_clock.pass_time(days=cast.force.keep_days)
    await Sweeper(context).step()
    assert await kinds(runtime) == set()


async def test_answers_lose_their_words_and_still_count(
    runtime: Runtime, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    async with runtime.unit_of_work() as session:
        question = Question(
            force_id=cast.force.id, team_id=cast.team.id, neighbourhood_id=cast.neighbourhood.id, text="Name three",
            opens_at=now(), asked_by_id=cast.alice.person_id,
        )  # fmt: skip
        session.add(question)
        await session.flush()
        session.add(
            Answer(
                question_id=question.id, source=Source.DOORSTEP, text="my neighbour", place="12 Mill Lane",
                answered_at=now(), keep_until=now() + timedelta(days=1),
            )
        )  # fmt: skip
    moved_clock.pass_time(days=2)
    for _ in range(2):
        await Sweeper(context).step()
    async with runtime.read() as session:
        answer = (await session.execute(select(Answer))).scalar_one()
    assert (answer.text, answer.place, answer.source, answer.version) == ("", "", Source.DOORSTEP, 2)


async def test_many_go_in_small_steps(
    runtime: Runtime, cast: Cast, context: Context, moved_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "BATCH", 10)
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team)
        await hear(session, account, *(said() for _ in range(35)))
    moved_clock.pass_time(days=cast.force.keep_days + 1)
    await Sweeper(context).step()
    assert Message not in await kinds(runtime)


async def test_two_sweepers_at_once_do_no_harm(
    runtime: Runtime, cast: Cast, context: Context, moved_clock: Clock
) -> None:
    async with runtime.unit_of_work() as session:
        session.add_all(passing(cast))
        account = await an_account(session, cast.force, cast.team)
        await hear(session, account, *(said() for _ in range(30)))
    moved_clock.pass_time(days=cast.force.keep_days + 40)
    await asyncio.gather(*(Sweeper(context).step() for _ in range(3)))
    assert await kinds(runtime) == set()
