"""Trials: a few deliveries on their way through faults and dying workers, and a judge who looks at both sides.

Many run side by side on one town and one sky. A slot is what one of them has for itself: an account on each
platform, and a database of each kind.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.database import Database
from api.core.ids import new_id
from api.core.jobs import Job
from api.core.runtime import Runtime
from api.core.settings import Settings
from api.models import Account, AccountState, Delivery, DeliveryState, SecretKind, Viewer
from api.outbox import service as outbox
from api.platforms.values import Platform, Visibility
from tests.support import databases, means
from tests.support.dying import Plan
from tests.support.factories import a_cast
from tests.support.sky import RunningSky, running_sky
from tests.support.stage import OPEN
from tests.support.town import RunningTown, running_town
from tests.support.worker_process import WorkerProcess
from workers.queue import ArqQueue
from workers.vault import Keyring

PEOPLE = ("jom", "lollylin", "cferris", "tyreflip", "maisieb", "rayhartley", "wendywheels", "margaret_bl", "gurpreet_k")
"""Whose accounts the trials use, one each. They speak for a police team here."""
RESIDENT = "shaz_ng"
QUICK = {
    "look_ahead": 1.0, "lease": 1.2, "dispatch_interval": 0.1, "request_timeout": 0.6, "read_back_wait": 2.0,
    "drain": 1.0, "in_flight": 50, "claim_batch": 60,
}  # fmt: skip
SETTLES_WITHIN = 120.0
"""Seconds; a few are enough, on a machine that has nothing else to do."""
GONE = {DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.CANCELLED}


class Kind:
    POST, REPLY, DIRECT = "post", "reply", "direct"


KINDS = (Kind.POST, Kind.REPLY, Kind.DIRECT)


@dataclass
class Ground:
    """What all trials stand on."""

    town: RunningTown
    sky: RunningSky
    slots: "asyncio.Queue[Slot]"

    def server(self, platform: Platform) -> RunningTown:
        return self.sky if platform is Platform.BLUESKY else self.town


@dataclass(frozen=True)
class Slot:
    name: str
    folder: Path
    template: Path
    postgresql: str


@asynccontextmanager
async def a_ground(folder: Path, template: Path) -> AsyncIterator[Ground]:
    """With as many slots as there are people to speak for."""
    async with running_town(PEOPLE, rate_limit=1_000_000) as town, running_sky(PEOPLE) as sky:
        slots: asyncio.Queue[Slot] = asyncio.Queue()
        urls = []
        for name in PEOPLE:
            (folder / name).mkdir()
            urls.append(await databases.own_postgresql(means.DATABASE_URL, f"_{name}") if means.DATABASE_URL else "")
            slots.put_nowait(Slot(name, folder / name, template, urls[-1]))
        try:
            yield Ground(town, sky, slots)
        finally:
            for url in filter(None, urls):
                await databases.drop_postgresql(means.DATABASE_URL, url)


@dataclass
class Sent:
    """What was queued: a delivery, and on which platform."""

    id: UUID
    platform: Platform
    text: str


@dataclass
class Trial:
    ground: Ground
    slot: Slot
    runtime: Runtime
    viewer: Viewer
    sealer: Any
    name: str = field(default_factory=lambda: new_id().hex[-8:])
    accounts: dict[Platform, Account] = field(default_factory=dict)
    queued: list[Sent] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)

    async def connect(self, platform: Platform) -> None:
        """The slot's person, on this platform, with a permission that works."""
        server = self.ground.server(platform)
        secret, remote_id, handle = await self._permission(platform)
        account = Account(
            force_id=self.viewer.force_id, platform=platform, instance=server.url, remote_id=remote_id,
            handle=handle, name=handle, practice=True,
        )  # fmt: skip
        async with self.runtime.unit_of_work() as session:
            session.add(account)
            await session.flush()
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, self.sealer.seal(secret.encode()))
        self.accounts[platform] = account

    async def _permission(self, platform: Platform) -> tuple[str, str, str]:
        if platform is Platform.BLUESKY:
            session = await self.ground.sky.session(self.slot.name)
            return self.ground.sky.token(session).secret, session["did"], session["handle"]
        token = self.ground.town.tokens[self.slot.name]
        if platform in self.accounts:  # it never runs out, and asking who we are may be struck by a fault
            return token, self.accounts[platform].remote_id, self.accounts[platform].handle
        async with self.ground.town.client(self.slot.name) as client:
            me = (await client.get("/api/v1/accounts/verify_credentials")).json()
        return token, me["id"], f"{me['acct']}@town.example"

    async def connect_again(self, account: Account) -> None:
        """As an administrator does when a server has taken our permission away."""
        secret, _, _ = await self._permission(account.platform)
        async with self.runtime.unit_of_work() as session:
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, self.sealer.seal(secret.encode()))
            (await session.get_one(Account, account.id)).state = AccountState.ACTIVE

    async def queue(
        self, platform: Platform, kind: str, after: float = 0.3, words: str = "", useful: float | None = None
    ) -> Sent:
        text = f"{words or f'Number {len(self.queued)}'} of {self.name}"
        visibility, answers = Visibility.PUBLIC, None
        if kind != Kind.POST:
            answers = await self._asked(platform, kind)
        if kind == Kind.DIRECT:
            visibility = Visibility.DIRECT
            text = f"@{RESIDENT} {text}" if platform is Platform.MASTODON else text
        due = now() + timedelta(seconds=after)
        async with self.runtime.unit_of_work() as session:
            delivery = await outbox.queue(
                session, self.viewer, self.accounts[platform], text, due,
                due + timedelta(seconds=useful) if useful else None, visibility=visibility, in_reply_to=answers,
            )  # fmt: skip
        self.queued.append(Sent(delivery.id, platform, text))
        return self.queued[-1]

    async def _asked(self, platform: Platform, kind: str) -> str:
        """A resident says something that can be answered."""
        visibility = "direct" if kind == Kind.DIRECT else "public"
        server = self.ground.server(platform)
        said = await server.say(RESIDENT, "Is anybody there?", to=self.slot.name, visibility=visibility)
        return str(said["id"])

    def work(self, plan: Plan | None = None) -> WorkerProcess:
        worker = WorkerProcess(self.runtime.settings)
        worker.start(plan)
        self.workers.append(worker)
        self.runtime.wake(Job("send"))
        return worker

    async def deliveries(self) -> dict[UUID, Delivery]:
        async with self.runtime.read() as session:
            rows = (await session.execute(select(Delivery).order_by(col(Delivery.id)))).scalars()
            return {row.id: row for row in rows}

    async def settled(self) -> dict[UUID, Delivery]:
        """Until nothing is on its way. What waits for an account that was turned away waits for a person: here for us."""
        async with asyncio.timeout(SETTLES_WITHIN):
            while any(each.state in OPEN for each in (await self.deliveries()).values()):
                await self._reconnect()
                await asyncio.sleep(0.1)
        return await self.deliveries()

    async def _reconnect(self) -> None:
        async with self.runtime.read() as session:
            rows = await session.execute(select(Account).where(col(Account.state) != AccountState.ACTIVE))
            turned_away = list(rows.scalars())
        for account in turned_away:
            await self.connect_again(account)

    async def everything_is_true(self) -> Counter[DeliveryState]:
        """Each side says the same: nothing lost, nothing doubled, no state that is not so."""
        deliveries = await self.deliveries()
        for platform in self.accounts:
            there = await self.ground.server(platform).posts(self.slot.name, "api")
            mine = [sent for sent in self.queued if sent.platform is platform]
            wrong = untrue([deliveries[sent.id] for sent in mine], there)
            assert not wrong, "\n".join(wrong)
        return Counter(each.state for each in deliveries.values())


