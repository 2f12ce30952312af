"""Two accounts in a practice town inside this process, the dispatcher, and whoever does errands, one turn at a time."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select
from sqlmodel import col

from api.accounts import secrets
from api.core.clock import now
from api.core.runtime import Runtime
from api.inbox import service as inbox
from api.models import Account, Delivery, Errand, Message, Post, SecretKind, Team, Viewer
from api.platforms.errors import NotSent, PlatformError, Unknown
from api.platforms.values import Address, Platform, RawItem, Request, Response
from api.posts import service as posts
from api.posts.schemas import PostIn
from tests.support.factories import Cast
from tests.support.small_town import SmallTown
from tests.support.stage import QUICK, Stage
from workers.jobs.errands import Errands
from workers.platforms import mastodon
from workers.town.app import create_app
from workers.town.settings import TownSettings

TOWN = "http://town.example"
FORCE, NORTH = "sandfordvale", "sandfordnorth"


class InTown(SmallTown):
    """A carrier to a whole town without a socket. A connection that it drops is a lost answer, as on a real one."""

    def __init__(self) -> None:
        super().__init__()
        tokens = {handle: f"token-{handle}" for handle in (FORCE, NORTH, "jom")}
        chosen: Mapping[str, Any] = {"scenario": "empty", "pace": "still", "key": "trainer", "base_url": TOWN}
        self.app = create_app(TownSettings(tokens=tokens, **chosen))
        self.asked: list[tuple[str, str]] = []

    async def send(self, request: Request) -> Response:
        path = httpx.URL(request.url).path
        self.asked.append((request.method, path))
        if not request.url.startswith(TOWN):
            raise NotSent("The server could not be reached.")
        try:
            async with self.client() as client:
                answer = await client.request(
                    request.method, request.url, headers=dict(request.headers), content=request.body
                )
        except ConnectionResetError as error:
            raise self._lost_answer(request) from error
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, answer.content)

    def _lost_answer(self, request: Request) -> PlatformError:
        sentence = "The server's answer was lost."
        return Unknown(sentence) if request.creates else NotSent(sentence)

    def client(self, handle: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer token-{handle}"} if handle else {"X-Town-Key": "trainer"}
        transport = httpx.ASGITransport(self.app, client=("127.0.0.1", 1))
        return httpx.AsyncClient(transport=transport, base_url=TOWN, headers=headers)

    async def control(self, method: str, path: str, **more: Any) -> Any:
        async with self.client() as client:
            answer = await client.request(method, f"/town{path}", **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def faults(self, *rules: Mapping[str, object], **switches: object) -> None:
        """Replaces all faults; without arguments everything works again."""
        await self.control("PUT", "/faults", json={"rules": rules, "switches": switches})

    async def ask(self, path: str, handle: str = NORTH) -> httpx.Response:
        async with self.client(handle) as client:
            return await client.get(f"/api/v1/statuses/{path}")

    async def by(self, handle: str, path: str, method: str = "POST", **body: Any) -> Any:
        """What somebody does there themselves."""
        async with self.client(handle) as client:
            answer = await client.request(method, f"/api/v1/statuses{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def stands(self, delivery: Delivery, handle: str = NORTH) -> str | None:
        """The words that stand there; None when they are gone."""
        answer = await self.ask(f"{delivery.remote_id}/source", handle)
        return answer.json()["text"] if answer.status_code == 200 else None


@dataclass
class Practice(Stage):
    """`vale` is the force's own account, `north` the team's."""

    town: InTown = field(default_factory=InTown)
    vale: Account = None  # type: ignore[assignment]
    north: Account = None  # type: ignore[assignment]

    async def settle_in(self) -> None:
        self.vale = await self._account(FORCE, None)
        self.north = await self._account(NORTH, self.cast.team)

    async def _account(self, handle: str, team: Team | None) -> Account:
        async with self.town.client(handle) as client:
            me = (await client.get("/api/v1/accounts/verify_credentials")).json()
        async with self.runtime.unit_of_work() as session:
            account = Account(
                force_id=self.cast.force.id, team_id=team.id if team else None, platform=Platform.MASTODON,
                instance=TOWN, remote_id=me["id"], handle=f"{handle}@town.example", name=me["display_name"],
                practice=True, last_poll_at=now(),
            )  # fmt: skip
            session.add(account)
            await session.flush()
            token = self.vault.sealer.seal(f"token-{handle}".encode())
            await secrets.put(session, account.id, SecretKind.ACCESS_TOKEN, token)
        return account

    async def publish(self, viewer: Viewer, account: Account, text: str) -> Post:
        """Written and due now."""
        async with self.runtime.unit_of_work() as session:
            data = PostIn(team_id=self.cast.team.id, text=text, account_ids=[account.id], publish_at=now())
            return await posts.create(session, viewer, data)

    async def sent(self, viewer: Viewer, account: Account, text: str) -> tuple[Post, Delivery]:
        """Out in the town."""
        post = await self.publish(viewer, account, text)
        await self.send()
        return await self.post(post.id), (await self.deliveries(post.id))[0]

    async def send(self) -> None:
        """Everything that is due goes out."""
        self.start()
        await self.settled()
        await self.stop()

    async def errands(self, turns: int = 20) -> None:
        """Whoever does errands looks until there is nothing to do now."""
        worker = Errands(self.context)
        for _ in range(turns):
            if await worker.step():
                return

    async def post(self, post_id: UUID) -> Post:
        async with self.runtime.read() as session:
            return await session.get_one(Post, post_id)

    async def deliveries(self, post_id: UUID) -> list[Delivery]:
        async with self.runtime.read() as session:
            rows = await session.execute(
                select(Delivery).where(col(Delivery.post_id) == post_id).order_by(col(Delivery.id))
            )
            return list(rows.scalars())

    async def asked(self) -> list[Errand]:
        async with self.runtime.read() as session:
            return list((await session.execute(select(Errand).order_by(col(Errand.id)))).scalars())

    async def hears(self, text: str, by: str = "jom") -> Message:
        """Somebody writes to the team's account, and it stands in the inbox."""
        await self.town.by(by, "", status=f"@{NORTH} {text}")
        async with self.town.client(NORTH) as client:
            listed = (await client.get("/api/v1/notifications")).json()
        status = next(each["status"] for each in listed if text in each["status"]["content"])
        address = Address(Platform.MASTODON, TOWN, self.north.remote_id, self.north.handle)
        seen = inbox.Seen(mastodon.read(address, RawItem(status["id"], status)), now())
        async with self.runtime.unit_of_work() as session:
            (message,) = await inbox.receive(session, self.north, [seen])
        return message

    async def message(self, message_id: UUID) -> Message:
        async with self.runtime.read() as session:
            return await session.get_one(Message, message_id)


@asynccontextmanager
async def practising(runtime: Runtime, cast: Cast) -> AsyncIterator[Practice]:
    runtime.settings = runtime.settings.model_copy(update=QUICK)
    practice = Practice(runtime, cast, InTown())
    await practice.settle_in()
    yield practice
    await practice.close()
