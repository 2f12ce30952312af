"""A team at its Bluesky account, with a worker that can be told when to look."""

from dataclasses import dataclass
from random import Random
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import clock, now
from api.core.runtime import Runtime
from api.intake import feeds
from api.models import Account, Conversation, Delivery, DeliveryState, Message, Post, SecretKind
from api.outbox import service as outbox
from api.platforms.values import (
    Platform,
)
from tests.support.bluesky.people import Person, run_out
from tests.support.factories import Cast, an_account
from tests.support.stage import QUICK, Stage
from workers.context import Context
from workers.jobs.poll import LEASE, Poller
from workers.jobs.read import Reader
from workers.platforms import CONNECTORS
from workers.vault import Vault


@dataclass
class Desk:
    """A team at its Bluesky account, with somebody who polls and reads when told."""

    runtime: Runtime
    context: Context
    account: Account

    @classmethod
    async def at(cls, us: Person, runtime: Runtime, cast: Cast) -> "Desk":
        runtime.settings = runtime.settings.model_copy(update={**QUICK, "request_timeout": 20.0})
        vault = Vault([bytes(range(32))])
        async with runtime.unit_of_work() as session:
            account = await an_account(session, cast.force, cast.team, us.handle, instance=us.who.address.instance)
            account.platform, account.remote_id = Platform.BLUESKY, us.who.address.remote_id
            sealed = vault.sealer.seal(run_out(us.token).secret.encode())
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, sealed)
        return cls(runtime, Context(runtime, us.carrier, CONNECTORS, vault), account)

    async def queue(self, text: str, cast: Cast) -> Delivery:
        async with self.runtime.unit_of_work() as session:
            post = Post(force_id=cast.force.id, team_id=cast.team.id, author_id=cast.alice.person_id, text=text)
            session.add(post)
            await session.flush()
            return await outbox.queue(
                session, cast.alice, self.account, text, now(), post_id=post.id, team_id=cast.team.id
            )

    async def poll(self) -> None:
        clock.pass_time(seconds=self.runtime.settings.poll_interval)
        async with self.runtime.unit_of_work() as session:
            row = await session.get_one(Account, self.account.id)
            row.next_poll_at = row.poll_lease_until = None
        async with self.runtime.unit_of_work() as session:
            (claimed,) = await feeds.claim(session, LEASE, 5)
        await Poller(self.context, Random(1)).read(claimed)
        await Reader(self.context).step()

    async def messages(self) -> list[Message]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Message).order_by(col(Message.sort_at)))).scalars())

    async def talks(self) -> list[Conversation]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Conversation))).scalars())

    async def sent(self, stage: Stage, message_id: UUID) -> Delivery:
        async with self.runtime.read() as session:
            rows = await session.execute(select(Delivery).where(col(Delivery.message_id) == message_id))
            delivery = rows.scalar_one()
        return await stage.is_in(delivery, DeliveryState.SENT, 20)