def untrue(deliveries: Sequence[Delivery], there: Sequence[dict[str, Any]]) -> list[str]:
    """Sentences about what is not as it is shown, for one account."""
    ids, texts = {post["id"]: post["text"] for post in there}, Counter(post["text"] for post in there)
    wrong = [f"still {each.state}: {each.text}" for each in deliveries if each.state in OPEN]
    for each in deliveries:
        if each.state is DeliveryState.SENT and ids.get(each.remote_id or "") != each.text:
            wrong.append(f"lost: {each.text} is not there as {each.remote_id}")
    named = Counter(each.remote_id for each in deliveries if each.state is DeliveryState.SENT)
    wrong += [f"two deliveries claim {name}" for name, times in named.items() if times > 1]
    sent = Counter(each.text for each in deliveries if each.state is DeliveryState.SENT)
    unsure = Counter(each.text for each in deliveries if each.state is DeliveryState.NEEDS_PERSON)
    for text in {each.text for each in deliveries}:
        if not sent[text] <= texts[text] <= sent[text] + unsure[text]:
            wrong.append(f"{texts[text]} times there, {sent[text]} sent: {text}")
    return wrong


@asynccontextmanager
async def a_trial(ground: Ground, *, sqlite: bool) -> AsyncIterator[Trial]:
    """Waits for a slot, and leaves it clean."""
    slot = await ground.slots.get()
    url = databases.sqlite_copy(slot.template, slot.folder) if sqlite else slot.postgresql
    if not sqlite:
        await databases.clear_postgresql(url)
    redis_url = "memory://" if sqlite or not means.REDIS_URL else means.REDIS_URL
    settings = Settings(
        data_dir=slot.folder, database_url=url, redis_url=redis_url,
        allow_private_hosts=frozenset({f"127.0.0.1:{server.port}" for server in (ground.town, ground.sky)}), **QUICK,
    )  # fmt: skip
    queue = ArqQueue(redis_url) if redis_url != "memory://" else None
    runtime = Runtime(settings, Database(url, pool=2), queue) if queue else Runtime(settings, Database(url, pool=2))
    ring = Keyring(settings.keys).load_or_generate()
    async with runtime.unit_of_work() as session:
        cast = await a_cast(session)
    trial = Trial(ground, slot, runtime, cast.ellie, ring.sealer)
    try:
        yield trial
    finally:
        for worker in trial.workers:
            worker.kill()
        if queue:
            await queue.close()
        await runtime.close()
        for left in slot.folder.glob("beatline.db*"):
            left.unlink()
        ground.slots.put_nowait(slot)
