"""One of everything that a team can have, made through the services, so that a walk can try every door with it."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from api.accounts import service as accounts
from api.core.clock import now
from api.core.ids import new_id
from api.core.runtime import Runtime
from api.identity import secret, tokens
from api.identity import service as people
from api.inbox import service as inbox
from api.library import service as library
from api.media import receiving
from api.media import service as media
from api.media.values import Words
from api.models import (
    Account,
    Alert,
    AlertKind,
    Connection,
    Conversation,
    Delivery,
    DeliveryState,
    Destination,
    Membership,
    Message,
    Person,
    Post,
    PostState,
    Share,
    ShareHow,
    SignIn,
    Webhook,
    metadata,
)
from api.outbox import service as outbox
from api.platforms.values import Contact, Platform, Visibility
from api.policy import service as policy
from api.posts import service as posts
from api.posts.schemas import PostIn
from api.priorities import service as priorities
from api.priorities.schemas import AnswerIn, PriorityIn, TallyIn
from tests.support.factories import Cast, an_account
from tests.support.photos import plain
from tests.support.talk import JO, SAM, hear, said

OPEN_WORDS = "Heard on Mill Lane by the north team"
PRIVATE_WORDS = "Only for the officers: it is number nine"
Rows = dict[tuple[str, Any], dict[str, Any]]


@dataclass
class Belongings:
    """`ids`: what a path, a query or a body calls it → every one there is to try."""

    ids: dict[str, list[UUID]] = field(default_factory=dict)
    private: set[UUID] = field(default_factory=set)
    """What no contributor may see."""
    open_words: str = OPEN_WORDS
    private_words: str = PRIVATE_WORDS

    def add(self, name: str, *found: UUID) -> None:
        self.ids.setdefault(name, []).extend(found)

    def nothing(self) -> "Belongings":
        """As many, of which none exists."""
        return Belongings({name: [new_id() for _ in found] for name, found in self.ids.items()})


async def alices(runtime: Runtime, cast: Cast) -> Belongings:
    return await _one_of_everything(runtime, cast, Belongings(), "north@town.example")


async def charlies(runtime: Runtime, cast: Cast) -> Belongings:
    """The same in the other force, with words of its own."""
    there = replace(
        cast,
        force=cast.wexley,
        team=cast.wexley_team,
        neighbourhood=cast.wexley_neighbourhood,
        alice=cast.charlie,
    )
    things = Belongings(open_words="Heard in the market square", private_words="Only for officers in Wexley")
    return await _one_of_everything(runtime, there, things, "wexley@town.example")


async def _one_of_everything(runtime: Runtime, cast: Cast, things: Belongings, handle: str) -> Belongings:
    loose, carried = [await _picture(runtime, cast, things) for _ in range(2)]
    async with runtime.unit_of_work() as session:
        account = await an_account(session, cast.force, cast.team, handle)
        account.name = f"{cast.team.name} Police"
        things.add("team_id", cast.team.id)
        things.add("neighbourhood_id", cast.neighbourhood.id)
        things.add("account_id", account.id)
        await _people(runtime, session, cast, things)
        await _posts(session, cast, account, things)
        await _said_by_the_force(session, cast, account, things)
        await _carry(session, cast, loose, carried, things)
        await _talk(session, cast, account, things)
        await _priorities(session, cast, account, things)
        await policy.note_false_alarm(session, cast.alice, "R02", 0, 9, things.open_words)
    return things


async def _people(runtime: Runtime, session: AsyncSession, cast: Cast, things: Belongings) -> None:
    alice = await session.get_one(Person, cast.alice.person_id)
    memberships = await session.execute(select(col(Membership.id)).where(col(Membership.person_id) == alice.id))
    token, _ = await tokens.create_token(
        session, None, alice, "Command and control", ["posts:read"], now() + timedelta(days=9)
    )
    sign_in = SignIn(
        person_id=alice.id,
        token_hash=secret.digest(secret.fresh("")),
        last_seen_at=now(),
        expires_at=now() + timedelta(days=1),
    )
    connection = Connection(
        force_id=cast.force.id,
        team_id=cast.team.id,
        person_id=alice.id,
        platform=Platform.MASTODON,
        instance="https://town.example",
        redirect_uri=accounts.redirect_uri(runtime.settings, Platform.MASTODON),
        expires_at=now() + timedelta(minutes=15),
    )
    session.add_all([sign_in, connection])
    await people.set_password_link(session, None, alice)
    await session.flush()
    things.add("person_id", alice.id)
    things.add("membership_id", *memberships.scalars())
    things.add("token_id", token.id)
    things.add("session_id", sign_in.id)
    things.add("sign_in_id", sign_in.id)
    things.add("connection_id", connection.id)
    things.private |= {token.id, sign_in.id, connection.id}


async def _picture(runtime: Runtime, cast: Cast, things: Belongings) -> UUID:
    words = Words(f"{things.open_words}: a closed road")
    return (await receiving.receive(runtime, cast.alice, cast.team.id, BytesIO(plain()), words)).media_id


async def _carry(session: AsyncSession, cast: Cast, loose: UUID, carried: UUID, things: Belongings) -> None:
    """One that a post carries, and before it one that nothing does."""
    for each in (loose, carried):
        await media.keep(session, cast.alice, each)
    draft = await session.get_one(Post, things.ids["post_id"][0])
    await media.carry(session, cast.alice, draft, [carried])
    things.add("media_id", loose, carried)


async def _posts(session: AsyncSession, cast: Cast, account: Account, things: Belongings) -> None:
    standard = await library.add_standard_post(
        session,
        None,
        cast.force.id,
        "bike-marking",
        "Bike marking",
        "prevention",
        f"{things.open_words}: bike marking.",
    )

    async def a_post(**more: Any) -> Post:
        wanted = PostIn(team_id=cast.team.id, text=things.open_words, account_ids=[account.id], **more)
        return await posts.create(session, cast.alice, wanted)

    draft, due = await a_post(), await a_post(publish_at=now() + timedelta(days=1))
    refused = await a_post(publish_at=now() + timedelta(hours=1))
    await session.flush()
    rows = await session.execute(select(Delivery).where(col(Delivery.post_id).in_([due.id, refused.id])))
    for delivery in rows.scalars():
        things.add("delivery_id", delivery.id)
        things.add("schedule_id", delivery.schedule_id or delivery.id)
        if delivery.post_id == refused.id:
            delivery.state, delivery.error = DeliveryState.REFUSED, "The town said no."
    unsure = await outbox.queue(session, cast.alice, account, things.open_words, now(), team_id=cast.team.id)
    unsure.state = DeliveryState.NEEDS_PERSON
    alert = Alert(force_id=cast.force.id, team_id=cast.team.id, account_id=account.id, kind=AlertKind.NEEDS_PERSON)
    hook = Webhook(force_id=cast.force.id, url="https://alarm.example/", made_by_id=cast.alice.person_id)
    session.add_all([alert, hook])
    await session.flush()
    things.add("delivery_id", unsure.id)
    things.add("alert_id", alert.id)
    things.add("webhook_id", hook.id)
    things.add("post_id", draft.id, due.id)
    things.add("standard_post_id", standard.id)


async def _said_by_the_force(session: AsyncSession, cast: Cast, account: Account, things: Belongings) -> None:
    """A post of the force's own that is out, and a proposal of the team's to repost it."""
    own = await an_account(session, cast.force, None, f"force.{account.handle}")
    common = {"force_id": cast.force.id, "team_id": cast.team.id, "author_id": cast.alice.person_id}
    out = Post(**common, text=things.open_words, state=PostState.SENT)
    proposed = Post(**common, text=things.open_words)
    session.add_all([out, proposed])
    await session.flush()
    at = now()
    delivery = Delivery(
        force_id=cast.force.id, team_id=cast.team.id, account_id=own.id, post_id=out.id, text=things.open_words,
        state=DeliveryState.SENT, due_at=at, not_before=at, useful_until=at, sent_at=at,
        remote_id=f"said-{own.remote_id}", url=f"https://town.example/@force/{own.remote_id}",
    )  # fmt: skip
    session.add(delivery)
    session.add_all(
        [Destination(post_id=out.id, account_id=own.id), Destination(post_id=proposed.id, account_id=account.id)]
    )
    await session.flush()
    session.add(Share(post_id=proposed.id, delivery_id=delivery.id, how=ShareHow.REPOST))
    things.add("post_id", out.id, proposed.id)


async def _talk(session: AsyncSession, cast: Cast, account: Account, things: Belongings) -> None:
    async def talk(by: Contact, words: str, visibility: Visibility) -> tuple[Conversation, Message, Message]:
        (message,) = await hear(session, account, said(words, by, visibility=visibility))
        conversation = await session.get_one(Conversation, message.conversation_id)
        await inbox.add_note(session, cast.alice, conversation.id, things.private_words)
        return conversation, message, await inbox.reply(session, cast.alice, conversation.id, f"{words}, thank you.")

    public, heard, answer = await talk(JO, things.open_words, Visibility.PUBLIC)
    direct, _, private = await talk(SAM, things.private_words, Visibility.DIRECT)
    carried = (await session.execute(select(Delivery).where(col(Delivery.message_id) == answer.id))).scalar_one()
    carried.state, carried.remote_id = DeliveryState.SENT, f"answer-{answer.id}"
    rows = await session.execute(select(Delivery).where(col(Delivery.message_id) == private.id))
    delivery = rows.scalar_one()
    things.add("conversation_id", public.id, direct.id)
    things.add("message_id", answer.id, private.id, heard.id)
    things.add("delivery_id", delivery.id)
    things.private |= {direct.id, private.id, delivery.id}


async def _priorities(session: AsyncSession, cast: Cast, account: Account, things: Belongings) -> None:
    question = await priorities.ask(
        session, cast.alice, cast.neighbourhood.id, things.open_words, None, [account.id], now() + timedelta(days=1)
    )
    answer = await priorities.record_answer(
        session, cast.alice, question.id, AnswerIn(source="doorstep", issues=["parking"], text=things.open_words)
    )
    await priorities.record_tally(
        session,
        cast.alice,
        question.id,
        TallyIn(counts={"parking": 3}, heads=9, place="Northgate Hall", held_on=now().date()),
    )
    priority = await priorities.adopt(
        session,
        cast.alice,
        PriorityIn(
            neighbourhood_id=cast.neighbourhood.id, question_id=question.id, issue="parking", reason=things.open_words
        ),
    )
    await priorities.write_update(session, cast.alice, priority.id, things.open_words)
    things.add("question_id", question.id)
    things.add("answer_id", answer.id)
    things.add("priority_id", priority.id)


NOTED_IN_PASSING = {"last_used_at", "last_seen_at"}


async def everything(runtime: Runtime) -> Rows:
    """Every row of every table, without what merely looking may note down."""
    found: Rows = {}
    async with runtime.read() as session:
        for table in metadata.sorted_tables:
            for row in (await session.execute(select(table))).mappings():
                values = {name: value for name, value in row.items() if name not in NOTED_IN_PASSING}
                found[table.name, row["id"]] = values
    return found


def rows_of(rows: Rows, force_id: UUID) -> set[Any]:
    """The ids of one force's rows: its own, and those of its people and teams."""
    theirs: set[Any] = {force_id}
    for _ in range(3):
        theirs |= {
            key for (_, key), row in rows.items() if theirs & {row.get(n) for n in ("force_id", "person_id", "team_id")}
        }
    return theirs


async def nothing_changed(runtime: Runtime, before: Rows, strangers: set[Any]) -> None:
    """Apart from the strangers' rows all is as before, and nothing new hangs on it."""
    after = await everything(runtime)
    ours = {str(key) for _, key in before if key not in strangers}
    changed = [key for key, row in before.items() if key[1] not in strangers and after.get(key) != row]
    attached = [
        key for key, row in after.items() if key not in before and any(str(value) in ours for value in row.values())
    ]
    assert (changed, attached) == ([], [])
