"""Trials: a few deliveries on their way through faults and dying workers, and a judge who looks at both sides.

Many run side by side on one town and one sky. A slot is what one of them has for itself: an account on each
platform, and a database of each kind.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
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
from api.media.store import store_of
from api.models import Account, AccountState, Delivery, DeliveryState, Media, MediaKind, SecretKind, Viewer
from api.outbox import service as outbox
from api.platforms.values import Platform, Visibility
from tests.support import databases, means
from tests.support.dying import Plan
from tests.support.factories import Cast, a_cast
from tests.support.judge import out_of_order, untrue
from tests.support.photos import plain
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
PICTURE = plain(32, 24)
SETTLES_WITHIN = 120.0
"""Seconds; a few are enough, on a machine that has nothing else to do."""
GONE = {DeliveryState.REFUSED, DeliveryState.MISSED, DeliveryState.CANCELLED}


class Kind:
    POST, REPLY, DIRECT = "post", "reply", "direct"
    REPOST, THREAD, PICTURE = "repost", "thread", "picture"


KINDS = (Kind.POST, Kind.REPLY, Kind.DIRECT)
MORE = (Kind.REPOST, Kind.THREAD, Kind.PICTURE)


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
    cast: Cast
    sealer: Any
    name: str = field(default_factory=lambda: new_id().hex[-8:])
    accounts: dict[Platform, Account] = field(default_factory=dict)
    queued: list[Sent] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)
    pictured: dict[str, str] = field(default_factory=dict)
    """The ids of pictures, with the words for people who cannot see them."""

    @property
    def viewer(self) -> Viewer:
        return self.cast.ellie

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
        """The first of what it becomes: a thread is three."""
        text = f"{words or f'Number {len(self.queued)}'} of {self.name}"
        more = await self._what_makes_it(platform, kind)
        if kind == Kind.DIRECT and platform is Platform.MASTODON:
            text = f"@{RESIDENT} {text}"
        texts = ("",) if kind == Kind.REPOST else (text, f"{text}, 2", f"{text}, 3")[: 3 if kind == Kind.THREAD else 1]
        due = now() + timedelta(seconds=after)
        until = due + timedelta(seconds=useful) if useful else None
        async with self.runtime.unit_of_work() as session:
            rows = await outbox.queue_parts(session, self.viewer, self.accounts[platform], texts, due, until, **more)
        sent = [Sent(row.id, platform, row.text) for row in rows]
        self.queued += sent
        return sent[0]

    async def _what_makes_it(self, platform: Platform, kind: str) -> dict[str, Any]:
        match kind:
            case Kind.REPLY:
                return {"in_reply_to": (await self._said(platform))["id"]}
            case Kind.DIRECT:
                asked = await self._said(platform, "direct")
                return {"in_reply_to": asked["id"], "visibility": Visibility.DIRECT}
            case Kind.REPOST:
                said = await self._said(platform)
                return {"shares": said["id"] if platform is Platform.BLUESKY else said["url"]}
            case Kind.PICTURE:
                return {"media_ids": [await self._picture()]}
        return {}

    async def _said(self, platform: Platform, visibility: str = "public") -> dict[str, Any]:
        """A resident says something that can be answered, and passed on."""
        server = self.ground.server(platform)
        return await server.say(RESIDENT, "Is anybody there?", to=self.slot.name, visibility=visibility)

    async def _picture(self) -> UUID:
        """In our store, and with words of its own."""
        file = self.slot.folder / "picture.png"
        file.write_bytes(PICTURE)
        alt = f"Picture {len(self.pictured)} of {self.name}"
        async with self.runtime.unit_of_work() as session:
            row = Media(
                force_id=self.viewer.force_id, team_id=self.cast.team.id, uploaded_by_id=self.viewer.person_id, kind=MediaKind.IMAGE,
                content_type="image/png", file=f"{self.name}/{len(self.pictured)}.png", sha256="0" * 64,
                size=len(PICTURE), width=32, height=24, alt=alt,
            )  # fmt: skip
            session.add(row)
        await store_of(self.runtime.settings).put(row.file, file)
        self.pictured[str(row.id)] = alt
        return row.id

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
            server = self.ground.server(platform)
            there = await server.posts(self.slot.name, "api") + await server.shares(self.slot.name)
            mine = [sent for sent in self.queued if sent.platform is platform]
            rows = [deliveries[sent.id] for sent in mine]
            wrong = untrue(rows, there, self.pictured) + out_of_order(rows)
            assert not wrong, "\n".join(wrong)
        return Counter(each.state for each in deliveries.values())

    async def kinds_sent(self) -> set[str]:
        """Which of the rarer kinds are out."""
        sent = [each for each in (await self.deliveries()).values() if each.state is DeliveryState.SENT]
        seen = {Kind.REPOST: any(each.shares for each in sent), Kind.PICTURE: any(each.media_ids for each in sent)}
        seen[Kind.THREAD] = any(each.part == each.parts > 1 for each in sent)
        return {kind for kind, is_seen in seen.items() if is_seen}


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
    trial = Trial(ground, slot, runtime, cast, ring.sealer)
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
