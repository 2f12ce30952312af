"""A link on Bluesky has a card that we make: kept before it is said, and never worth a post."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from api.accounts import secrets
from api.core.runtime import Runtime
from api.models import Account, Delivery, DeliveryState, SecretKind
from api.outbox import service as outbox
from api.platforms.errors import NotSent, Unknown
from api.platforms.values import Platform, Request, Response
from tests.support.stage import Stage
from tests.workers.platforms.bluesky_fake import KEPT_AT, TOKEN, Server, no, put
from tests.workers.platforms.fake import reply
from workers.jobs import cards

TEXT = "Lock up your shed: https://www.police.uk/sheds and @amy.example"
PAGE = b"<title>Sheds</title><meta name=description content='Lock it.'>"
HTML = {"content-type": "text/html"}
CARD = {"uri": "https://www.police.uk/sheds", "title": "Sheds", "description": "Lock it."}


PICTURE = b"\xff\xd8\xff a shed"


class Internet:
    """A Bluesky server, and beside it one page and its picture."""

    def __init__(self, page: Callable[[], Response]) -> None:
        self.page, self.read, self.lost = page, 0, 0
        self.server = Server(putRecord=put, resolveHandle=no("InvalidRequest"))

    async def send(self, request: Request) -> Response:
        await asyncio.sleep(0)
        if request.url.endswith(".jpg"):
            return Response(200, {"content-type": "image/jpeg"}, PICTURE)
        if not request.url.startswith(KEPT_AT):
            self.read += 1
            assert "authorization" not in {name.lower() for name in request.headers}
            return self.page()
        answer = self.server(request)
        if "putRecord" in request.url and self.lost:
            self.lost -= 1
            raise Unknown("The server's answer was lost.")
        return answer

    @property
    def embeds(self) -> list[Any]:
        return [body["record"].get("embed") for body in self.server.bodies("putRecord")]


@pytest.fixture
async def account(stage: Stage, runtime: Runtime) -> Account:
    account = await stage.account()
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Account, account.id)
        row.platform, row.instance, row.remote_id = Platform.BLUESKY, "https://social.example", "did:plc:us"
        sealed = stage.vault.sealer.seal(TOKEN.secret.encode())
        await secrets.put(session, row.id, SecretKind.ACCESS_TOKEN, sealed)
    return account


def on(stage: Stage, internet: Internet) -> None:
    """The stage's worker speaks to this internet."""
    stage.town = internet  # type: ignore[assignment]


async def test_a_link_is_shown_with_what_its_page_says(stage: Stage, account: Account) -> None:
    internet = Internet(lambda: Response(200, HTML, PAGE))
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    kept = await stage.is_in(delivery, DeliveryState.SENT)
    assert internet.embeds == [{"$type": "app.bsky.embed.external", "external": CARD}]
    assert kept.card == {"url": CARD["uri"], "title": "Sheds", "description": "Lock it.", "image": ""}


async def test_every_attempt_says_the_same_though_the_page_has_changed(stage: Stage, account: Account) -> None:
    pages = [Response(200, HTML, PAGE)]
    internet = Internet(lambda: pages.pop() if pages else Response(200, HTML, b"<title>Changed</title>"))
    internet.lost = 1
    internet.server = Server(putRecord=put, resolveHandle=no("InvalidRequest"), getRecord=no("RecordNotFound"))
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENT)
    assert internet.read == 1
    assert len(internet.embeds) == 2
    assert internet.embeds[0] == internet.embeds[1]


BLOB = {"$type": "blob", "ref": {"$link": "bafyshed"}, "mimeType": "image/jpeg", "size": len(PICTURE)}


@pytest.mark.parametrize("lost", [0, 1])
async def test_its_picture_comes_along_each_time(stage: Stage, account: Account, lost: int) -> None:
    page = PAGE + b"<meta property='og:image' content='/shed.jpg'>"
    internet = Internet(lambda: Response(200, HTML, page))
    internet.lost = lost
    internet.server = Server(
        putRecord=put,
        resolveHandle=no("InvalidRequest"),
        getRecord=no("RecordNotFound"),
        uploadBlob=reply({"blob": BLOB}),
    )
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENT)
    assert [embed["external"] for embed in internet.embeds] == [{**CARD, "thumb": BLOB}] * (lost + 1)
    uploads = [asked for asked in internet.server.asked if "uploadBlob" in asked.url]
    assert {asked.body for asked in uploads} == {PICTURE}


async def test_a_picture_that_is_not_taken_costs_itself_alone(stage: Stage, account: Account) -> None:
    page = PAGE + b"<meta property='og:image' content='/shed.jpg'>"
    internet = Internet(lambda: Response(200, HTML, page))
    internet.server = Server(putRecord=put, resolveHandle=no("InvalidRequest"), uploadBlob=no("BlobTooLarge"))
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENT)
    assert [embed["external"] for embed in internet.embeds] == [CARD]


@pytest.mark.parametrize("page", ["gone", "broken", "nothing"])
async def test_without_a_card_it_goes_out_all_the_same_and_nobody_asks_again(
    stage: Stage, account: Account, page: str
) -> None:
    def answer() -> Response:
        if page == "gone":
            raise NotSent("The server could not be reached.")
        if page == "broken":
            raise RuntimeError("Nobody expected this.")
        return Response(404, HTML, PAGE)

    internet = Internet(answer)
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    kept = await stage.is_in(delivery, DeliveryState.SENT)
    assert internet.embeds == [None]
    assert kept.card == {}
    assert internet.read == 1


async def test_a_page_that_never_answers_holds_up_nothing_for_long(
    stage: Stage, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "WITHIN", 0.1)

    class Silent(Internet):
        async def send(self, request: Request) -> Response:
            if not request.url.startswith(KEPT_AT):
                await asyncio.Event().wait()
            return await super().send(request)

    internet = Silent(lambda: Response(200, HTML, PAGE))
    on(stage, internet)
    delivery = await stage.queue(account, TEXT)
    stage.start()
    await stage.is_in(delivery, DeliveryState.SENT)
    assert internet.embeds == [None]


async def test_what_has_no_link_or_a_platform_that_looks_by_itself_is_not_asked_about(
    stage: Stage, account: Account
) -> None:
    internet = Internet(lambda: Response(200, HTML, PAGE))
    on(stage, internet)
    delivery = await stage.queue(account, "Lock up your shed.")
    stage.start()
    kept = await stage.is_in(delivery, DeliveryState.SENT)
    assert (internet.read, kept.card) == (0, None)


async def test_new_words_have_a_new_card(stage: Stage, account: Account, runtime: Runtime) -> None:
    delivery = await stage.queue(account, TEXT)
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        row.card = {"url": "https://a.example", "title": "Old", "description": ""}
    async with runtime.unit_of_work() as session:
        row = await session.get_one(Delivery, delivery.id)
        await outbox.change_words(session, stage.cast.alice, row, text="Other: https://b.example")
    assert (await stage.delivery(delivery.id)).card is None
